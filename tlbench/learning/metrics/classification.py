"""Scores of probabilities `(M, C)` against one label for each unit."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tlbench.contract.task_data import Array
from tlbench.learning.metrics.metric import Metric, PartlyDefined, Weighted
from tlbench.learning.metrics.ranking import weighted_area_under_roc, weighted_average_precision
from tlbench.learning.targets import Predictions, Targets


def accuracy(predictions: Predictions, targets: Targets) -> Weighted:
    """Part of the units whose most probable label is the target."""
    correct = predictions.values.argmax(1) == targets.values
    return lambda weights: float(np.average(correct, weights=np.repeat(weights, targets.counts)))


def _confusion(predictions: Predictions, targets: Targets) -> Callable[[Array], Array]:
    """Return the `(C, C)` confusion matrix, rows the truth, as a function of example weights."""
    size = predictions.values.shape[1]
    cells = targets.values * size + predictions.values.argmax(1)
    return lambda weights: np.bincount(cells, np.repeat(weights, targets.counts), size * size).reshape(size, size)


def _macro(formula: Callable[[Array, Array, Array], tuple[Array, Array]]) -> Metric:
    """Mean of a ratio over the classes that occur among targets or predictions; 0 / 0 counts as 0."""

    def metric(predictions: Predictions, targets: Targets) -> Weighted:
        confusion = _confusion(predictions, targets)

        def weighted(weights: Array) -> float:
            cells = confusion(weights)
            found, there = cells.sum(0), cells.sum(1)
            above, below = formula(np.diag(cells), found, there)
            occurs = (found + there) > 0
            return float(np.divide(above, below, out=np.zeros_like(above), where=below > 0)[occurs].mean())

        return weighted

    return metric


macro_precision = _macro(lambda right, found, there: (right, found))
macro_recall = _macro(lambda right, found, there: (right, there))
macro_f1 = _macro(lambda right, found, there: (2 * right, found + there))


def balanced_accuracy(predictions: Predictions, targets: Targets) -> Weighted:
    """Mean recall over the classes that occur among the targets."""
    confusion = _confusion(predictions, targets)

    def weighted(weights: Array) -> float:
        cells = confusion(weights)
        there = cells.sum(1)
        return float((np.diag(cells)[there > 0] / there[there > 0]).mean())

    return weighted


def negative_log_likelihood(predictions: Predictions, targets: Targets) -> Weighted:
    """Mean of -log p(target), in nats; probabilities below 1e-12 count as 1e-12."""
    chosen = np.take_along_axis(predictions.values, targets.values[:, None], 1)[:, 0]
    loss = -np.log(np.maximum(chosen.astype(np.float64), 1e-12))
    return lambda weights: float(np.average(loss, weights=np.repeat(weights, targets.counts)))


def calibration_error(predictions: Predictions, targets: Targets, bins: int = 15) -> Weighted:
    """Expected calibration error over equal-width bins of confidence (Guo et al. 2017, arXiv:1706.04599, eq. 3)."""
    confidence = predictions.values.max(1).astype(np.float64)
    correct = predictions.values.argmax(1) == targets.values
    # Bin m is ((m - 1) / bins, m / bins].
    place = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)

    def weighted(weights: Array) -> float:
        unit = np.repeat(weights, targets.counts)
        return float(np.abs(np.bincount(place, unit * (correct - confidence), bins)).sum() / unit.sum())

    return weighted


def _ranking(of: Callable[[Array, Array], Weighted]) -> Metric:
    """A score that ranks units by the probability of label 1; 0 if there is no unit of a label."""

    def metric(predictions: Predictions, targets: Targets) -> Weighted:
        positive = targets.values == 1
        ranked = of(predictions.values[:, 1], positive)

        def present(weights: Array) -> bool:
            unit = np.repeat(weights, targets.counts)
            return bool(unit[positive].sum() > 0 and unit[targets.values == 0].sum() > 0)

        return PartlyDefined(
            lambda weights: ranked(np.repeat(weights, targets.counts)) if present(weights) else 0.0, present
        )

    return metric


average_precision = _ranking(weighted_average_precision)
area_under_roc = _ranking(weighted_area_under_roc)
