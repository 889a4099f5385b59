"""One's own volumes with masks, in slices."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from tlbench import Array, BadInputError, LoadRequest, Side, Split, TaskData, TaskLabels, UsageError
from tlbench.assets import (
    VOLUME_SUFFIXES,
    Labelled,
    Parts,
    Volume,
    mask_sides,
    note_empty_masks,
    option_path,
    read_volume,
)

Pair = tuple[Path, Path]
AXES = {"sagittal": 0, "coronal": 1, "axial": 2}
"""Names of slices, and the axis of a volume that they are perpendicular to."""
PERCENTILES = (0.5, 99.5)
"""Of a volume's values: what becomes black and white without task.window."""
MANY = 64
"""Labels of masks that are seldom all drawn."""
LARGEST = 65535
"""Largest number of a label."""
NEAR = 0.1
"""Largest distance of the corners of an image and its mask, as a part of a voxel's longest side."""


class Slice(NamedTuple):
    """A slice of a volume, with the head or the front above; see `_upright`."""

    image: Array
    """`(size, size, 1)` uint8."""
    mask: Array
    """`(size, size)` uint16."""
    spacing: tuple[float, float]
    """Distance of rows and of columns in mm."""


def files(request: LoadRequest) -> Sequence[Path]:
    """Return the tables that list volumes, the volumes and their masks."""
    _options(request)
    sides = [side for side in mask_sides(request, VOLUME_SUFFIXES) if side]
    tables = [side.train.where for side in sides if side.train.where.is_file()]
    pairs = [pair for side in sides for half in (side.train, side.test) for pair in half.inputs]
    return [*tables, *(path for pair in pairs for path in pair)]


def labels(request: LoadRequest) -> TaskLabels:
    """Return the labels in the training masks of the source, or of the target if there is no source."""
    source, target = mask_sides(request, VOLUME_SUFFIXES)
    first = target if source is None else source
    found = [values for path in first.train.inputs for values in first.train.faults.attempt(_label_values, path[1])]
    names = tuple(map(str, sorted(set().union(*map(set, found)))))
    return TaskLabels(source=None if source is None else names, target=names)


def load(request: LoadRequest) -> TaskData:
    """Read slices `(size, size, 1)` uint8 and their masks; the smallest label is the background."""
    names = labels(request).target
    background = min(map(int, names), default=0)
    sides = mask_sides(request, VOLUME_SUFFIXES)
    target = sides[1].map(lambda half: _slices(half, request, "target", background))
    source = None if sides[0] is None else sides[0].map(lambda half: _slices(half, request, "source", background))
    _check_labels(names, target if source is None else source, request)
    for parts in (source, target):
        for half in () if parts is None else (parts.train, parts.test):
            _check_known(half, names)
    return TaskData(source=None if source is None else _side(source, names), target=_side(target, names))


def _options(request: LoadRequest) -> tuple[int, int, tuple[float, float] | None]:
    """Return the axis, the step and the window. Raises `UsageError` for other values of the options."""
    axis, step = str(request.options["axis"]), int(request.options["step"])
    if axis not in AXES:
        raise UsageError(f'Invalid task.axis="{axis}": use one of {", ".join(AXES)}.')
    if step < 1 or int(request.options["size"]) < 8:
        raise UsageError("Invalid task.step or task.size: use a step of at least 1, and a size of at least 8.")
    text = str(request.options["window"]).strip()
    if not text:
        return AXES[axis], step, None
    try:
        low, high = map(float, text.split(","))
    except ValueError:
        low = high = np.nan
    if not (np.isfinite([low, high]).all() and low < high):
        raise UsageError(
            f'Invalid task.window="{text}": use two numbers LOW,HIGH with LOW below HIGH, such as -160,240.'
        )
    return AXES[axis], step, (low, high)


def _slices(half: Labelled[Pair], request: LoadRequest, option: str, background: int) -> Labelled[Slice]:
    """Return the slices of all volumes; each volume is a group, unless a table gives others.

    It is named by its path below the folder that the option names: both splits may have an `images/case0.nii`.
    """
    named = option_path(request, option)
    root = named if named.is_dir() else named.parent
    names = [os.fsencode(os.path.relpath(path, root)).decode("utf-8", "backslashreplace") for path, _ in half.inputs]
    grouped = half if half.groups is not None else replace(half, groups=names)
    empty, count = [], 0

    def read(pair: Pair) -> list[Slice]:
        nonlocal count
        # If one of both is broken, the other is checked nevertheless.
        image, mask = (half.faults.attempt(read_volume, path) for path in pair)
        if not (image and mask):
            return []
        _check_pair(pair[0], image[0], pair[1], mask[0])
        count += 1
        if (mask[0].values == background).all():
            empty.append(pair[1])
        return list(_of_volume(image[0], mask[0], request))

    cut = grouped.spread(read)
    note_empty_masks(half.where, empty, count, background, half.faults)
    return cut


