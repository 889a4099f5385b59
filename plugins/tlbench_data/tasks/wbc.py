"""White blood cells of two laboratories (Zheng et al. 2018)."""

from __future__ import annotations

from pathlib import Path

from tlbench import LoadRequest, TaskData
from tlbench.readers.folders import IMAGES, class_sides
from tlbench.readers.labelled import Parts, transductive

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
