"""MNIST as the source, UCI optdigits as the target, both real; MNIST is reduced to the 8 x 8 pixels of optdigits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tlbench import BadInputError, LoadRequest, Side, Split, TaskData
from tlbench.assets import read_idx
from tlbench_vision.plugin import mnist_optdigits_files

LABELS = tuple("0123456789")
SOURCE_TRAIN = 8000


def load(request: LoadRequest) -> TaskData:
    """Read both sides.

    The published validation part joins the training part: it is what label budgets are drawn from.
    """
    mnist_images, mnist_labels, training, validation, test = mnist_optdigits_files(request)
    images = np.stack([_reduce(image) for image in read_idx(mnist_images)])
    labels = read_idx(mnist_labels).astype(np.int64)
    target_train = np.concatenate([_read_optdigits(training), _read_optdigits(validation)])
    target_test = _read_optdigits(test)
    return TaskData(
        source=Side(
            labels=LABELS,
            train=Split(inputs=images[:SOURCE_TRAIN], labels=labels[:SOURCE_TRAIN]),
            test=Split(inputs=images[SOURCE_TRAIN:], labels=labels[SOURCE_TRAIN:]),
        ),
        target=Side(
            labels=LABELS,
            train=Split(inputs=_images(target_train), labels=target_train[:, 64]),
            test=Split(inputs=_images(target_test), labels=target_test[:, 64]),
        ),
    )


def _reduce(image: Any) -> Any:
    """Cut the 4 pixel margin of `(28, 28)` and return area means `(8, 8, 1)`."""
    reduced = Image.fromarray(image[4:24, 4:24]).resize((8, 8), Image.Resampling.BOX)
    return np.asarray(reduced)[..., None]


def _read_optdigits(path: Path) -> Any:
    """Read lines of 64 values 0..16 and a label."""
    try:
        table = np.loadtxt(path, np.int64, delimiter=",", comments="#", ndmin=2)
    except ValueError as error:
        raise BadInputError(f'"{path}" cannot be read as optdigits ({error}): download it again.') from error
    if table.shape[1] != 65 or table[:, :64].max() > 16:
        raise BadInputError(f'"{path}" is not an optdigits file: expected lines of 64 values from 0 to 16 and a label.')
    return table


def _images(table: Any) -> Any:
    """Return `(N, 8, 8, 1)` uint8."""
    return (table[:, :64] * (255 / 16)).round().astype(np.uint8).reshape(-1, 8, 8, 1)
