"""A sound file as a raw example; exports carry this module, which needs numpy and soundfile alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any


def sound_reader(sample_rate: int) -> Callable[[Path], list[Any]]:
    """Return the function from a file to a list of its one waveform, `(T,)` float32 in -1..1.

    It raises `ValueError` for a file that is no sound, has no samples, or another rate than `sample_rate`, in Hz.
    """

    def read(path: Path) -> list[Any]:
        try:
            import soundfile
        except ImportError as error:
            raise ValueError(f'"{path}" is read by soundfile: pip install soundfile') from error

        try:
            samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
        except soundfile.LibsndfileError as error:
            raise ValueError(f'"{path}" cannot be read as sound ({error})') from error
        if rate != sample_rate:
            raise ValueError(f'"{path}" has {rate} Hz: the model takes {sample_rate} Hz, resample the file')
        return [one_channel(samples)]

    return read


def one_channel(samples: Any) -> Any:
    """Return the mean `(T,)` of the channels of samples `(T, C)`. Raises `ValueError` for no samples."""
    if not len(samples):
        raise ValueError("no samples")
    return samples.mean(1)
