"""One's own images with masks."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from tlbench import Array, BadInputError, Faults, LoadRequest, Side, Split, TaskData, TaskLabels
from tlbench.assets import Labelled, Parts, mask_sides, note_empty_masks, read_image, read_mask, scale_mask

MANY = 64
"""Values of masks that are seldom all drawn."""


class Masked(NamedTuple):
    """An image with its mask, both scaled."""

    image: Array
    """`(size, size, C)` uint8."""
    mask: Array
    """`(size, size)` uint8."""
    spacing: tuple[float, float]
    """Distance of rows and of columns in pixels of the image as it was."""
    path: Path
    """The file of the mask."""
    values: frozenset[int]
    """Values of the mask before it was scaled."""


def load(request: LoadRequest) -> TaskData:
    """Read images `(size, size, C)` uint8 and masks `(size, size)`; the lowest value is label 0, the background."""
    sides = mask_sides(request)
    target = sides[1].map(lambda half: _read(half, request))
    source = target if sides[0] is None else sides[0].map(lambda half: _read(half, request))
    values = _values(source.train)
    _check_values(values, source.train, request.faults)
    for half in (source.test, target.train, target.test):
        if unknown := sorted(set(_values(half).tolist()) - set(values.tolist())):
            raise BadInputError(
                f'A mask in "{half.where}" has the value {unknown[0]}, which no training mask in '
                f'"{source.train.where}" has: all masks must have the labels of these.'
            )
    for parts in [target] if sides[0] is None else [source, target]:
        for half in (parts.train, parts.test):
            empty = [one.path for one in half.inputs if one.values == {int(values[0])}]
            note_empty_masks(half.where, empty, len(half), int(values[0]), request.faults)
    return TaskData(
        source=None if sides[0] is None else _side(source, values),
        target=_side(target, values),
        reading={"size": int(request.options["size"]), "grey": bool(request.options["grey"])},
    )


def labels(request: LoadRequest) -> TaskLabels:
    """Return the values in the training masks of the source, or of the target if there is no source."""
    size = int(request.options["size"])
    source, target = mask_sides(request)
    half = (target if source is None else source).train
    masks = [mask for pair in half.inputs for mask in half.faults.attempt(lambda one: read_mask(*one, size), pair)]
    names = tuple(map(str, sorted({int(value) for mask in masks for value in np.unique(mask)})))
    return TaskLabels(source=None if source is None else names, target=names)


def _read(half: Labelled[tuple[Path, Path]], request: LoadRequest) -> Labelled[Masked]:
    """Return the images with their masks; if one of both is broken, the other is checked nevertheless."""
    size, grey, faults = int(request.options["size"]), bool(request.options["grey"]), half.faults

    def read(pair: tuple[Path, Path]) -> list[Masked]:
        images = faults.attempt(lambda path: read_image(path, size, grey, faults), pair[0])
        masks = faults.attempt(lambda one: read_mask(*one, 0), pair)
        return [_masked(image, mask, pair[1], size) for image, mask in zip(images, masks, strict=False)]

    return half.spread(read)


def _masked(image: Array, mask: Array, path: Path, size: int) -> Masked:
    rows, columns = mask.shape
    values = frozenset(np.flatnonzero(np.bincount(mask.ravel())).tolist())
    return Masked(image, scale_mask(mask, size), (rows / size, columns / size), path, values)


def _check_values(values: Array, half: Labelled[Masked], faults: Faults) -> None:
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


def _values(half: Labelled[Masked]) -> Array:
    return np.unique(np.stack([one.mask for one in half.inputs]))


def _side(parts: Parts[Masked], values: Array) -> Side:
    def split(half: Labelled[Masked]) -> Split:
        references: list[Any] = [[*one.mask.shape, *one.spacing] for one in half.inputs]
        return Split(
            inputs=[one.image for one in half.inputs],
            labels=np.searchsorted(values, np.stack([one.mask for one in half.inputs])),
            references=references,
            groups=half.groups,
        )

    return Side(labels=tuple(map(str, values)), train=split(parts.train), test=split(parts.test))
