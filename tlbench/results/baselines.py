"""What a score says beside those of the references: the bounds of the same task, backbone and seed."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from tlbench.results.row import Row


def with_baselines(row: Row, rows: Iterable[Row]) -> Row:
    """Return the row with what its score says beside the bounds of the same task, backbone, seed and label budget."""
    bounds = {
        other.strategy: other
        for other in rows
        if other.baseline
        and other.status == "ok"
        and (other.task, other.backbone, other.seed) == (row.task, row.backbone, row.seed)
        and (other.label_budget == row.label_budget or "target-labels" not in other.access)
    }
    scratch, low, high = (bounds.get(name) for name in ("scratch", "source-only", "all-labels"))
    gain = row.score - scratch.score if row.score is not None and scratch and scratch.score is not None else None
    closed = None
    if row.score is not None and low and high and _apart(low, high):
        assert low.score is not None
        assert high.score is not None
        closed = (row.score - low.score) / (high.score - low.score)
    negative = None if gain is None else gain < 0
    return dataclasses.replace(row, transfer_gain=gain, negative_transfer=negative, gap_closed=closed)


def _apart(low: Row, high: Row) -> bool:
    """True where the test intervals of two rows do not overlap, so that their difference is not 0."""
    ends = (low.score_low, low.score_high, high.score_low, high.score_high)
    if None in ends:
        return False
    return ends[1] < ends[2] or ends[3] < ends[0]  # type: ignore[operator]
