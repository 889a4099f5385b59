"""Maps of class centres and distances -> boxes, in numpy alone: an exported model comes with a copy of this file.

A box is the peak of a class's map: a cell whose probability is the largest of its 3 x 3 neighbours (Zhou et al. 2019,
Objects as points, arXiv:1904.07850, section 4). Its four distances say where the sides are (Liu et al. 2020,
Training-time-friendly network, arXiv:1909.00700).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

SIDES = 4
"""The last outputs of a cell: distances to left, top, right and bottom."""
MOST = 100
"""Boxes that are kept of an image, the most probable ones, as in the evaluation of COCO."""
KEPT = 0.05
"""Probability from which boxes are kept: precision is measured at every recall, so unlikely ones count too."""
SHOWN = 0.3
"""Probability from which boxes are shown to people."""
SAME = 0.6
"""Overlap from which two boxes of a class are one thing; the less probable one is left out."""
COLUMNS = 6
"""Of a box: class, probability, left, top, right and bottom as parts of width and height."""


class Boxes:
    """The peaks of an image: `(k, 6)` float32 of class, probability, left, top, right and bottom, the best first.

    Left and right are parts of the image's width, top and bottom of its height.
    """

    outputs = (
        "For each cell one number for each class, whose logistic function is the probability that a thing of that "
        "class has its centre there; then four numbers, whose softplus is the distance of the box's left, top, right "
        "and bottom side from the middle of the cell, in cells. postprocess.py makes boxes of them; "
        "`python predict.py --draw FOLDER FILE ...` draws them (with pillow)."
    )
    parts = "texts"

    def predict(self, outputs: Any, targets: Any = None) -> Any:
        """Return a list with the boxes of each image."""
        return [find_boxes(np.asarray(cells, np.float32)) for cells in outputs.values]

    def decide(self, outputs: Any) -> Any:
        """Return the classes of the boxes that are shown, for each image."""
        return [np.sort(boxes[boxes[:, 1] >= SHOWN, 0]).astype(np.int64) for boxes in self.predict(outputs)]

    def crop(self, outputs: Any, example: Any, prepared: Sequence[Any]) -> Any:
        """Return all cells: images are scaled, not padded."""
        return outputs

    def parse(self, text: str) -> Any:
        """Return a text as it is: examples are images."""
        return text

    def describe(self, prediction: Any, example: Any, labels: Sequence[str]) -> str:
        """Return class, probability and corners of each box, in pixels of the image as it was given."""
        shown = [f"{text} at {left},{top} to {right},{bottom}" for left, top, right, bottom, text in
                 self.marks(prediction, example, labels)]  # fmt: skip
        return "; ".join(shown) or "nothing"

    def marks(self, prediction: Any, example: Any, labels: Sequence[str]) -> list[tuple[int, int, int, int, str]]:
        """Return left, top, right and bottom in pixels of each box that is shown, and its class and probability."""
        height, width = _size(example)
        scale = np.array([width, height, width, height])
        return [
            (*np.rint(box[2:] * scale).astype(int).tolist(), f"{labels[int(box[0])]} {box[1]:.3f}")
            for box in np.reshape(prediction, (-1, COLUMNS))
            if box[1] >= SHOWN
        ]

    def name(self, targets: Any, labels: Sequence[str]) -> list[str]:
        """Return the class and the corners of each true box, in per cent of width and height."""
        boxes = np.reshape(targets, (-1, COLUMNS))
        named = [
            f"{'crowd of ' if crowd else ''}{labels[int(label)]} at {left:.0%},{top:.0%} to {right:.0%},{bottom:.0%}"
            for label, left, top, right, bottom, crowd in boxes
        ]
        return named or ["nothing"]


def find_boxes(cells: Any) -> Any:
    """Return the boxes `(k, 6)` of one image, given its outputs `(H, W, C + 4)`."""
    heat, sides = _probability(cells[..., :-SIDES]), cells[..., -SIDES:]
    around = np.pad(heat, ((1, 1), (1, 1), (0, 0)))
    highest = np.lib.stride_tricks.sliding_window_view(around, (3, 3), (0, 1)).max((-2, -1))
    rows, columns, classes = np.nonzero((heat >= highest) & (heat >= KEPT))
    scores = heat[rows, columns, classes]
    best = np.argsort(-scores, kind="stable")[:MOST]
    rows, columns, classes, scores = rows[best], columns[best], classes[best], scores[best]
    corners = corners_of(rows, columns, _softplus(sides[rows, columns]), heat.shape[:2])
    boxes = np.column_stack([classes, scores, np.clip(corners, 0, 1)]).astype(np.float32)
    return boxes[_distinct(boxes)]


def corners_of(rows: Any, columns: Any, distances: Any, size: Any) -> Any:
    """Return left, top, right and bottom `(k, 4)` of boxes around cells, as parts of width and height.

    `distances` `(k, 4)` are in cells, and `size` is the number of rows and of columns.
    """
    middles = np.stack([columns, rows, columns, rows], 1) + np.float32(0.5)
    signs = np.array([-1, -1, 1, 1], np.float32)
    return (middles + signs * distances) / np.array([size[1], size[0], size[1], size[0]], np.float32)


def _probability(numbers: Any) -> Any:
    return np.float32(1) / (np.float32(1) + np.exp(-np.clip(numbers, -50, 50)))


def _softplus(numbers: Any) -> Any:
    return np.logaddexp(np.float32(0), numbers)


def _distinct(boxes: Any) -> list[int]:
    """Return the positions of boxes, the best first, that overlap no better one of their class by more than `SAME`."""
    kept: list[int] = []
    for place, box in enumerate(boxes):
        others = boxes[[other for other in kept if boxes[other, 0] == box[0]]]
        if not len(others) or _overlaps(box[2:], others[:, 2:]).max() <= SAME:
            kept.append(place)
    return kept


def _overlaps(box: Any, others: Any) -> Any:
    """Return the intersection of a box with others `(k, 4)` over their union, `(k,)`."""
    sides = np.minimum(box[2:], others[:, 2:]) - np.maximum(box[:2], others[:, :2])
    common = np.clip(sides, 0, None).prod(1)
    union = (box[2:] - box[:2]).prod() + (others[:, 2:] - others[:, :2]).prod(1) - common
    return common / np.maximum(union, np.float32(1e-12))


def _size(example: Any) -> tuple[int, int]:
    """Return height and width of a raw image `(H, W, C)`, or of the model's input `(C, H, W)`."""
    if hasattr(example, "shape"):
        return int(example.shape[0]), int(example.shape[1])
    return int(example[0].shape[-2]), int(example[0].shape[-1])
