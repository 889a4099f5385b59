"""Scores of label maps."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from tlbench.contract.task_data import Array
from tlbench.learning.metrics.metric import Metric, Weighted, from_statistics
from tlbench.learning.targets import Predictions, Targets


def pixel_metrics(labels: int) -> Mapping[str, Metric]:
    """Return the scores of label maps with so many labels, of which 0 is the background; predictions are `(M,)`.

    Pixels of all images are counted together, as in Pascal VOC (Everingham et al. 2010): `mean-iou` over the labels
    that occur, `dice` over those of them that are not the background.
    """

    def metric(formula: Callable[[Array], float]) -> Metric:
        def of(predictions: Predictions, targets: Targets) -> Weighted:
            cells = _confusion_by_example(predictions, targets, labels)
            return from_statistics(cells.reshape(-1, labels**2), lambda sums: formula(sums.reshape(labels, labels)))

        return of

    return {"mean-iou": metric(_mean_iou), "dice": metric(_dice), "pixel-accuracy": metric(_pixel_accuracy)}


def _confusion_by_example(predictions: Predictions, targets: Targets, labels: int) -> Array:
    """Return `(N, C, C)`: how many units of each example are of label i and were taken for j."""
    example = np.repeat(np.arange(len(targets)), targets.counts)
    cells = (example * labels + targets.values) * labels + predictions.values
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
