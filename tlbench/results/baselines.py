"""What a score says beside those of the baselines: same task, data, backbone, options, budget, seed and machine."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

from tlbench.results.files import digest
from tlbench.results.row import Row

CONSTANT, SCRATCH, SOURCE_ONLY, ALL_LABELS = "constant", "scratch", "source-only", "all-labels"
CLASSICAL = "classical"
NAMES = (CONSTANT, SCRATCH, SOURCE_ONLY, ALL_LABELS, CLASSICAL)
"""Strategies of tlbench by which results of others are judged."""
NOTHING: Mapping[str, Any] = {"transfer_gain": None, "negative_transfer": None, "gap_closed": None}
"""What a row says that has no baselines."""
Question = tuple[str, str, Hashable, Hashable]
"""(strategy, start of its row, label budget, augmentation); None for a baseline on which that has no effect."""
UNVARIED = (CONSTANT, SOURCE_ONLY, CLASSICAL)
"""Baselines that train on no batches, so that they are compared with results of any augmentation."""


def model(row: Row) -> list[Any]:
    """Return everything that the seeds of one model start from, whatever the strategy and its label budget."""
    data = [row.task, row.task_options, row.files, row.metric]
    encoder = [row.backbone, row.backbone_options, row.weights_sha256, row.source_mode, row.source_options]
    training = (row.precision, row.accumulation_steps, row.compiled)
    return [*data, *encoder, row.machine, row.device, row.threads, *training]


def start(row: Row) -> list[Any]:
    """Return everything that a row starts from, whatever the strategy and its label budget."""
    return [*model(row), row.seed]


def requested_budget(row: Row) -> str:
    """Return the label budget as it was requested: the number of labels may depend on what there was."""
    return row.budget_rule or str(row.label_budget)


def with_baselines(rows: Sequence[Row]) -> list[Row]:
    """Return rows with transfer gain, negative transfer and gap closed, against the baselines among them.

    A row has none of them if its baseline failed, or if several answer that differ in their own options. Of several
    `scratch`, the one counts that trained for as many steps as the row.
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


def scratches(rows: Sequence[Row]) -> list[Row | None]:
    """Return for each row the `scratch` among them that it is compared with, None if there is none; itself for one."""
    starts = [digest(start(row)) for row in rows]
    index = _index(rows, starts)
    return [_baseline(SCRATCH, row, place, index) for row, place in zip(rows, starts, strict=True)]


def only_baseline(named: Sequence[Row], row: Row) -> Row | None:
    """Return the one of the baselines of a name that a row is compared with; None for several that differ."""
    if len(named) > 1 and named[0].strategy == SCRATCH:
        named = [one for one in named if steps(one) == steps(row)]
    return named[0] if len(named) == 1 else None


def steps(row: Row) -> str | int | float | bool | None:
    """Return how many steps a strategy trained on the target; None for one without the option `steps`."""
    return row.strategy_options.get("steps")


def augmentation(row: Row) -> str | None:
    """Return the augmentation that a row shares with those that it is compared with; None for those of any."""
    return None if row.strategy in UNVARIED else row.augmentation


def _index(rows: Sequence[Row], starts: Sequence[str]) -> Mapping[Question, list[Row]]:
    """Return the baselines of each question: several if they differ in their options."""
    index: dict[Question, list[Row]] = defaultdict(list)
    for row, place in zip(rows, starts, strict=True):
        if row.baseline and row.status == "ok":
            budget = requested_budget(row) if "target-labels" in row.access else None
            named = index[row.strategy, place, budget, augmentation(row)]
            if all(one.strategy_options != row.strategy_options for one in named):
                named.append(row)
    return index


def _baseline(name: str, row: Row, place: str, index: Mapping[Question, list[Row]]) -> Row | None:
    """Return the baseline of a name that a row is compared with."""
    if row.strategy == name:  # A baseline is its own, whatever other options there are.
        return row
    varied = None if name in UNVARIED else row.augmentation
    keys = ((name, place, budget, varied) for budget in (requested_budget(row), None))
    return next(filter(None, (only_baseline(index.get(key, []), row) for key in keys)), None)


def _compared(row: Row, place: str, index: Mapping[Question, list[Row]]) -> dict[str, Any]:
    if row.score is None:
        return {}
    fields: dict[str, Any] = {}
    scratch, low, high = (_baseline(name, row, place, index) for name in (SCRATCH, SOURCE_ONLY, ALL_LABELS))
    if scratch and scratch.score is not None:
        gain = row.score - scratch.score
        fields |= {"transfer_gain": gain, "negative_transfer": gain < 0}
    if low and high:
        fields["gap_closed"] = _gap_closed(row.score, low, high)
    return fields


def _gap_closed(score: float, low: Row, high: Row) -> float | None:
    """Return the part of the gap from `low` to `high` that a score closes; None if `high` is no upper bound of both."""
    if low.score is None or high.score is None or low.score_high is None or high.score_low is None:
        return None
    # Test intervals that overlap: the gap may be 0.
    if low.score_high >= high.score_low or score > high.score:
        return None
    return (score - low.score) / (high.score - low.score)
