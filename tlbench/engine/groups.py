"""Groups of examples, such as speakers: checked, kept with the prepared data, and what a row says of them.

A group's name is text: the number 7 and the text "7" are one group.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from tlbench.contract.task_data import Array, Side, Split, TaskData
from tlbench.errors import BadInputError, ContractError
from tlbench.learning.metrics.groups import worst_group
from tlbench.learning.metrics.metric import Weighted

SHOWN = 5
"""Groups that a message names."""


def group_names(split: Split) -> list[str] | None:
    """Return the group of each example of a split, or None without groups. Raises `ContractError` for other names."""
    if split.groups is None:
        return None
    for name in split.groups:
        if isinstance(name, bool) or not isinstance(name, str | int | np.integer):
            raise ContractError(f"The name of a group is {name!r}; it must be a text or a whole number.")
    return [str(name) for name in split.groups]


def check_groups(task: str, data: TaskData) -> None:
    """Raise `BadInputError` for the first fault in the groups of a task's data."""
    for fault in group_faults(data):
        raise BadInputError(f'Task "{task}", {fault}')


def group_faults(data: TaskData) -> Iterator[str]:
    """Yield a sentence on each fault: a number that is not that of the examples, no name, a group in both splits."""
    for name, side in (("source", data.source), ("target", data.target)):
        if side is None:
            continue
        for part, split in (("training", side.train), ("test", side.test)):
            groups = group_names(split)
            if groups is not None and len(groups) != len(split.inputs):
                yield f"{name} {part} split: {len(split.inputs)} examples but {len(groups)} groups."
            if groups and "" in groups:
                yield f"{name} {part} split: example {groups.index('')} has a group without a name: give it one."
        if both := _in_both(side):
            more = f" and {len(both) - SHOWN} more" if len(both) > SHOWN else ""
            yield (
                f"{name} side: the training and the test split have groups in common, "
                f"{', '.join(map(repr, both[:SHOWN]))}{more}: put all examples of a group into one of them."
            )


def _in_both(side: Side) -> list[str]:
    return sorted(set(group_names(side.train) or ()) & set(group_names(side.test) or ()))


def save_groups(folder: Path, name: str, split: Split) -> None:
    """Write the groups of a split beside its other arrays, which name the prepared data; nothing without groups."""
    if (groups := group_names(split)) is not None:
        np.save(folder / f"{name}-groups.npy", np.array(groups, dtype=np.str_), allow_pickle=False)


def read_groups(folder: Path, name: str) -> Array | None:
    """Return the name of each example's group `(N,)`, or None without groups."""
    path = folder / f"{name}-groups.npy"
    return np.load(path, allow_pickle=False) if path.is_file() else None


def group_arrays(groups: Array | None) -> dict[str, Any]:
    """Return what the file of predictions has of the groups of the test split: `groups` `(N,)`, or nothing."""
    return {} if groups is None else {"groups": groups}


def group_fields(weighted: Weighted, groups: Array | None) -> dict[str, Any]:
    """Return what the row says of the groups of the test split, scored by the task's own metric."""
    if groups is None:
        return {}
    fields: dict[str, Any] = {"groups": len(np.unique(groups))}
    if worst := worst_group(weighted, groups):
        fields |= {
            "worst_group": worst.name,
            "worst_group_score": worst.score,
            "worst_group_low": worst.low,
            "worst_group_high": worst.high,
            "worst_group_size": worst.size,
        }
    return fields
