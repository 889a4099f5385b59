"""Detection without anchors: a map of centres for each class, and the distances of a box's sides at each cell."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from tlbench import Array, BadInputError, ContractError, ExampleSequence
from tlbench.learning import BatchTargets, Linear, Metric, Moves, Outputs, Postprocess, Targets
from tlbench_detection.average_precision import mean_average_precision
from tlbench_detection.loss import detection_loss
from tlbench_detection.moving import move_boxes
from tlbench_detection.peaks import COLUMNS, SIDES, Boxes

RARE = 0.05
"""Probability of a centre that a new head gives, so that empty cells do not govern the first steps (Lin et al. 2017,
Focal loss for dense object detection, arXiv:1708.02002, section 4.1)."""
DISTANCE = 3.0
"""Distance, in cells, that a new head gives."""
NOTHING = -12.0
"""Output of a class that is found nowhere."""
SLACK = 1e-4
"""Part of an image by which a box may lie outside, by rounding."""


class Detection:
    """Boxes `(k, 6)` of an image: class, left, top, right, bottom as parts of width and height, and 1 for a crowd.

    A crowd is a region with things that were not marked one by one: what is found there counts neither as right nor as
    wrong, and nothing is learnt from it. An image may have no box.
    """

    postprocess: Postprocess = Boxes()
    """The peaks of the map, with their boxes."""
    has_classes = True

    def head(self, features: int, labels: Sequence[str]) -> nn.Module:
        """Return a linear head that finds nothing at the start."""
        head = nn.Linear(features, len(labels) + SIDES)
        with torch.no_grad():
            head.weight.mul_(0.1)
            head.bias[:-SIDES] = -math.log((1 - RARE) / RARE)
            head.bias[-SIDES:] = DISTANCE
        return head

    def targets(self, labels: ExampleSequence, names: Sequence[str]) -> Targets:
        """Return boxes `(K, 6)` float32. Raises `BadInputError` for a class without a name, or a box without area."""
        boxes = [_table(label) for label in labels]
        values = np.concatenate([np.zeros((0, COLUMNS), np.float32), *boxes])
        classes, corners = values[:, 0], values[:, 1:5]
        if not np.isfinite(values).all() or (classes != classes.astype(np.int64)).any():
            raise BadInputError("a box has a number that is not finite, or a class that is no whole number")
        if ((classes < 0) | (classes >= len(names))).any():
            raise BadInputError(f"a box has a class outside the {len(names)} labels")
        if (corners[:, :2] >= corners[:, 2:]).any():
            raise BadInputError("a box has no area: left must be less than right, and top less than bottom")
        if (corners.min(initial=0) < -SLACK) or (corners.max(initial=1) > 1 + SLACK):
            raise BadInputError("a box lies outside its image: its corners must be parts of width and height, 0 to 1")
        return Targets(values, np.array([len(box) for box in boxes], np.int64))

    def classes(self, label: Any) -> Array:
        """Return the class of each box that is no crowd."""
        boxes = _table(label)
        classes: Array = boxes[boxes[:, 5] == 0, 0].astype(np.int64)
        return classes

    def strata(self, targets: Targets) -> Array:
        """Return for each image its rarest class, so that the label budget has all of them; 0 without a box.

        A crowd is no box of its class, as in `classes`.
        """
        of_image = [set(self.classes(boxes).tolist()) for boxes in targets.split()]
        images = np.bincount([label for found in of_image for label in found], minlength=1)
        return np.array(
            [1 + min(found, key=lambda label: (images[label], label)) if found else 0 for found in of_image]
        )

    def loss(self, outputs: Outputs, targets: BatchTargets) -> Tensor:
        return detection_loss(outputs.values, targets)

    def move(self, targets: BatchTargets, moves: Moves) -> BatchTargets:
        """Return boxes that moved with their images: cut off at the edges, or left out."""
        return move_boxes(targets, moves.joined())

    def probe(self, features: Array, targets: Array, outputs: int) -> Linear:
        raise ContractError("Boxes are no targets of single cells: a linear probe has nothing to be fitted to.")

    def constant(self, targets: Array, outputs: int) -> Array:
        """Return outputs that find nothing: a box that is the same in every cell would be wrong in nearly all."""
        return np.array([NOTHING] * (outputs - SIDES) + [0.0] * SIDES)

    def metrics(self, labels: Sequence[str]) -> Mapping[str, Metric]:
        return {
            "map-50-95": mean_average_precision(len(labels)),
            "map-50": mean_average_precision(len(labels), overlaps=(0.5,)),
        }


def _table(label: Any) -> Array:
    """Return the boxes of an image as `(k, 6)`. Raises `BadInputError` for another shape."""
    boxes = np.asarray(label, np.float32)
    if boxes.size == 0:
        return np.zeros((0, COLUMNS), np.float32)
    if boxes.ndim != 2 or boxes.shape[1] != COLUMNS:
        raise BadInputError(
            f"the boxes of an image have the shape {boxes.shape}; expected (k, {COLUMNS}): class, left, top, right, "
            f"bottom, crowd"
        )
    return boxes
