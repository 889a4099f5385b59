"""Sound files."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tlbench.assets.readers.faults import attempt, refuse
from tlbench.errors import BadInputError

if TYPE_CHECKING:
    from tlbench.contract.task_data import Array


def read_sound(path: Path) -> tuple[Array, int]:
    """Return a waveform `(T,)` float32 in -1..1, channels averaged, and its sample rate in Hz."""
    import numpy as np
    import soundfile

    try:
        samples, rate = soundfile.read(os.fsencode(path), dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, OSError, TypeError) as error:
        raise BadInputError(f'"{path}" cannot be read as sound ({error}): replace or remove it.') from error
    if _cut_off(path):
        raise BadInputError(f'"{path}" ends before its header says: fetch it again, or remove it.')
    if not len(samples):
        raise BadInputError(f'"{path}" holds no samples: replace or remove it.')
    if not np.isfinite(samples).all():
        raise BadInputError(f'"{path}" holds samples that are not finite: replace or remove it.')
    return samples.mean(1), int(rate)


def _cut_off(path: Path) -> bool:
    """Say whether a WAV or AIFF file is shorter than it declares; libsndfile reads what is there without a word."""
    with path.open("rb") as stream:
        head = stream.read(8)
    if head[:4] not in (b"RIFF", b"FORM"):
        return False
    declared = int.from_bytes(head[4:], "little" if head[:4] == b"RIFF" else "big") + 8
    streamed = declared == 0xFFFFFFFF + 8  # What a program writes that cannot seek back.
    return not streamed and declared > path.stat().st_size


def common_rate(paths: Sequence[Path]) -> int:
    """Return the sample rate in Hz that all files have; only their headers are read."""
    rates = {path: rate for path in paths for rate in attempt(_rate, path)}
    if not rates:
        raise BadInputError(f'No sound can be read, "{paths[0]}" being the first: replace the files.')
    first = next(iter(rates))
    for path, rate in rates.items():
        if rate != rates[first]:
            refuse(
                f'"{path}" has {rate} Hz and "{first}" {rates[first]} Hz: resample all files of both sides to one rate.'
            )
    return rates[first]


def _rate(path: Path) -> int:
    import soundfile

    try:
        return int(soundfile.info(os.fsencode(path)).samplerate)
    except (soundfile.LibsndfileError, OSError) as error:
        raise BadInputError(f'"{path}" cannot be read as sound ({error}): replace or remove it.') from error
