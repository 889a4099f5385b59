"""Raw labels as indices of classes, for what compares examples by label."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tlbench.contract.requests import SELF_LABELLED
from tlbench.contract.specs import KindSpec

if TYPE_CHECKING:
    from tlbench.contract.task_data import Array


def has_classes(kind: KindSpec) -> bool:
    """Return whether a task's labels are classes: numbers are none, and texts that are their own labels have none."""
    return kind.target != "numbers" and kind.layout not in SELF_LABELLED


def label_indices(kind: KindSpec, label: Any) -> Array:
    """Return the indices of an example's labels: one for each unit, of flags those that are set, or none."""
    if not has_classes(kind):
        return np.zeros(0, np.int64)
    values = np.ravel(np.asarray(label))
    return np.flatnonzero(values) if kind.target == "flags" else values.astype(np.int64)
