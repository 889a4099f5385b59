"""Images of two domains in class folders below one folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tlbench import LoadRequest, TaskData
from tlbench.assets import IMAGE_SUFFIXES, Parts, class_sides, transductive_data

TARGET_TEST = 0.5


def image_sides(
    folder: str, sides: tuple[str, str], classes: Sequence[str], request: LoadRequest
) -> tuple[Parts[Path], Parts[Path]]:
    """Return the images of the source and the target: a fifth of each class of one, half of the other, are tests."""
    places = [f"{folder}/{side}" for side in sides]
    source, target = class_sides(
        request, IMAGE_SUFFIXES, source=places[0], target=places[1], names=classes, target_part=TARGET_TEST
    )
    assert source is not None, "it has a default"
    return source, target


def load(folder: str, sides: tuple[str, str], classes: Sequence[str], request: LoadRequest) -> TaskData:
    """Read RGB images `(H, W, 3)` uint8: of the option `size`, or of their own if it is 0."""
    from tlbench.assets import read_images

    size = int(request.options["size"])
    source, target = (read_images(parts, size) for parts in image_sides(folder, sides, classes, request))
    return transductive_data(source, target)
