"""Folders of images with masks: `images/` and `masks/`, whose files have equal names, endings aside."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from tlbench.assets.readers.folders import IMAGE_SUFFIXES, files_in, note_left_out, option_path, part_folders
from tlbench.assets.readers.labelled import Labelled, Parts, hold_out, published_parts
from tlbench.contract.requests import LoadRequest
from tlbench.errors import BadInputError
from tlbench.results.files import text_of

Pair = tuple[Path, Path]
"""An image and its mask."""


def mask_pairs(root: Path) -> Labelled[Pair]:
    """Return the pairs of a folder by name. Raises `BadInputError` for a file that is alone."""
    found = {}
    left_out: Counter[str] = Counter()
    for kind in ("images", "masks"):
        paths = files_in(root / kind, IMAGE_SUFFIXES, left_out)
        found[kind] = {path.stem: path for path in paths}
        if len(found[kind]) < len(paths):
            raise BadInputError(f'"{root / kind}" has several files of one name, endings aside: remove all but one.')
    note_left_out(root, left_out, IMAGE_SUFFIXES)
    images, masks = found["images"], found["masks"]
    if alone := sorted(images.keys() ^ masks.keys()):
        path = images.get(alone[0]) or masks[alone[0]]
        raise BadInputError(f'"{path}" has no counterpart in images/ or masks/: give it one, or remove it.')
    if not images:
        raise BadInputError(f'"{root / "images"}" holds no image: fill it.')
    pairs = [(images[name], masks[name]) for name in images]
    return Labelled(where=root, inputs=pairs, labels=[""] * len(pairs))


def mask_parts(root: Path, part: float = 0.2) -> Parts[Pair]:
    """Return the pairs below `train/` and `test/`, else `part` of `root`'s held out by name.

    `valid/` is treated as `labelled.published_parts` does.
    """
    if found := part_folders(root, IMAGE_SUFFIXES):
        return published_parts({name: mask_pairs(folder) for name, folder in found.items()})
    pairs = mask_pairs(root)
    return hold_out(pairs, [text_of(image.name) for image, _ in pairs.inputs], part)


def mask_sides(request: LoadRequest) -> tuple[Parts[Pair], Parts[Pair]]:
    """Return the pairs of both sides; for a task's `files` and `load` alike."""
    return mask_parts(option_path(request, "source")), mask_parts(option_path(request, "target"))
