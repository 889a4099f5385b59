"""What a score says beside those of the baselines: same task, data, backbone, options, budget, seed and machine."""

from __future__ import annotations

import dataclasses
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

from tlbench.results.files import digest
from tlbench.results.row import Row

SCRATCH, LOW, HIGH = "scratch", "source-only", "all-labels"
NOTHING: Mapping[str, Any] = {"transfer_gain": None, "negative_transfer": None, "gap_closed": None}
"""What a row says that has no baselines."""
Question = tuple[str, str, Hashable]
"""(strategy, start of its row, label budget); the budget is None for a baseline without access to it."""


def start(row: Row) -> list[Any]:
    """Return everything that a row starts from, whatever the strategy and its label budget."""
    data = [row.task, row.task_options, row.files, row.metric]
    model = [row.backbone, row.backbone_options, row.weights_sha256, row.source_mode, row.source_options]
    training = (row.precision, row.accumulation_steps, row.compiled)
    return [*data, *model, row.seed, row.machine, row.device, row.threads, *training]


def with_baselines(rows: Sequence[Row]) -> list[Row]:
    """Return rows with transfer gain, negative transfer and gap closed, against the baselines among them.

    A row has none of them if its baseline failed, or if several answer that differ in their own options.
    """
    compared = comparisons(rows)
    return [
        row if row.score is None else dataclasses.replace(row, **{**NOTHING, **found})
        for row, found in zip(rows, compared, strict=True)
    ]


def comparisons(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Return for each row the fields that the baselines among them give, without those that lack their baseline."""
    starts = [digest(start(row)) for row in rows]
    index = _index(rows, starts)
    return [_compared(row, place, index) for row, place in zip(rows, starts, strict=True)]


def _index(rows: Sequence[Row], starts: Sequence[str]) -> Mapping[Question, Row | None]:
    """Return the baseline of each question, or None for several that differ in their options."""
    index: dict[Question, Row | None] = {}
    for row, place in zip(rows, starts, strict=True):
        if row.baseline and row.status == "ok":
            budget = _budget(row) if "target-labels" in row.access else None
            first = index.setdefault((row.strategy, place, budget), row)
            if first is not None and first.strategy_options != row.strategy_options:
                index[row.strategy, place, budget] = None
    return index


def _budget(row: Row) -> str:
    """Return the budget as it was requested: the number of labels may depend on what there was."""
    return row.budget_rule or str(row.label_budget)


def _compared(row: Row, place: str, index: Mapping[Question, Row | None]) -> dict[str, Any]:
    if row.score is None:
        return {}

    def baseline(name: str) -> Row | None:
        if row.strategy == name:  # A baseline is its own, whatever other options there are.
            return row
        return index.get((name, place, _budget(row))) or index.get((name, place, None))

    fields: dict[str, Any] = {}
    scratch, low, high = map(baseline, (SCRATCH, LOW, HIGH))
    if scratch and scratch.score is not None:
        gain = row.score - scratch.score
        fields |= {"transfer_gain": gain, "negative_transfer": gain < 0}
    if low and high and low.score is not None and high.score is not None:
        apart = _apart(low, high)
        fields["gap_closed"] = (row.score - low.score) / (high.score - low.score) if apart else None
    return fields


def _apart(low: Row, high: Row) -> bool:
    """Return whether the test intervals of two rows do not overlap, so that their difference is not 0."""
    ends = (low.score_low, low.score_high, high.score_low, high.score_high)
    if None in ends:
        return False
    return ends[1] < ends[2] or ends[3] < ends[0]  # type: ignore[operator]
