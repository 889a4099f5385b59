"""A raw example is a waveform `(T,)`, int16 or floats in -1..1, one channel at the source's sample rate.

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
) -> Callable[[Any], tuple[NDArray[Any], ...]]:
    """Return the function from a waveform to samples int16 of one length, cut or zero-padded alike on both sides.

    With `measured` among what was fitted it pads at the end, and also returns how many samples are the clip's own,
    int32. It raises `ValueError` for what is no waveform.
    """
    length, measured = int(fitted["length"]), bool(fitted.get("measured"))

    def waveform(example: Any) -> tuple[NDArray[Any], ...]:
        samples = to_int16(np.asarray(example))
        start, skipped = max(0, (length - len(samples)) // 2), max(0, (len(samples) - length) // 2)
        kept = samples[skipped : skipped + length]
        if measured:
            return np.pad(kept, (0, length - len(kept))), np.array(len(kept), np.int32)
        return (np.pad(kept, (start, length - start - len(kept))),)

    return waveform


def to_int16(waveform: NDArray[Any]) -> NDArray[np.int16]:
    """Return a waveform `(T,)` as int16. Raises `ValueError` for what is no waveform."""
    if waveform.ndim != 1 or not (waveform.dtype == np.int16 or waveform.dtype.kind == "f"):
        raise ValueError(f"Invalid audio {waveform.shape} {waveform.dtype}: expected (T,) int16 or float, one channel.")
    if waveform.dtype == np.int16:
        return waveform
    if not np.isfinite(waveform).all():
        raise ValueError("A waveform contains values that are not finite: decode the file again.")
    return (32767 * waveform.clip(-1, 1)).round().astype(np.int16)
