"""Images with boxes -> the data of a task."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tlbench import Array, BadInputError, Side, Split, TaskData
from tlbench.assets import Labelled, Parts, read_image
from tlbench_detection.formats.boxed import Boxed, relative_boxes
from tlbench_detection.formats.classes import classes_of

READING = {"size": 0, "grey": False}
"""Images are read in their own size: backbones scale them."""


def box_data(source: Parts[Boxed] | None, target: Parts[Boxed]) -> TaskData:
    """Return the data of both domains, each with the classes of its training boxes."""
    return TaskData(
        source=None if source is None else _side(source, classes_of(source.train)),
        target=_side(target, classes_of(target.train)),
        reading=READING,
    )


def _side(parts: Parts[Boxed], labels: Sequence[str]) -> Side:
    return Side(labels=tuple(labels), train=_split(parts.train, labels), test=_split(parts.test, labels))


def _split(half: Labelled[Boxed], labels: Sequence[str]) -> Split:
    """Return a split. Images are read twice: now for their size and their faults, and when they are prepared."""
    kept, tables = [], []
    for place, boxed in enumerate(half.inputs):
        for table in half.faults.attempt(lambda one: _table(one, labels, half), boxed):
            kept.append(place)
            tables.append(table)
    empty = sum(not len(table) for table in tables)
    if empty and half.faults.collects:  # no fault, so a run does not warn of it
        half.faults.note(
            f'{empty} of {len(tables)} images in "{half.where}" have no box: nothing is to be found there.'
        )
    images = half.take(kept).read_lazily(lambda boxed: read_image(boxed.image, 0))
    return Split(inputs=images.inputs, labels=tables, groups=images.groups)


def _table(boxed: Boxed, labels: Sequence[str], half: Labelled[Boxed]) -> Array:
    """Return the boxes of an image, as the kind takes them."""
    height, width = read_image(boxed.image, 0).shape[:2]
    if boxed.size is not None and boxed.size != (width, height):
        turned = " It is rotated by its EXIF orientation: save it upright." if boxed.size == (height, width) else ""
        raise BadInputError(
            f'{boxed.where}: the image "{boxed.image.name}" has {width} x {height} pixels; its annotations say '
            f"{boxed.size[0]} x {boxed.size[1]}.{turned or ' Use the image that was annotated.'}"
        )
    rows = relative_boxes(boxed, width, height, labels, half.faults)
    return np.reshape(np.array(rows, np.float32), (-1, 6))
