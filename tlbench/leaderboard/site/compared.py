"""Every two strategies, and every two backbones, compared as `tlbench compare` does it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any, Literal

from tlbench.leaderboard.aggregate import Entry
from tlbench.leaderboard.comparison import VERDICTS, Comparison, compare_entries
from tlbench.leaderboard.site.columnar import FINE, Texts, rounded

Side = Literal["strategy", "backbone"]
SIDES: tuple[Side, ...] = ("strategy", "backbone")
MOST = 20_000
"""Comparisons on a page: of more, those of the names with the most results are kept."""


def comparison_records(entries: Sequence[Entry], texts: Texts) -> dict[str, Any]:
    """Return for each sort of side the names, and for each pair of names what is compared and why the rest is not."""
    return {by: _pairs(entries, by, texts) for by in SIDES}


def _pairs(entries: Sequence[Entry], by: Side, texts: Texts) -> dict[str, Any]:
    named: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        named[getattr(entry.first, by)].append(entry)
    often = sorted(named, key=lambda name: (-len(named[name]), name))
    pairs: dict[str, Any] = {}
    count = 0
    kept: list[str] = []
    for name in often:
        if count > MOST:
            break
        for other in kept:
            a, b = sorted((name, other))
            compared, uncompared = compare_entries(named[a], named[b], by)
            reasons = Counter(one.reason for one in uncompared if one.a and one.b)
            count += len(compared)
            if compared or reasons:
                said = [[texts.number(reason), times] for reason, times in reasons.most_common(5)]
                pairs[_key(texts, a, b)] = [[_record(one, by, texts) for one in compared], said]
        kept.append(name)
    return {"names": texts.numbers(sorted(kept)), "left": len(often) - len(kept), "pairs": pairs}


def _key(texts: Texts, a: str, b: str) -> str:
    return f"{texts.number(a)} {texts.number(b)}"


def _record(one: Comparison, by: Side, texts: Texts) -> list[Any]:
    """Return task, the name that both share, label budget, both labels, metric, both scores, difference and so on."""
    shared = one.backbone if by == "strategy" else one.strategy
    words = (one.task, shared or "", one.label_budget or "", one.a, one.b, one.metric)
    numbers = (one.score_a, one.score_b, one.difference, one.error)
    more = (one.forgetting_head, one.forgetting_probe, one.p50_ms)
    found = [
        *texts.numbers(words),
        *(rounded(number, FINE) for number in numbers),
        one.seeds,
        VERDICTS.index(one.verdict),
    ]
    return [*found, one.seeds_needed, *map(rounded, more), int(one.contended), int(one.paired)]
