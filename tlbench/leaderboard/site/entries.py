"""Entries -> the table of the page: what people sort, filter and see in pictures."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from tlbench.leaderboard import questions, wording
from tlbench.leaderboard.advice.case import adaptation_seconds
from tlbench.leaderboard.aggregate import Entry
from tlbench.leaderboard.flags import Peers
from tlbench.leaderboard.ranks import difference
from tlbench.leaderboard.site.descriptions import Card
from tlbench.results.baselines import SCRATCH, SOURCE_ONLY, requested_budget

MEANS = (
    *("score", "score_low", "score_high", "forgetting_head", "forgetting_probe", "gap_closed", "a_distance", "p50_ms"),
    *("p50_ratio", "label_budget"),
)
"""Fields of which the page has the mean over the seeds."""
SPREADS = ("score", "forgetting_head", "forgetting_probe")
SHARED = ("task", "domain", "backbone", "baseline", "setting", "metric", "selection", "test_size")
"""Fields that the seeds of an entry share."""
NAMED = (*SHARED, "status")


def entry_records(entries: Sequence[Entry], tasks: Mapping[str, Card]) -> list[dict[str, Any]]:
    """Return a record for each entry, with a score or without, in the order of the entries."""
    models: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        models[questions.model(entry.first)].append(entry)
    return [{**_record(entry, tasks), **_over(entry, models[questions.model(entry.first)])} for entry in entries]


def _record(entry: Entry, tasks: Mapping[str, Card]) -> dict[str, Any]:
    row, labelled = entry.first, "target-labels" in entry.first.access
    card = tasks.get(row.task)
    size = None if row.onnx_bytes is None else row.onnx_bytes / 1000
    return {
        **{name: getattr(row, name) for name in NAMED},
        **{name: entry.mean(name) for name in MEANS},
        **{f"{name}_sd": entry.spread(name) for name in SPREADS},
        "strategy": row.strategy,
        "label": entry.strategy,
        "kind": card.kind if card else "",
        "access": "+".join(entry.access),
        "access_words": wording.access(entry.access),
        "budget": f"{requested_budget(row)} {row.budget_unit}" if labelled else "",
        "seeds": len(entry.rows),
        "rank": entry.rank,
        "adapt_s": adaptation_seconds(entry),
        "gpu": entry.mean("device_seconds") is not None,
        "onnx_kb": size,
        "contended": any(one.contended for one in entry.rows),
        "pending": entry.pending and row.status == "ok",
        "why": "" if row.status == "ok" else wording.why(entry),
    }


def _over(entry: Entry, peers: Sequence[Entry]) -> dict[str, Any]:
    """Return how far an entry is above source-only and above scratch, with half-widths and whether that is certain."""
    found: dict[str, Any] = {}
    for name, baseline in (("source_only", SOURCE_ONLY), ("scratch", SCRATCH)):
        other = None if entry.first.strategy == baseline else Peers(peers, 0).baseline(entry, baseline)
        gap = None if other is None or entry.first.status != "ok" else difference(entry, other)
        known = gap is not None and gap.seeds > 0
        found[f"over_{name}"] = gap.mean if gap and known else None
        found[f"over_{name}_error"] = gap.error() if gap and known else None
        found[f"over_{name}_decided"] = bool(gap and gap.decided)
    return found
