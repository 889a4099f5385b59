"""A sound file as a raw example; exports carry this module, which needs numpy and soundfile, and scipy to resample."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

FAR_BEYOND = 10.0
"""Largest sample that is accepted, 20 dB above full scale: larger ones are in another scale, such as that of int16."""


def sound_reader(sample_rate: int) -> Callable[[Path], list[Any]]:
    """Return the function from a file to a list of its one waveform, `(T,)` float32 in -1..1 at `sample_rate` Hz.

    Channels are averaged. It raises `ValueError` for a file that is no sound, or has no samples or some far beyond 1.
    """

    def read(path: Path) -> list[Any]:
        try:
            import soundfile
        except ImportError as error:
            raise ValueError(f'"{path}" is read by soundfile: pip install soundfile') from error

        try:
            samples, rate = soundfile.read(os.fsencode(path), dtype="float32", always_2d=True)
        except (soundfile.LibsndfileError, OSError, TypeError) as error:
            raise ValueError(f'"{path}" cannot be read as sound ({error})') from error
        if not len(samples) or not abs(samples).max() <= FAR_BEYOND:
            raise ValueError(f'"{path}" has no samples, or some far beyond -1..1')
        return [resampled(samples.mean(1), int(rate), sample_rate)]

    return read


def resampled(waveform: Any, rate: int, wanted: int) -> Any:
    """Return a waveform `(T,)` at another sample rate, in Hz. Raises `ValueError` where that takes scipy."""
    if rate == wanted:
        return waveform
    try:
        from scipy.signal import resample_poly
    except ImportError as error:
        raise ValueError(f"{rate} Hz are resampled to {wanted} Hz by scipy: pip install scipy") from error

    common = math.gcd(rate, wanted)
    return resample_poly(waveform, wanted // common, rate // common)
