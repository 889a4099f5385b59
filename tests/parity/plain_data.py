"""MNIST and optdigits as 8 x 8 images, and the label budget; nothing of tlbench."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor

SOURCE_TRAIN = 8000


class Split(NamedTuple):
    """Some labelled images."""

    images: Tensor
    """`(N, 1, 8, 8)` uint8."""
    labels: Tensor
    """`(N,)` int64."""


class Data(NamedTuple):
    """Both domains."""

    source: Split
    source_test: Split
    target: Split
    target_test: Split


def read(folder: Path) -> Data:
    """Read the five published files: MNIST's test part, cut to 20 x 20 and reduced by area means, and optdigits."""
    images = _idx(folder / "t10k-images-idx3-ubyte.gz", 16).reshape(-1, 28, 28)
    labels = _idx(folder / "t10k-labels-idx1-ubyte.gz", 8)
    small = [np.asarray(Image.fromarray(image[4:24, 4:24]).resize((8, 8), Image.Resampling.BOX)) for image in images]
    mnist = _split(np.stack(small), labels)
    tables = [np.loadtxt(folder / f"optdigits.{part}", np.int64, delimiter=",") for part in ("tra", "hol", "tes")]
    train, test = np.concatenate(tables[:2]), tables[2]
    first, last = slice(None, SOURCE_TRAIN), slice(SOURCE_TRAIN, None)
    return Data(
        source=Split(mnist.images[first], mnist.labels[first]),
        source_test=Split(mnist.images[last], mnist.labels[last]),
        target=_split((train[:, :64] * 255 / 16).round(), train[:, 64]),
        target_test=_split((test[:, :64] * 255 / 16).round(), test[:, 64]),
    )


def draw_budget(labels: Tensor, size: int) -> Tensor:
    """Return the positions of `size` examples, each class in proportion; what rounding leaves goes by remainder."""
    counts = torch.bincount(labels)
    exact = counts * size / len(labels)
    quotas = exact.floor().long()
    largest = (exact - quotas).argsort(descending=True)[: size - int(quotas.sum())]
    quotas[largest] += 1
    drawn = []
    for label, quota in enumerate(quotas.tolist()):
        positions = (labels == label).nonzero()[:, 0]
        drawn.append(positions[torch.randperm(len(positions))[:quota]])
    return torch.cat(drawn)


def _idx(path: Path, header: int) -> np.ndarray:
    return np.frombuffer(gzip.decompress(path.read_bytes()), np.uint8, offset=header)


def _split(images: np.ndarray, labels: np.ndarray) -> Split:
    pixels = torch.from_numpy(images.astype(np.uint8)).reshape(-1, 1, 8, 8)
    return Split(pixels, torch.from_numpy(labels.astype(np.int64)))
