"""Sound files."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tlbench.assets.limits import check_file, check_limit
from tlbench.assets.readers.resampling import resampled
from tlbench.assets.readers.sound_headers import is_truncated, may_be_truncated
from tlbench.contract.faults import RAISE, Faults
from tlbench.errors import BadInputError

if TYPE_CHECKING:
    from tlbench.contract.task_data import Array

FAR_BEYOND = 10.0
"""Largest sample that is accepted, 20 dB above full scale: larger ones are in another scale, such as that of int16."""
FULL_SCALE = 1.5
"""Largest sample that is not noted: decoders of lossy formats exceed 1 a little."""
SILENCED = 0.01
"""Part of the channels' power, -20 dB, below which their average counts as silenced. Of independent channels, each has
more in the average of up to 100."""
RATES = (4000, 768_000)
"""Sample rates in Hz, beyond which a header that differs from the others is wrong."""


def read_sound(path: Path, rate: int | None = None, faults: Faults = RAISE) -> tuple[Array, int]:
    """Return a waveform `(T,)` float32 in -1..1, with its channels averaged, and its sample rate in Hz.

    With `rate`, the waveform is resampled to it. Raises `BadInputError` for a broken file and for samples far beyond
    -1..1.
    """
    import numpy as np
    import soundfile

    check_file(path)
    try:
        with soundfile.SoundFile(os.fsencode(path)) as sound:
            declared = sound.frames
            check_limit("samples", path, declared * sound.channels)
            samples, own_rate = sound.read(dtype="float32", always_2d=True), int(sound.samplerate)
    except (soundfile.LibsndfileError, OSError, TypeError) as error:
        raise BadInputError(f'"{path}" cannot be read as sound ({error}): replace or remove it.') from error
    if is_truncated(path):
        raise BadInputError(
            f'"{path}" is truncated: it is shorter than its header says. Download it again, or remove it.'
        )
    if not len(samples):
        raise BadInputError(f'"{path}" contains no samples: replace or remove it.')
    if not np.isfinite(samples).all():
        raise BadInputError(f'"{path}" contains samples that are not finite: replace or remove it.')
    if may_be_truncated(path, declared, len(samples)):
        faults.note("A recording ends early: its file may be cut off.", path)
    _check_scale(path, float(np.abs(samples).max()), faults)
    waveform = _averaged(path, samples, faults)
    if rate is None or rate == own_rate:
        return waveform, own_rate
    _check_rate(path, own_rate)
    return resampled(waveform, own_rate, rate), rate


def _check_scale(path: Path, peak: float, faults: Faults) -> None:
    if peak > FAR_BEYOND:
        raise BadInputError(
            f'"{path}" has samples up to {peak:.6g}, but floating-point samples are in -1 to 1: divide them by the '
            f"full scale, which is 32768 for values of 16 bits, and save the file again."
        )
    if peak > FULL_SCALE:
        faults.note(
            f"A recording has samples beyond -{FULL_SCALE} to {FULL_SCALE}: those beyond -1 to 1 are clipped.", path
        )


def _averaged(path: Path, samples: Array, faults: Faults) -> Array:
    """Return the mean of the channels; a recording that it silences is noted."""
    mean: Array = samples.mean(1)
    power = float((samples**2).mean())
    if samples.shape[1] > 1 and float((mean**2).mean()) < SILENCED * power:
        faults.note(
            "The channels of a recording cancel each other, because their phases are opposite: their average is almost "
            "silent. Save one channel.",
            path,
        )
    return mean


def common_rate(paths: Sequence[Path], faults: Faults = RAISE) -> int:
    """Return the lowest sample rate of all files in Hz, to which others are to be resampled; only headers are read.

    Different rates are noted. Frequencies that only some of the files can hold would tell a model their origin.
    """
    rates = {path: rate for path in paths for rate in faults.attempt(_rate, path)}
    if not rates:
        raise BadInputError(f'None of {len(paths)} sound files can be read, such as "{paths[0]}": replace them.')
    if len(set(rates.values())) == 1:
        return next(iter(rates.values()))
    usual = {
        path: rate for path, rate in rates.items() for _ in faults.attempt(lambda of: _check_rate(*of), (path, rate))
    }
    counts, example = Counter(usual.values()), {rate: path for path, rate in usual.items()}
    shown = ", ".join(f'{rate} Hz ({counts[rate]}, such as "{example[rate]}")' for rate in sorted(counts)[:5])
    faults.note(f"Sample rates of the files differ: {shown}. All are resampled to the lowest, {min(counts)} Hz.")
    return min(counts)


def _check_rate(path: Path, rate: int) -> None:
    """Raise `BadInputError` for a rate that no recording has, if other files have another."""
    if not RATES[0] <= rate <= RATES[1]:
        raise BadInputError(
            f'"{path}" has a sample rate of {rate} Hz, unlike other files. If its header is wrong, save it again; else '
            f"resample all files to the same rate."
        )


def _rate(path: Path) -> int:
    import soundfile

    check_file(path)
    try:
        return int(soundfile.info(os.fsencode(path)).samplerate)
    except (soundfile.LibsndfileError, OSError) as error:
        raise BadInputError(f'"{path}" cannot be read as sound ({error}): replace or remove it.') from error
