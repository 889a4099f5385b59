"""The group of test examples on which a model is worst: a speaker, a patient, a document, a session."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tlbench.contract.task_data import Array
from tlbench.learning.metrics.intervals import Resampled, score_draws, score_interval
from tlbench.learning.metrics.metric import Weighted, score_if_defined

SMALLEST = 20
"""Examples that a group needs for a score of its own: that of fewer is mostly chance."""


@dataclass(frozen=True)
class WorstGroup:
    """The group with the lowest score, for the score of a task is the better the higher it is."""

    name: str
    score: float
    low: float
    """Lower end of the 95 % interval over the group's examples."""
    high: float
    """Upper end of it."""
    size: int
    """Examples of the group."""


def worst_group(weighted: Weighted, groups: Array) -> WorstGroup | None:
    """Return the worst of the groups that have `SMALLEST` examples and a score; None if there is none.

    `groups` has a name `(N,)` for each example. Of groups with the same score the first by name is returned. The
    interval does not allow for the choice: the worst of many groups has a low score by chance, too.
    """
    names, place, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    worst: tuple[float, int] | None = None
    for number in np.flatnonzero(sizes >= SMALLEST).tolist():
        value = score_if_defined(weighted, (place == number).astype(np.float64))
        if value is not None and (worst is None or value < worst[0]):
            worst = value, number
    if worst is None:
        return None
    value, number = worst
    # Each example is drawn by itself: of this few, a draw may have no score, and is then left out.
    members = Resampled.members(place == number)
    interval = score_interval(weighted, members, value, score_draws(weighted, members))
    return WorstGroup(str(names[number]), value, interval.low, interval.high, members.size)
