"""Folders of images with masks: files in `images/` and `masks/` have the same names, without extensions."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from tlbench.assets.readers.folders import (
    IMAGE_SUFFIXES,
    files_in,
    has_source,
    option_path,
    part_folders,
)
from tlbench.assets.readers.labelled import Labelled, Parts, hold_out, published_parts
from tlbench.assets.readers.walk import note_left_out
from tlbench.contract.faults import RAISE, Faults
from tlbench.contract.requests import LoadRequest
from tlbench.errors import BadInputError
from tlbench.results.files import text_of

Pair = tuple[Path, Path]
"""An image and its mask."""


def mask_pairs(root: Path, faults: Faults = RAISE) -> Labelled[Pair]:
    """Return the pairs of a folder by name. Raises `BadInputError` for a file without its counterpart."""
    by_kind = {}
    left_out: Counter[str] = Counter()
    for kind in ("images", "masks"):
        paths = files_in(root / kind, IMAGE_SUFFIXES, left_out, faults)
        by_kind[kind] = {path.stem: path for path in paths}
        if len(by_kind[kind]) < len(paths):
            raise BadInputError(
                f'"{root / kind}" has files with the same name and different extensions: keep one of them.'
            )
    note_left_out(root, left_out, IMAGE_SUFFIXES, faults)
    images, masks = by_kind["images"], by_kind["masks"]
    if unpaired := sorted(images.keys() ^ masks.keys()):
        path = images.get(unpaired[0]) or masks[unpaired[0]]
        raise BadInputError(f'"{path}" has no counterpart in images/ or masks/: add it, or remove the file.')
    if not images:
        raise BadInputError(f'"{root / "images"}" has no images: add some.')
    pairs = [(images[name], masks[name]) for name in images]
    return Labelled(where=root, inputs=pairs, labels=[""] * len(pairs), faults=faults)


def mask_parts(root: Path, part: float = 0.2, faults: Faults = RAISE) -> Parts[Pair]:
    """Return the pairs in `train/` and `test/`; without these, `part` of them is held out by file name.

    `valid/` is used as in `labelled.published_parts`.
    """
    if folders := part_folders(root, IMAGE_SUFFIXES, faults):
        return published_parts({name: mask_pairs(folder, faults) for name, folder in folders.items()})
    pairs = mask_pairs(root, faults)
    return hold_out(pairs, [text_of(image.name) for image, _ in pairs.inputs], part)


def mask_sides(request: LoadRequest) -> tuple[Parts[Pair] | None, Parts[Pair]]:
    """Return the pairs of both domains, for `files` and `load` of a task; None if the user names no source."""
    target = mask_parts(option_path(request, "target"), faults=request.faults)
    if not has_source(request):
        return None, target
    return mask_parts(option_path(request, "source"), faults=request.faults), target
