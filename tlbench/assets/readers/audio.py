"""Sound files."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tlbench.assets.limits import check_file, check_limit
from tlbench.contract.faults import RAISE, Faults
from tlbench.errors import BadInputError

if TYPE_CHECKING:
    from tlbench.contract.task_data import Array


def read_sound(path: Path) -> tuple[Array, int]:
    """Return a waveform `(T,)` float32 in -1..1, with its channels averaged, and its sample rate in Hz."""
    import numpy as np
    import soundfile

    check_file(path)
    try:
        with soundfile.SoundFile(os.fsencode(path)) as sound:
            check_limit("samples", path, sound.frames * sound.channels)
            samples, rate = sound.read(dtype="float32", always_2d=True), sound.samplerate
    except (soundfile.LibsndfileError, OSError, TypeError) as error:
        raise BadInputError(f'"{path}" cannot be read as sound ({error}): replace or remove it.') from error
    if _is_truncated(path):
        raise BadInputError(
            f'"{path}" is truncated: it is shorter than its header says. Download it again, or remove it.'
        )
    if not len(samples):
        raise BadInputError(f'"{path}" contains no samples: replace or remove it.')
    if not np.isfinite(samples).all():
        raise BadInputError(f'"{path}" contains samples that are not finite: replace or remove it.')
    return samples.mean(1), int(rate)


def _is_truncated(path: Path) -> bool:
    """Return whether a WAV or AIFF file is shorter than its header says; libsndfile reads such a file silently."""
    with path.open("rb") as stream:
        head = stream.read(8)
    if head[:4] not in (b"RIFF", b"FORM"):
        return False
    declared = int.from_bytes(head[4:], "little" if head[:4] == b"RIFF" else "big") + 8
    streamed = declared == 0xFFFFFFFF + 8  # Written by a program that cannot seek back.
    return not streamed and declared > path.stat().st_size


def common_rate(paths: Sequence[Path], faults: Faults = RAISE) -> int:
    """Return the common sample rate of all files in Hz; only their headers are read."""
    rates = {path: rate for path in paths for rate in faults.attempt(_rate, path)}
    if not rates:
        raise BadInputError(f'None of {len(paths)} sound files can be read, such as "{paths[0]}": replace them.')
    first = next(iter(rates))
    for path, rate in rates.items():
        if rate != rates[first]:
            faults.refuse(
                f'"{path}" has {rate} Hz, but "{first}" has {rates[first]} Hz: resample all files to the same rate.'
            )
    return rates[first]


def _rate(path: Path) -> int:
    import soundfile

    check_file(path)
    try:
        return int(soundfile.info(os.fsencode(path)).samplerate)
    except (soundfile.LibsndfileError, OSError) as error:
        raise BadInputError(f'"{path}" cannot be read as sound ({error}): replace or remove it.') from error
