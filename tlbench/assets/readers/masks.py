"""Folders of images with masks: `images/` and `masks/`, whose files have equal names, endings aside."""

from __future__ import annotations

from pathlib import Path

from tlbench.assets.readers.folders import IMAGES, entries, place
from tlbench.assets.readers.labelled import Labelled, Parts, hold_out, published
from tlbench.contract.requests import LoadRequest
from tlbench.errors import BadInputError

Pair = tuple[Path, Path]
"""An image and its mask."""


def mask_pairs(root: Path) -> Labelled[Pair]:
    """Return the pairs of a folder by name. Raises `BadInputError` for a file that is alone."""
    found = {}
    for kind in ("images", "masks"):
        paths = [path for path in entries(root / kind) if path.suffix.lower() in IMAGES]
        found[kind] = {path.stem: path for path in paths}
        if len(found[kind]) < len(paths):
            raise BadInputError(f'"{root / kind}" has several files of one name, endings aside: remove all but one.')
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

    `valid/` is treated as `labelled.published` does.
    """
    found = {name: root / name for name in ("train", "valid", "test") if (root / name).is_dir()}
    if "train" not in found or len(found) == 1:
        pairs = mask_pairs(root)
        return hold_out(pairs, [image.name for image, _ in pairs.inputs], part)
    return published({name: mask_pairs(folder) for name, folder in found.items()})


def mask_sides(request: LoadRequest) -> tuple[Parts[Pair], Parts[Pair]]:
    """Return the pairs of both sides; for a task's `files` and `load` alike."""
    return mask_parts(place(request, "source")), mask_parts(place(request, "target"))
