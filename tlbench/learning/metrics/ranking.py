"""Scores of a ranking for many sets of weights: the units are sorted once, whatever number of draws is scored."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tlbench.contract.task_data import Array
from tlbench.learning.metrics.metric import divided

Scores = Callable[[Array], Array]
"""Example weights `(D, N)` -> scores `(D,)`."""
BLOCK = 2**16
"""Weights that are ranked at once: what is made of them stays in the processor's cache."""


def _ranked(values: Array, positive: Array, example: Array, score: Callable[[Array, Array], Array]) -> Scores:
    """Return a score of the weights of units of both labels, from the highest value down to each distinct value.

    `values`, `positive` (whether the label is 1) and `example` (the position in the weights) are `(M,)`. `score` takes
    the weights of label 1 and of label 0 down to each of T values, `(d, T)` each, and returns scores `(d,)`. NaN if a
    value is no finite number: it has no place in a ranking.
    """
    if not np.isfinite(values).all():
        return lambda weights: np.full(len(weights), np.nan)
    order = np.argsort(-values, kind="stable")
    ranked, hit = values[order], positive[order].astype(bool)
    # Equal values have no order among each other: a threshold takes all of them or none.
    last = np.append(np.flatnonzero(np.diff(ranked)), len(ranked) - 1)
    place = example[order]

    def scores(weights: Array) -> Array:
        down = weights[:, place]
        right = np.cumsum(np.where(hit, down, 0.0), axis=1)[:, last]
        return score(right, np.cumsum(np.where(hit, 0.0, down), axis=1)[:, last])

    step = max(1, BLOCK // len(values))
    return lambda weights: np.concatenate(
        [scores(weights[start : start + step]) for start in range(0, len(weights), step)]
    )


def average_precisions(values: Array, positive: Array, example: Array) -> Scores:
    """Return the average precision as a function of weights: sum over thresholds of precision x growth of recall.

    0 if the units of label 1 have no weight.
    """

    def score(right: Array, wrong: Array) -> Array:
        found, every = right + wrong, right[:, -1]
        return divided((np.diff(right, prepend=0.0) * divided(right, found)).sum(1), every)

    return _ranked(values, positive, example, score)


def areas_under_roc(values: Array, positive: Array, example: Array) -> Scores:
    """Return the area under the ROC curve as a function of weights, by trapezoids; 0 if a label has no weight."""

    def score(right: Array, wrong: Array) -> Array:
        height = right - np.diff(right, prepend=0.0) / 2
        return divided((np.diff(wrong, prepend=0.0) * height).sum(1), right[:, -1] * wrong[:, -1])

    return _ranked(values, positive, example, score)
