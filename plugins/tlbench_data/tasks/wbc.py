"""White blood cells of two laboratories (Zheng et al. 2018)."""

from __future__ import annotations

from pathlib import Path

from tlbench import LoadRequest, TaskData
from tlbench.readers.folders import IMAGES, class_sides, file_parts, place
from tlbench.readers.labelled import Parts, label_names, make_side, transductive

CLASSES = ("eosinophil", "lymphocyte", "monocyte", "neutrophil")
"""Basophils are left out: there are 1 and 3 of them."""
SIZE = 32


def sides(request: LoadRequest) -> tuple[Parts[Path], Parts[Path]]:
    """Return the files: a fifth of each class of laboratory 1, and half of laboratory 2, are the tests."""
    return class_sides(request, IMAGES, source="wbc/dataset1", target="wbc/dataset2", names=CLASSES, target_part=0.5)


def load(request: LoadRequest) -> TaskData:
    """Read RGB images `(32, 32, 3)`."""
    from tlbench.readers.images import read_images

    source, target = sides(request)
    return transductive(read_images(source, SIZE), read_images(target, SIZE))


def cifar_sides(request: LoadRequest) -> tuple[Parts[Path], Parts[Path]]:
    """Return the files of CIFAR-10, and of laboratory 1, of which half of each class is the test."""
    source = file_parts(place(request, "source", "cifar10_mini"), IMAGES)
    return source, file_parts(place(request, "target", "wbc/dataset1"), IMAGES, CLASSES, part=0.5)


def load_cifar(request: LoadRequest) -> TaskData:
    """Read RGB images `(32, 32, 3)`."""
    from tlbench.readers.images import read_images

    source, target = (read_images(parts, SIZE) for parts in cifar_sides(request))
    return TaskData(source=make_side(source, label_names(source)), target=make_side(target, label_names(target)))
