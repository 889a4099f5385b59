"""Circles, squares and triangles on a plain and on a textured ground; the data is the same for every seed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tlbench import LoadRequest, Side, Split, TaskData

LABELS = ("circle", "square", "triangle")
SIZE = 64
"""Height and width in pixels, the unit of every length here."""
ROWS, COLUMNS = np.mgrid[:SIZE, :SIZE] + 0.5
MOST = 4
"""Shapes of an image; one in ten images has none."""
RADII = (5.0, 12.0)
TRIES = 30
Random = np.random.Generator
Ground = Callable[[Random], Any]
Box = tuple[float, float, float, float]


def load(request: LoadRequest) -> TaskData:
    """Draw both domains, the same for every call."""
    random = np.random.default_rng(20261127)
    return TaskData(
        source=_side(random, 400, 150, _plain, darker=0.0, contrast=(0.35, 0.6), noise=0.02),
        target=_side(random, 300, 150, _textured, darker=0.25, contrast=(0.25, 0.5), noise=0.04),
        reading={"size": 0, "grey": False},
    )


def _side(random: Random, train: int, test: int, ground: Ground, **look: Any) -> Side:
    splits = [_split(random, size, ground, **look) for size in (train, test)]
    return Side(labels=LABELS, train=splits[0], test=splits[1])


def _split(
    random: Random, size: int, ground: Ground, darker: float, contrast: tuple[float, float], noise: float
) -> Split:
    """Draw images; `darker` is the part of the shapes that are darker than the ground, the others are brighter."""
    images, labels = [], []
    for _ in range(size):
        image, boxes = ground(random), []
        for box in _places(random, 0 if random.random() < 0.1 else int(random.integers(1, MOST + 1))):
            label = int(random.integers(len(LABELS)))
            sign = -1 if random.random() < darker else 1
            colour = sign * random.uniform(*contrast) * random.uniform(0.4, 1.0, 3)
            covered = _covered(label, box)[..., None]
            image += covered * colour
            boxes.append([label, *(side / SIZE for side in box), 0])
        image += random.normal(0, noise, image.shape)
        images.append((255 * image.clip(0, 1)).round().astype(np.uint8))
        labels.append(np.reshape(np.array(boxes, np.float32), (-1, 6)))
    return Split(inputs=np.stack(images), labels=labels)


def _places(random: Random, count: int) -> list[Box]:
    """Return left, top, right and bottom of squares in the image that do not overlap."""
    boxes: list[Box] = []
    for _ in range(TRIES):
        radius = random.uniform(*RADII)
        x, y = random.uniform(radius, SIZE - radius, 2)
        box = (x - radius, y - radius, x + radius, y + radius)
        if len(boxes) < count and not any(_meet(box, other) for other in boxes):
            boxes.append(box)
    return boxes


def _meet(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _covered(label: int, box: Box) -> Any:
    """Return how much of each pixel a shape that fills its box covers, 0..1; edges are one pixel wide."""
    left, top, right, bottom = box
    x, y, radius = (left + right) / 2, (top + bottom) / 2, (right - left) / 2
    if LABELS[label] == "circle":
        inside = radius - np.hypot(COLUMNS - x, ROWS - y)
    elif LABELS[label] == "square":
        inside = radius - np.maximum(np.abs(COLUMNS - x), np.abs(ROWS - y))
    else:
        # The sides rise from the corners of the base to the middle of the top.
        slanted = ((ROWS - top) / 2 - np.abs(COLUMNS - x)) * 2 / np.sqrt(5)
        inside = np.minimum(slanted, bottom - ROWS)
    return np.clip(inside + 0.5, 0, 1)


def _plain(random: Random) -> Any:
    """Return a ground of one colour."""
    return np.full((SIZE, SIZE, 3), random.uniform(0.1, 0.4, 3))


def _textured(random: Random) -> Any:
    """Return a ground of stripes and blotches, brighter on one side."""
    angle, period = random.uniform(0, np.pi), random.uniform(6, 16)
    stripes = 0.07 * np.sin(2 * np.pi * (np.cos(angle) * COLUMNS + np.sin(angle) * ROWS) / period)
    blotches = np.kron(random.normal(0, 0.05, (8, 8)), np.ones((8, 8)))
    slope = 0.15 * (COLUMNS / SIZE - 0.5) * random.choice([-1, 1])
    ground = random.uniform(0.25, 0.6, 3) + (stripes + blotches + slope)[..., None] * random.uniform(0.6, 1.0, 3)
    return ground.clip(0, 1)
