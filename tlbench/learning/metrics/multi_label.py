"""Scores of a probability for each label, `(M, L)`, where an example has any number of labels."""

from __future__ import annotations

import numpy as np

from tlbench.contract.task_data import Array
from tlbench.learning.metrics.metric import PartlyDefined, Vectorised, Weighted, divided
from tlbench.learning.metrics.ranking import average_precisions
from tlbench.learning.targets import Predictions, Targets


def mean_average_precision(predictions: Predictions, targets: Targets) -> Weighted:
    """Mean over the labels of the average precision; a label that no example has is left out."""
    each = [
        average_precisions(predictions.values[:, label], targets.values[:, label] > 0, np.arange(len(targets)))
        for label in range(targets.values.shape[1])
    ]

    def weighted(weights: Array) -> Array:
        there = weights @ targets.values > 0
        scores = np.stack([score(weights) for score in each], axis=1)
        return divided(np.where(there, scores, 0.0).sum(1), there.sum(1))

    return PartlyDefined(
        Vectorised(weighted),
        Vectorised(lambda weights: np.asarray((weights @ targets.values > 0).any(1))),
        by_targets=True,
    )


def micro_label_f1(predictions: Predictions, targets: Targets) -> Weighted:
    """F1 of all labels of all examples counted together; a label is taken from a probability of 0.5."""
    right, size = (part.sum(1) for part in _hits(predictions, targets))
    return PartlyDefined(
        Vectorised(lambda weights: _f1(weights @ right, weights @ size)),
        Vectorised(lambda weights: weights @ size > 0),
    )


def macro_label_f1(predictions: Predictions, targets: Targets) -> Weighted:
    """Mean of the labels' F1; a label is taken from a probability of 0.5, one that never occurs counts as 0."""
    right, size = _hits(predictions, targets)
    return PartlyDefined(
        Vectorised(lambda weights: _f1(weights @ right, weights @ size).mean(1)),
        Vectorised(lambda weights: np.asarray((weights @ size > 0).all(1))),
    )


def _hits(predictions: Predictions, targets: Targets) -> tuple[Array, Array]:
    """Return for each example and label, `(N, L)`: 1 where it was found right; how often it was found or there."""
    found = predictions.values >= 0.5
    return (found & (targets.values == 1)).astype(float), found + targets.values.astype(float)


def _f1(right: Array, size: Array) -> Array:
    return divided(2 * right, size)
