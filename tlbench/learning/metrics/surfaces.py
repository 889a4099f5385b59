"""Distances between the outlines of label maps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tlbench.contract.task_data import Array
from tlbench.learning.metrics.metric import Metric, Vectorised, Weighted
from tlbench.learning.targets import Predictions, Targets

PERCENTILE = 95


def hausdorff_metric(labels: int) -> Metric:
    """Return the mean 95 % Hausdorff distance of label maps with so many labels, of which 0 is the background.

    For each image, and each label but the background that is there or was found: the 95th percentile of the distances
    from each pixel of one outline to the nearest pixel of the other, both ways, in pixels, or in the unit of the
    spacing that the references give. The diagonal of the image if the label is only there or was only found; 0 if no
    image has such a label. References are `(height, width)` or `(height, width, row spacing, column spacing)`.
    """

    def metric(predictions: Predictions, targets: Targets) -> Weighted:
        sums, counts = np.zeros(len(targets)), np.zeros(len(targets))
        maps = zip(predictions.split(), targets.split(), _shapes(targets), strict=True)
        for place, (found, there, (shape, spacing)) in enumerate(maps):
            distances = _distances(found.reshape(shape), there.reshape(shape), spacing, labels)
            sums[place], counts[place] = sum(distances), len(distances)

        def mean(weights: Array) -> Array:
            total = weights @ counts
            return np.where(total > 0, weights @ sums / np.maximum(total, 1), 0.0)

        return Vectorised(mean)

    return metric


def _shapes(targets: Targets) -> Sequence[tuple[tuple[int, int], tuple[float, float]]]:
    """Return height and width of each image, and the distances of its rows and columns; one row without references."""
    known: Sequence[Any] = targets.references or [(1, int(count)) for count in targets.counts]
    return [
        ((int(one[0]), int(one[1])), (float(one[2]), float(one[3])) if len(one) > 2 else (1.0, 1.0)) for one in known
    ]


def _distances(found: Array, there: Array, spacing: tuple[float, float], labels: int) -> list[float]:
    """Return the distance of each label but the background that is in one of two maps `(H, W)`."""
    distances = []
    for label in range(1, labels):
        sides = found == label, there == label
        if any(side.any() for side in sides):
            both = all(side.any() for side in sides)
            diagonal = float(np.hypot(*(np.array(found.shape) * spacing)))
            distances.append(_hausdorff(_outline(sides[0]), _outline(sides[1]), spacing) if both else diagonal)
    return distances


def _outline(mask: Array) -> Array:
    """Return the pixels of a mask with a neighbour, above, below or beside, that is not in it."""
    from scipy.ndimage import binary_erosion

    outline: Array = mask & ~binary_erosion(mask)
    return outline


def _hausdorff(one: Array, other: Array, spacing: tuple[float, float]) -> float:
    from scipy.ndimage import distance_transform_edt

    to_other, to_one = (distance_transform_edt(~outline, sampling=spacing) for outline in (other, one))
    return float(np.percentile(np.concatenate([to_other[one], to_one[other]]), PERCENTILE))
