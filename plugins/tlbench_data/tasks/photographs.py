"""Images of two domains in class folders below one folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from tlbench import LoadRequest, TaskData
from tlbench.assets import (
    IMAGE_SUFFIXES,
    Parts,
    class_sides,
    file_parts,
    label_names,
    make_side,
    option_path,
    transductive_data,
)

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


def imagenet_sides(
    known: Mapping[str, str], classes: Sequence[str], request: LoadRequest
) -> tuple[Parts[Path], Parts[Path]]:
    """Return photographs of the web that have a name of ImageNet, `known` by folder, and those of the webcam."""
    web = option_path(request, "source", "office_caltech/caltech")
    office = option_path(request, "target", "office_caltech/webcam")
    source = file_parts(web, IMAGE_SUFFIXES, list(known), faults=request.faults)
    renamed = source.map(lambda half: replace(half, labels=[known[label] for label in half.labels]))
    return renamed, file_parts(office, IMAGE_SUFFIXES, classes, TARGET_TEST, request.faults)


def load_imagenet(known: Mapping[str, str], classes: Sequence[str], request: LoadRequest) -> TaskData:
    """Read RGB images `(H, W, 3)` uint8: of the option `size`, or of their own if it is 0."""
    from tlbench.assets import read_images

    size = int(request.options["size"])
    source, target = (read_images(parts, size) for parts in imagenet_sides(known, classes, request))
    return TaskData(source=make_side(source, label_names(source)), target=make_side(target, label_names(target)))
