"""Every two strategies, and every two backbones, compared as `tlbench compare` does it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from tlbench.leaderboard.aggregate import Entry
from tlbench.leaderboard.comparison import comparison, same_graph, unlike
from tlbench.leaderboard.matching import Pair, match, place
from tlbench.leaderboard.site.columnar import DIGITS, FINE, Texts, brief, columns, rounded, three_decimals

Side = Literal["strategy", "backbone"]
SIDES: tuple[Side, ...] = ("strategy", "backbone")
MOST = 20_000
"""Comparisons on a page: of more, those of the names with the most results are kept."""


def comparison_records(everything: Sequence[Entry], texts: Texts) -> dict[str, Any]:
    """Return for each sort of side the names, what is compared, and why the rest is not.

    Entries are named by their places. Names come in the order of the alphabet: A of a comparison is before B.
    """
    numbers = {id(entry): number for number, entry in enumerate(everything)}
    scored = [entry for entry in everything if entry.first.status == "ok"]
    return {by: _side(scored, by, numbers, texts) for by in SIDES}


def _side(entries: Sequence[Entry], by: Side, numbers: Mapping[int, int], texts: Texts) -> dict[str, Any]:
    named: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        named[getattr(entry.first, by)].append(entry)
    often = sorted(named, key=lambda name: (-len(named[name]), name))
    pairs: list[Pair] = []
    reasons: list[list[Any]] = []
    kept: list[str] = []
    for name in often:
        if len(pairs) > MOST:
            break
        for other in kept:
            a, b = sorted((name, other))
            found = match(named[a], named[b], by)
            pairs += found.comparable
            for reason, times in Counter(map(unlike, found.unlike)).most_common(5):
                reasons.append([*texts.numbers((a, b, reason)), times])
        kept.append(name)
    # Neighbours with one of their entries in common: columns of them are short when they are compressed.
    pairs.sort(key=lambda pair: (*place(pair.a, by), numbers[id(pair.a)], numbers[id(pair.b)]))
    return {
        "names": texts.numbers(sorted(kept)),
        "left": len(often) - len(kept),
        "records": columns([_record(pair, by, numbers) for pair in pairs], texts, FINE),
        "reasons": reasons,
    }


def _record(pair: Pair, by: Side, numbers: Mapping[int, int]) -> dict[str, Any]:
    """Return a comparison without what its entries say: their scores too, unless only some seeds are in common."""
    one = comparison(pair, by)
    scores = {
        name: None if rounded(score, FINE) == rounded(entry.mean("score"), FINE) else score
        for name, score, entry in (("score_a", one.score_a, pair.a), ("score_b", one.score_b, pair.b))
    }
    forgetting = one.forgetting_head if one.forgetting_head is not None else one.forgetting_probe
    return {
        "a": numbers[id(pair.a)],
        "b": numbers[id(pair.b)],
        **scores,
        "difference": brief(one.difference, FINE, three_decimals),
        "error": brief(one.error, FINE, three_decimals),
        "verdict": one.verdict,
        "needed": one.seeds_needed,
        "forgetting": brief(forgetting, DIGITS, three_decimals),
        "ms": brief(one.p50_ms, DIGITS, three_decimals),
        "paired": one.paired,
        "graph": by == "strategy" and same_graph(pair.seeds),
    }
