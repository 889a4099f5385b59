"""The shift between source and target domain, measured on raw examples and labels without a model."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from tlbench.contract.specs import TaskSpec
from tlbench.contract.task_data import Side, Split, TaskData

if TYPE_CHECKING:
    from tlbench.contract.task_data import Array
    from tlbench.learning.kinds.protocol import Kind

MOST = 2000
"""Training examples of each domain that are used."""
GRID, BANDS, BINS = 4, 16, 256
LARGE = 1e100


def shift(task: TaskSpec, data: TaskData) -> dict[str, Any]:
    """Return the proxy A-distance of the training examples' descriptors, and the distance of label frequencies.

    Nothing without a source: there is no shift.
    """
    measured: dict[str, Any] = {}
    if data.source is None:
        return measured
    sides = (data.source, data.target)
    if task.modality in DESCRIPTORS and min(len(side.train.inputs) for side in sides) >= 4:
        from threadpoolctl import threadpool_limits

        from tlbench.learning.domain_distance import a_distance

        what, describe = DESCRIPTORS[task.modality]
        # On matrices of this size, threads take more time to wait for each other than to compute.
        with threadpool_limits(1):
            distance = a_distance(*(_descriptors(side.train, describe) for side in sides))
        measured["proxy A-distance"] = round(distance, 3)
        measured["computed from"] = what
        measured["meaning"] = "0: a linear classifier cannot distinguish the domains; 2: it always can"
    kind, same = task.kind.create(), task.source_kind is None and data.source.labels == data.target.labels
    if same and kind.has_classes and all(len(side.train.labels) for side in sides):
        frequencies = [_frequencies(kind, side) for side in sides]
        measured["total variation of label frequencies"] = round(_total_variation(*frequencies), 3)
    return measured


def _descriptors(split: Split, describe: Callable[[Any], Array]) -> Array:
    chosen = np.linspace(0, len(split.inputs) - 1, min(MOST, len(split.inputs))).astype(int)
    rows = np.stack([describe(split.inputs[int(index)]) for index in chosen]).astype(np.float64)
    # Infinite numbers, and those whose square is, would make the distance NaN.
    return np.clip(np.nan_to_num(rows, posinf=0.0, neginf=0.0), -LARGE, LARGE)


def _image(image: Array) -> Array:
    """Mean of each cell of a 4 x 4 grid and the standard deviation over the image, for each channel."""
    rows = [part.mean(0) for part in np.array_split(image.astype(np.float64), min(GRID, len(image)))]
    cells = [cell.mean(0) for row in rows for cell in np.array_split(row, min(GRID, len(row)))]
    return np.concatenate([*cells, image.std((0, 1))])


def _sound(wave: Array) -> Array:
    """Logarithm of the power in 16 bands of equal width, and of the duration."""
    power = np.abs(np.fft.rfft(wave, max(len(wave), 2 * BANDS))) ** 2 / len(wave)
    bands = [part.mean() for part in np.array_split(power, BANDS)]
    return np.log(np.array([*bands, len(wave)]) + 1e-12)


def _series(series: Array) -> Array:
    """Mean, standard deviation and mean absolute step of each channel."""
    return np.concatenate([series.mean(0), series.std(0), np.abs(np.diff(series, axis=0)).mean(0)])


def _words(text: Any) -> Array:
    """Frequencies of words, hashed into 256 bins."""
    words = (text if isinstance(text, str) else " ".join(text)).lower().split()
    counts = Counter(zlib.crc32(word.encode("utf-8", "surrogatepass")) % BINS for word in words)
    return np.array([counts[index] for index in range(BINS)]) / max(1, len(words))


DESCRIPTORS: Mapping[str, tuple[str, Callable[[Any], Array]]] = {
    "image": ("brightness on a 4 x 4 grid and its standard deviation, for each channel", _image),
    "audio": ("power in 16 bands, and duration", _sound),
    "series": ("mean, standard deviation and mean step of each channel", _series),
    "text": ("frequencies of words", _words),
    "tabular": ("raw rows", np.asarray),
}
"""Modality -> name of the descriptor, and the function that computes it."""


def _frequencies(kind: Kind, side: Side) -> Array:
    indices = np.concatenate([kind.classes(label) for label in side.train.labels])
    return np.bincount(indices, minlength=len(side.labels)) / max(1, len(indices))


def _total_variation(one: Array, other: Array) -> float:
    """Return half of the sum of absolute differences: 0 for equal frequencies, 1 if no label occurs in both."""
    return float(np.abs(one - other).sum() / 2)
