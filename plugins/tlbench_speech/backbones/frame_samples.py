"""A raw example is a waveform `(T,)`, int16 or floats in -1..1, one channel at the source's sample rate.

This module turns it into the model's inputs, its samples and their number, and imports numpy alone: it prepares
training data, and goes with an exported model to where that is served.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray


def preprocessor(
    fitted: Mapping[str, Any], options: Mapping[str, Any], layout: str
) -> Callable[[Any], tuple[NDArray[np.int16], NDArray[np.int32]]]:
    """Return the function from a waveform to its samples int16 and their number int32, cut behind the longest length.

    A waveform shorter than a spectrum's window is padded with zeros. It raises `ValueError` for what is no waveform.
    """
    window, longest = int(fitted["window"]), int(fitted["longest"])

    def samples(example: Any) -> tuple[NDArray[np.int16], NDArray[np.int32]]:
        kept = _to_int16(np.asarray(example))[:longest]
        kept = np.pad(kept, (0, max(0, window - len(kept))))
        return kept, np.array(len(kept), np.int32)

    return samples


def _to_int16(waveform: NDArray[Any]) -> NDArray[np.int16]:
    if waveform.ndim != 1 or not (waveform.dtype == np.int16 or waveform.dtype.kind == "f"):
        raise ValueError(f"Invalid audio {waveform.shape} {waveform.dtype}: expected (T,) int16 or float, one channel.")
    if waveform.dtype == np.int16:
        return waveform
    if not np.isfinite(waveform).all():
        raise ValueError("A waveform contains values that are not finite: decode the file again.")
    return (32767 * waveform.clip(-1, 1)).round().astype(np.int16)
