"""Scores of label maps."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from tlbench.contract.task_data import Array
from tlbench.learning.metrics.metric import Metric, Vectorised, Weighted, divided, example_of_units
from tlbench.learning.metrics.surfaces import hausdorff_metric
from tlbench.learning.targets import Predictions, Targets


def pixel_metrics(labels: int) -> Mapping[str, Metric]:
    """Return the scores of label maps with so many labels, of which 0 is the background; predictions are `(M,)`.

    Pixels of all images are counted together, as in Pascal VOC (Everingham et al. 2010): `mean-iou` over the labels
    that occur, `dice` over those of them that are not the background. `hausdorff-95` is a mean over images and labels.
    """

    def metric(formula: Callable[[Array, Array, Array], Array]) -> Metric:
        def of(predictions: Predictions, targets: Targets) -> Weighted:
            cells = _confusion_by_example(predictions, targets, labels)
            counts = np.stack([np.einsum("ncc->nc", cells), cells.sum(1), cells.sum(2)], axis=1).reshape(len(cells), -1)
            return Vectorised(lambda weights: formula(*np.split(weights @ counts, 3, axis=1)))

        return of

    counted = {"mean-iou": metric(_mean_iou), "dice": metric(_dice), "pixel-accuracy": metric(_pixel_accuracy)}
    return {**counted, "hausdorff-95": hausdorff_metric(labels)}


def _confusion_by_example(predictions: Predictions, targets: Targets, labels: int) -> Array:
    """Return `(N, C, C)`: how many units of each example are of label i and were taken for j."""
    cells = (example_of_units(targets) * labels + targets.values) * labels + predictions.values
    return np.bincount(cells, minlength=len(targets) * labels**2).reshape(-1, labels, labels)


def _mean_iou(right: Array, found: Array, there: Array) -> Array:
    return _mean_ratio(right, found + there - right)


def _dice(right: Array, found: Array, there: Array) -> Array:
    """Mean of 2 |A and B| / (|A| + |B|); 1 where nothing but background is there, and nothing else was found."""
    size = (found + there)[:, 1:]
    return np.where(size.any(1), _mean_ratio(2 * right[:, 1:], size), 1.0)


def _mean_ratio(above: Array, below: Array) -> Array:
    """Return the mean over the labels that occur, `(D,)`, of a ratio of numbers `(D, C)`."""
    means: Array = divided(above, below).sum(1) / (below > 0).sum(1)
    return means


def _pixel_accuracy(right: Array, found: Array, there: Array) -> Array:
    shares: Array = right.sum(1) / there.sum(1)
    return shares
