"""One's own images in class folders."""

from __future__ import annotations

from tlbench import LoadRequest, TaskData
from tlbench.readers.folders import IMAGES, class_sides
from tlbench.readers.images import read_images
from tlbench.readers.labelled import transductive


def load(request: LoadRequest) -> TaskData:
    """Read images `(size, size, C)` uint8."""
    size, grey = int(request.options["size"]), bool(request.options["grey"])
    source, target = class_sides(request, IMAGES)
    return transductive(read_images(source, size, grey), read_images(target, size, grey))
