"""Vessels in tiles of eye photographs by two cameras, which a table lists by side and split.

The files are described in TLBENCH_DATA/retina_vessels/README.md.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from tlbench import Array, BadInputError, LoadRequest, Side, Split, TaskData
from tlbench.assets import (
    Labelled,
    Parts,
    leads_outside,
    option_path,
    read_image,
    read_mask,
    read_table,
    split_by_table,
)
from tlbench_data.listed import TILE

Pair = tuple[Path, Path]
"""A tile and its mask."""
INDEX = "index.csv"
CAMERAS = {"source": "hrf", "target": "chase"}
LABELS = ("background", "vessel")
DRAWN = 255
"""What a mask has where there is a vessel; elsewhere it has 0."""
COVERED = 0.375
"""Part of a scaled pixel from which on it counts as vessel, so that hair-thin vessels stay."""


def vessel_sides(request: LoadRequest) -> tuple[Parts[Pair], Parts[Pair]]:
    """Return tiles and masks of both cameras, with their published splits; patients are groups."""
    return _side(request, "source"), _side(request, "target")


def load(request: LoadRequest) -> TaskData:
    """Read tiles `(size, size, 3)` uint8 and masks `(size, size)`: 1 for a vessel."""
    size = int(request.options["size"])
    source, target = (_read(parts, size) for parts in vessel_sides(request))
    return TaskData(source=source, target=target)


def _side(request: LoadRequest, option: str) -> Parts[Pair]:
    root, camera = option_path(request, option, "retina_vessels"), CAMERAS[option]
    table = read_table(root / INDEX, faults=request.faults)
    names = [table.column(name) for name in ("image", "mask", "patient", "split")]
    chosen = [row for row, side in enumerate(table.column("side")) if side == camera]
    if not chosen:
        raise BadInputError(f'"{table.path}" has no row with the side "{camera}": download the folder again.')
    images, masks, patients, _ = ([column[row] for row in chosen] for column in names)
    for row, image, mask in zip(chosen, images, masks, strict=True):
        for name in (image, mask):
            if leads_outside(name) or not (root / name).is_file():
                raise BadInputError(
                    f'"{table.path}", line {table.lines[row]}: "{name}" is not a file below its folder: download the '
                    f"folder again."
                )
    pairs = [(root / image, root / mask) for image, mask in zip(images, masks, strict=True)]
    listed = Labelled(where=table.path, inputs=pairs, labels=[""] * len(pairs), groups=patients, faults=request.faults)
    of_camera = replace(table, rows=[table.rows[row] for row in chosen], lines=[table.lines[row] for row in chosen])
    return _whole_patients(split_by_table(of_camera, listed, images, 0.5))


def _whole_patients(parts: Parts[Pair]) -> Parts[Pair]:
    if both := sorted(set(parts.train.groups or ()) & set(parts.test.groups or ())):
        raise BadInputError(
            f'"{parts.train.where}" has the patient "{both[0]}" in both splits: keep each patient in one of them.'
        )
    return parts


def _read(parts: Parts[Pair], size: int) -> Side:
    import numpy as np

    def split(half: Labelled[Pair]) -> Split:
        read = half.read(lambda pair: _tile(*pair, size))
        tiles, masks = zip(*read.inputs, strict=True)
        # Rows and columns of a scaled tile are so many pixels of the file apart.
        references: list[Any] = [[size, size, TILE / size, TILE / size]] * len(tiles)
        return Split(inputs=tiles, labels=np.stack(masks), references=references, groups=read.groups)

    return Side(labels=LABELS, train=split(parts.train), test=split(parts.test))


def _tile(path: Path, mask_path: Path, size: int) -> tuple[Array, Array]:
    image, mask = read_image(path, 0), read_mask(path, mask_path, TILE)
    if image.shape[:2] != (TILE, TILE):
        raise BadInputError(
            f'"{path}" has {image.shape[1]} x {image.shape[0]} pixels, expected {TILE} x {TILE}: download it again.'
        )
    if (wrong := mask[(mask != 0) & (mask != DRAWN)]).size:
        raise BadInputError(
            f'"{mask_path}" has the value {wrong[0]}: masks of vessels have 0 and {DRAWN} alone. Download it again.'
        )
    return read_image(path, size), _scaled(mask, size)


def _scaled(mask: Array, size: int) -> Array:
    """Return 1 for pixels of which a vessel covers more than `COVERED`, as the tiles themselves were made."""
    import numpy as np
    from PIL import Image

    covered = np.asarray(Image.fromarray(mask).resize((size, size), Image.Resampling.BOX))
    return (covered > COVERED * DRAWN).astype(np.int64)