def _of_volume(image: Volume, mask: Volume, request: LoadRequest) -> Iterator[Slice]:
    axis, step, window = _options(request)
    window, size = window or percentiles(image.values), int(request.options["size"])
    across, up = (one for one in range(3) if one != axis)
    for place in range(0, image.values.shape[axis], step):
        cut = windowed(_upright(image.values, axis, place), window)
        marked = _upright(mask.values, axis, place).astype(np.uint16)
        if not request.options["empty"] and (marked == marked.min()).all():
            continue
        rows, columns = cut.shape
        yield Slice(
            image=np.asarray(Image.fromarray(cut).resize((size, size), Image.Resampling.BILINEAR))[..., None],
            mask=_nearest(marked, size),
            spacing=(image.spacing[up] * rows / size, image.spacing[across] * columns / size),
        )


def percentiles(values: Array) -> tuple[float, float]:
    """Return the window of a volume: the 0.5th and the 99.5th percentile of all its values."""
    low, high = np.percentile(values, PERCENTILES)
    return float(low), float(high)


def windowed(values: Array, window: tuple[float, float]) -> Array:
    """Return values as uint8: 0 up to the window's lower end, 255 from its upper end on, straight between them."""
    low, high = window
    width = max(high - low, float(np.finfo(np.float32).tiny))
    grey: Array = np.rint(np.clip((values.astype(np.float64) - low) / width, 0, 1) * 255).astype(np.uint8)
    return grey


def _upright(values: Array, axis: int, place: int) -> Array:
    """Return a slice `(rows, columns)`: rows from head to feet, or from front to back in axial slices.

    Columns go from the patient's left to right, in sagittal slices from back to front.
    """
    return np.ascontiguousarray(np.take(values, place, axis).T[::-1])


def _nearest(mask: Array, size: int) -> Array:
    """Return a mask scaled by taking the nearest pixel, which makes no new labels."""
    rows, columns = (np.minimum(((np.arange(size) + 0.5) * old / size).astype(int), old - 1) for old in mask.shape)
    return mask[np.ix_(rows, columns)]


def _check_pair(path: Path, image: Volume, mask_path: Path, mask: Volume) -> None:
    """Raise `BadInputError` if an image and its mask differ in shape or place, or the mask has other than labels."""
    if image.values.shape != mask.values.shape:
        shapes = [" x ".join(map(str, one.values.shape)) for one in (mask, image)]
        raise BadInputError(f'"{mask_path}" has {shapes[0]} voxels, but its image has {shapes[1]}: use the same shape.')
    corners = np.array([*itertools.product(*((0, size - 1) for size in image.values.shape))])
    apart = np.linalg.norm(
        corners @ (image.affine - mask.affine)[:3, :3].T + (image.affine - mask.affine)[:3, 3], axis=1
    )
    if apart.max() > NEAR * np.linalg.norm(image.affine[:3, :3], axis=0).max():
        raise BadInputError(
            f'"{mask_path}" lies elsewhere than its image "{path}" (another affine): resample the mask to the image.'
        )
    _whole(mask_path, mask.values)


def _whole(path: Path, values: Array) -> None:
    wrong = values[(values != np.rint(values)) | (values < 0) | (values > LARGEST)]
    if wrong.size:
        raise BadInputError(
            f'"{path}" has the value {wrong[0]:g}: labels are whole numbers from 0 to {LARGEST}. Save the mask without '
            f"interpolation or scaling."
        )


def _label_values(path: Path) -> set[int]:
    values = read_volume(path).values
    _whole(path, values)
    return set(np.unique(values).astype(int).tolist())


def _check_labels(names: Sequence[str], parts: Parts[Slice], request: LoadRequest) -> None:
    where = parts.train.where
    if len(names) < 2:
        request.faults.refuse(
            f'The training masks in "{where}" have a single label: mark the objects with another one.'
        )
    elif len(names) > MANY:
        request.faults.note(
            f'The training masks in "{where}" have {len(names)} labels, and each is a class. Check that none was made '
            f"by interpolation."
        )


def _check_known(half: Labelled[Slice], names: Sequence[str]) -> None:
    if not len(half):
        raise BadInputError(f'"{half.where}" gives no slices: add volumes, or use --set task.empty=true.')
    there = set(np.unique(np.stack([one.mask for one in half.inputs])).tolist())
    if unknown := sorted(there - set(map(int, names))):
        raise BadInputError(
            f'A mask in "{half.where}" has the label {unknown[0]}, which no training mask of the first domain has: all '
            f"masks must have the labels of these."
        )


def _side(parts: Parts[Slice], names: Sequence[str]) -> Side:
    values = np.array(list(map(int, names)))

    def split(half: Labelled[Slice]) -> Split:
        references: list[Any] = [[*one.mask.shape, *one.spacing] for one in half.inputs]
        return Split(
            inputs=[one.image for one in half.inputs],
            labels=np.searchsorted(values, np.stack([one.mask for one in half.inputs])),
            references=references,
            groups=half.groups,
        )

    return Side(labels=tuple(names), train=split(parts.train), test=split(parts.test))
