"""Scores where a prediction is no single label of an example: label maps, numbers, several labels at once.

They are functions of example weights, as those of `tlbench.learning.metrics` are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from tlbench.contract.task_data import Array
from tlbench.learning.data import Targets
from tlbench.learning.metrics import Metric, Weighted


def pixel_metrics(labels: int) -> Mapping[str, Metric]:
    """Return the scores of label maps with so many labels, of which 0 is the background; predictions are `(M,)`.

    Pixels of all images are counted together, as in Pascal VOC (Everingham et al. 2010): `mean-iou` over the labels
    that occur, `dice` over those of them that are not the background.
    """

    def metric(formula: Callable[[Array], float]) -> Metric:
        def of(predictions: Array, targets: Targets) -> Weighted:
            cells = _confusion_by_example(predictions, targets, labels)
            return lambda weights: formula(np.tensordot(weights, cells, 1))

        return of

    return {"mean-iou": metric(_mean_iou), "dice": metric(_dice), "pixel-accuracy": metric(_pixel_accuracy)}


def _confusion_by_example(predictions: Array, targets: Targets, labels: int) -> Array:
    """Return `(N, C, C)`: how many units of each example are of label i and were taken for j."""
    example = np.repeat(np.arange(len(targets)), targets.counts)
    cells = (example * labels + targets.values) * labels + predictions
    return np.bincount(cells, minlength=len(targets) * labels**2).reshape(-1, labels, labels)


def _mean_iou(cells: Array) -> float:
    right = np.diag(cells)
    union = cells.sum(0) + cells.sum(1) - right
    return float((right[union > 0] / union[union > 0]).mean())


def _dice(cells: Array) -> float:
    """Mean of 2 |A and B| / (|A| + |B|); 1 where nothing but background is there, and nothing else was found."""
    right, size = np.diag(cells)[1:], (cells.sum(0) + cells.sum(1))[1:]
    return float((2 * right[size > 0] / size[size > 0]).mean()) if size.any() else 1.0


def _pixel_accuracy(cells: Array) -> float:
    return float(np.trace(cells) / cells.sum())


def r2(predictions: Array, targets: Targets) -> Weighted:
    """Coefficient of determination, the mean over the numbers; 0 for a number that is the same in all examples."""

    def weighted(weights: Array) -> float:
        mean = np.average(targets.values, axis=0, weights=weights)
        lost = weights @ np.square(predictions - targets.values, dtype=np.float64)
        there = weights @ np.square(targets.values - mean)
        return float(np.where(there > 0, 1 - lost / np.where(there > 0, there, 1), 0).mean())

    return weighted


def rmse(predictions: Array, targets: Targets) -> Weighted:
    """Root of the mean squared error in the unit of the targets, the mean over the numbers."""
    squares = np.square(predictions - targets.values, dtype=np.float64)
    return lambda weights: float(np.sqrt(np.average(squares, axis=0, weights=weights)).mean())


def mae(predictions: Array, targets: Targets) -> Weighted:
    """Mean absolute error in the unit of the targets, the mean over the numbers."""
    errors = np.abs(predictions - targets.values, dtype=np.float64)
    return lambda weights: float(np.average(errors, axis=0, weights=weights).mean())


def mean_average_precision(predictions: Array, targets: Targets) -> Weighted:
    """Mean over the labels of the average precision; a label that no example has is left out."""

    def weighted(weights: Array) -> float:
        from sklearn.metrics import average_precision_score

        there = np.flatnonzero(weights @ targets.values)
        each = [average_precision_score(targets.values[:, i], predictions[:, i], sample_weight=weights) for i in there]
        return float(np.mean(each)) if each else 0.0

    return weighted


def micro_f1(predictions: Array, targets: Targets) -> Weighted:
    """F1 of all labels of all examples counted together; a label is taken from a probability of 0.5."""
    right, size = _hits(predictions, targets)
    return lambda weights: _f1(weights @ right.sum(1), weights @ size.sum(1))


def macro_f1(predictions: Array, targets: Targets) -> Weighted:
    """Mean of the labels' F1; a label is taken from a probability of 0.5, one that never occurs counts as 0."""
    right, size = _hits(predictions, targets)
    return lambda weights: float(np.mean([*map(_f1, weights @ right, weights @ size)]))


def _hits(predictions: Array, targets: Targets) -> tuple[Array, Array]:
    """Return for each example and label, `(N, L)`: 1 where it was found right; how often it was found or there."""
    found = predictions >= 0.5
    return (found & (targets.values == 1)).astype(float), found + targets.values.astype(float)


def _f1(right: float, size: float) -> float:
    return float(2 * right / size) if size else 0.0
