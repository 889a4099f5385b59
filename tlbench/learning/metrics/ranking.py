"""Scores of a ranking as functions of weights: the units are sorted once, whatever number of draws is scored."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tlbench.contract.task_data import Array


def _cumulative(values: Array, positive: Array) -> Callable[[Array], tuple[Array, Array]]:
    """Return the weight of units of both labels from the highest value down to each distinct value.

    `values` and `positive` (whether the label is 1) are `(M,)`; the function takes the weights `(M,)` of units.
    NaN if a value is no finite number: it has no place in a ranking.
    """
    if not np.isfinite(values).all():
        return lambda weights: (np.full(1, np.nan), np.full(1, np.nan))
    order = np.argsort(-values, kind="stable")
    ranked, hit = values[order], positive[order].astype(bool)
    # Equal values have no order among each other: a threshold takes all of them or none.
    last = np.append(np.flatnonzero(np.diff(ranked)), len(ranked) - 1)

    def counted(weights: Array) -> tuple[Array, Array]:
        sorted_weights = weights[order]
        return (
            np.cumsum(np.where(hit, sorted_weights, 0.0))[last],
            np.cumsum(np.where(hit, 0.0, sorted_weights))[last],
        )

    return counted


def weighted_average_precision(values: Array, positive: Array) -> Callable[[Array], float]:
    """Return the average precision as a function of weights: sum over thresholds of precision x growth of recall.

    0 if the units of label 1 have no weight.
    """
    counted = _cumulative(values, positive)

    def weighted(weights: Array) -> float:
        right, wrong = counted(weights)
        if right[-1] <= 0:
            return 0.0
        found = right + wrong
        precision = np.divide(right, found, out=np.zeros_like(right), where=found != 0)
        # No product of vectors: BLAS would start threads for it that cost more than the sum.
        return float((np.diff(right, prepend=0.0) * precision).sum() / right[-1])

    return weighted


def weighted_area_under_roc(values: Array, positive: Array) -> Callable[[Array], float]:
    """Return the area under the ROC curve as a function of weights, by trapezoids; 0 if a label has no weight."""
    counted = _cumulative(values, positive)

    def weighted(weights: Array) -> float:
        right, wrong = counted(weights)
        if right[-1] <= 0 or wrong[-1] <= 0:
            return 0.0
        height = right - np.diff(right, prepend=0.0) / 2
        return float((np.diff(wrong, prepend=0.0) * height).sum() / (right[-1] * wrong[-1]))

    return weighted
