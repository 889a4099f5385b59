"""One's own images with masks."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tlbench import Array, BadInputError, Faults, LoadRequest, Side, Split, TaskData, TaskLabels
from tlbench.assets import Labelled, Parts, mask_sides, read_image, read_mask

MANY = 64
"""Values of masks that are seldom all drawn."""


def load(request: LoadRequest) -> TaskData:
    """Read images `(size, size, C)` uint8 and masks `(size, size)`; the lowest value is label 0, the background."""
    size, grey = int(request.options["size"]), bool(request.options["grey"])

    def read(parts: Parts[tuple[Path, Path]]) -> Parts[tuple[Array, Array]]:
        return parts.map(
            lambda half: half.read(lambda pair: (read_image(pair[0], size, grey, half.faults), read_mask(*pair, size)))
        )

    sides = mask_sides(request)
    target = read(sides[1])
    source = target if sides[0] is None else read(sides[0])
    values = _values(source.train)
    _check_values(values, source.train, request.faults)
    for half in (source.test, target.train, target.test):
        if unknown := sorted(set(_values(half).tolist()) - set(values.tolist())):
            raise BadInputError(
                f'A mask in "{half.where}" has the value {unknown[0]}, which no training mask in '
                f'"{source.train.where}" has: all masks must have the labels of these.'
            )
    return TaskData(
        source=None if sides[0] is None else _side(source, values),
        target=_side(target, values),
        reading={"size": size, "grey": grey},
    )


def labels(request: LoadRequest) -> TaskLabels:
    """Return the values in the training masks of the source, or of the target if there is no source."""
    size = int(request.options["size"])
    source, target = mask_sides(request)
    first = target if source is None else source
    masks = [read_mask(*pair, size) for pair in first.train.inputs]
    names = tuple(map(str, np.unique(np.concatenate([np.unique(mask) for mask in masks]))))
    return TaskLabels(source=None if source is None else names, target=names)


def _check_values(values: Array, half: Labelled[tuple[Array, Array]], faults: Faults) -> None:
    """Refuse masks of one value; note so many that they may be those of masks that were scaled."""
    if len(values) == 1:
        faults.refuse(
            f'The training masks in "{half.where}" have a single value, {values[0]}: mark the objects with another one.'
        )
    elif len(values) > MANY:
        faults.note(
            f'The training masks in "{half.where}" have {len(values)} different values, and each is a class. Masks '
            f"that were scaled or smoothed have more values than were drawn: use their originals."
        )


def _values(half: Labelled[tuple[Array, Array]]) -> Array:
    return np.unique(np.stack([mask for _, mask in half.inputs]))


def _side(parts: Parts[tuple[Array, Array]], values: Array) -> Side:
    def split(half: Labelled[tuple[Array, Array]]) -> Split:
        images, masks = zip(*half.inputs, strict=True)
        return Split(inputs=images, labels=np.searchsorted(values, np.stack(masks)), groups=half.groups)

    return Side(labels=tuple(map(str, values)), train=split(parts.train), test=split(parts.test))
