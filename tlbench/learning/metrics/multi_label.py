"""Scores of a probability for each label, `(M, L)`, where an example has any number of labels."""

from __future__ import annotations

import numpy as np

from tlbench.contract.task_data import Array
from tlbench.learning.metrics.metric import PartlyDefined, Weighted
from tlbench.learning.metrics.ranking import weighted_average_precision
from tlbench.learning.targets import Predictions, Targets


def mean_average_precision(predictions: Predictions, targets: Targets) -> Weighted:
    """Mean over the labels of the average precision; a label that no example has is left out."""

    each = [
        weighted_average_precision(predictions.values[:, label], targets.values[:, label] > 0)
        for label in range(targets.values.shape[1])
    ]

    def weighted(weights: Array) -> float:
        there = np.flatnonzero(weights @ targets.values)
        return float(np.mean([each[label](weights) for label in there])) if len(there) else 0.0

    return PartlyDefined(weighted, lambda weights: bool((weights @ targets.values > 0).any()))


def micro_label_f1(predictions: Predictions, targets: Targets) -> Weighted:
    """F1 of all labels of all examples counted together; a label is taken from a probability of 0.5."""
    right, size = _hits(predictions, targets)
    right, size = right.sum(1), size.sum(1)
    return PartlyDefined(lambda weights: _f1(weights @ right, weights @ size), lambda weights: bool(weights @ size > 0))


def macro_label_f1(predictions: Predictions, targets: Targets) -> Weighted:
    """Mean of the labels' F1; a label is taken from a probability of 0.5, one that never occurs counts as 0."""
    right, size = _hits(predictions, targets)
    return PartlyDefined(
        lambda weights: float(np.mean([*map(_f1, weights @ right, weights @ size)])),
        lambda weights: bool((weights @ size > 0).all()),
    )


def _hits(predictions: Predictions, targets: Targets) -> tuple[Array, Array]:
    """Return for each example and label, `(N, L)`: 1 where it was found right; how often it was found or there."""
    found = predictions.values >= 0.5
    return (found & (targets.values == 1)).astype(float), found + targets.values.astype(float)


def _f1(right: float, size: float) -> float:
    return float(2 * right / size) if size else 0.0
