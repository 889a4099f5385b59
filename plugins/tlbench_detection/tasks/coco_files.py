"""Published images with boxes, in JSON files of COCO below the data root."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from tlbench import LoadRequest, TaskData
from tlbench.assets import Labelled, Parts
from tlbench_detection.formats.boxed import Boxed
from tlbench_detection.formats.coco import read_coco

Names = Sequence[Sequence[str]]
"""File names of the training and of the test split of source and target, each split one or several files."""


def files(folder: str, names: Names, request: LoadRequest) -> list[Path]:
    """Return the JSON files and the images that they name."""
    paths = _paths(folder, names, request)
    images = [boxed.image for split in paths for path in split for boxed in read_coco(path, request.faults).inputs]
    return [*(path for split in paths for path in split), *images]


def load(folder: str, names: Names, request: LoadRequest) -> TaskData:
    """Read both domains."""
    from tlbench_detection.tasks.data import box_data

    splits = [_joined([read_coco(path, request.faults) for path in split]) for split in _paths(folder, names, request)]
    return box_data(Parts(train=splits[0], test=splits[1]), Parts(train=splits[2], test=splits[3]))


def _paths(folder: str, names: Names, request: LoadRequest) -> list[list[Path]]:
    sides = ("source", "source", "target", "target")
    return [request.files(side, folder, *split) for side, split in zip(sides, names, strict=True)]


def _joined(parts: Sequence[Labelled[Boxed]]) -> Labelled[Boxed]:
    """Return the images of several files together."""
    inputs = [boxed for part in parts for boxed in part.inputs]
    return replace(parts[0], inputs=inputs, labels=[""] * len(inputs))
