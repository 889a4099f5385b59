"""Files of MedMNIST (Yang et al. 2023), such as one organ seen from two directions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PIL import Image

from tlbench import LoadRequest, TaskData, TaskLabels
from tlbench.assets import Parts, as_pixels, published_parts, read_npz, task_data, task_labels
from tlbench_data.own import medmnist_files

PARTS = {"train": "train", "valid": "val", "test": "test"}
"""What the file's arrays begin with."""


def load(request: LoadRequest) -> TaskData:
    """Read images `(size, size, C)` uint8; the published validation part joins the training part."""
    size, grey = int(request.options["size"]), bool(request.options["grey"])
    *source, target = request.faults.attempt_all(lambda path: _read(path, size, grey), medmnist_files(request))
    return task_data(source[0] if source else None, target)


def labels(request: LoadRequest) -> TaskLabels:
    """Return the classes of each file."""
    *source, target = request.faults.attempt_all(_published, medmnist_files(request))
    return task_labels(source[0] if source else None, target)


def _read(path: Path, size: int, grey: bool) -> Parts[Any]:
    def scaled(pixels: Any) -> Any:
        return as_pixels(Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels), size, grey)

    return _published(path).map(lambda half: half.read(scaled))


def _published(path: Path) -> Parts[Any]:
    arrays = {part: read_npz(path, f"{name}_images", f"{name}_labels") for part, name in PARTS.items()}
    return published_parts(arrays)
