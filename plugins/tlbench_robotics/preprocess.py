"""A raw example is a series `(T, C)` of numbers, a row a time step; NaN stands for what is missing.

This module turns it into the model's input and imports numpy alone: it prepares training data, and goes with an
exported model to where that is served.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray


def preprocessor(
    fitted: Mapping[str, Any], options: Mapping[str, Any], layout: str
) -> Callable[[Any], tuple[NDArray[np.float32]]]:
    """Return the function from a series to `(C, T)` float32, T the source's longest: a longer one is cut, a shorter
    one filled at its end. The channel's source mean stands for what is missing.

    `shift` and `unit` of a channel are applied in float64, before float32 could blur it.
    It raises `ValueError` for what is no series, or one of other channels.
    """
    mean, length = np.asarray(fitted["mean"], np.float32), int(fitted["length"])
    shift, unit = np.asarray(fitted["shift"]), np.asarray(fitted["unit"])

    def prepare(example: Any) -> tuple[NDArray[np.float32]]:
        values = ((series(example, len(mean))[:length] - shift) / unit).astype(np.float32)
        filled = np.tile(mean[:, None], length)
        filled[:, : len(values)] = np.where(np.isnan(values), mean, values).T
        return (filled,)

    return prepare


def series(example: Any, channels: int | None = None) -> NDArray[np.float64]:
    """Return a series `(T, C)` float64. Raises `ValueError` for another shape or number of channels."""
    values = np.asarray(example, np.float64)
    if values.ndim != 2 or not len(values):
        raise ValueError(f'Invalid series {values.shape} for "series/cnn": expected time and channels, (T, C).')
    if channels not in (None, values.shape[1]):
        raise ValueError(
            f'A series for "series/cnn" has {values.shape[1]} channels: give it the {channels} of the source.'
        )
    return values
