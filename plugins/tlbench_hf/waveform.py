"""A raw example is a waveform `(T,)`, int16 or floats in -1..1, one channel at the sample rate of the source.

This module resamples it to the model's rate and gives it the model's length, and imports numpy alone beside what an
export carries of tlbench: it prepares training data, and goes with an exported model to where that is served.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tlbench.assets import resampled


def preprocessor(
    fitted: Mapping[str, Any], options: Mapping[str, Any], layout: str
) -> Callable[[Any], tuple[NDArray[np.int16], NDArray[np.int32]]]:
    """Return the function from a waveform to samples `(T,)` int16 of the model's length, and how many are its own `()`.

    It is cut on both sides, or padded with zeros on the right. `fitted` has both rates in Hz, `from` and `rate`, and
    the `length` in samples. The function raises `ValueError` for what is no waveform.
    """
    given, wanted, length = (int(fitted[name]) for name in ("from", "rate", "length"))

    def waveform(example: Any) -> tuple[NDArray[np.int16], NDArray[np.int32]]:
        samples = at_rate(np.asarray(example), given, wanted)
        skipped = max(0, (len(samples) - length) // 2)
        kept = samples[skipped : skipped + length]
        return np.pad(kept, (0, length - len(kept))), np.array(len(kept), np.int32)

    return waveform


def at_rate(waveform: NDArray[Any], given: int, wanted: int) -> NDArray[np.int16]:
    """Return int16 at the wanted rate; accept int16, and floats in -1..1."""
    if waveform.ndim != 1 or not (waveform.dtype == np.int16 or waveform.dtype.kind == "f"):
        raise ValueError(f"Invalid audio {waveform.shape} {waveform.dtype}: expected (T,) int16 or float, one channel.")
    floats = waveform.astype(np.float32)
    if not np.isfinite(floats).all():
        raise ValueError("A waveform contains values that are not finite: decode the file again.")
    scaled = floats if waveform.dtype == np.int16 else np.float32(32767) * floats
    return resampled(scaled, given, wanted).clip(-32768, 32767).round().astype(np.int16)
