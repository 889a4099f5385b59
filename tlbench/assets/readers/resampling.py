"""Waveforms at another sample rate."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tlbench.contract.task_data import Array

CROSSINGS, ROLLOFF = 6, 0.99
"""Zeros of the sinc on each side that the filter keeps, and its cutoff as a part of the lower Nyquist frequency."""


def resampled(waveform: Array, rate: int, wanted: int) -> Array:
    """Return a waveform `(T,)` at another sample rate in Hz, `(ceil(T * wanted / rate),)` float32.

    It is convolved with a sinc under Hann's window, as torchaudio's `resample` does by default (Smith, "Digital Audio
    Resampling"): in float64 and in a fixed order, so that the result does not depend on the machine. A waveform at the
    wanted rate is returned as it is.
    """
    import numpy as np

    if rate == wanted:
        return waveform
    common = math.gcd(rate, wanted)
    old, new = rate // common, wanted // common
    cutoff = min(old, new) * ROLLOFF
    reach = math.ceil(CROSSINGS * old / cutoff)
    length = -(-len(waveform) * new // old)
    places = np.arange(length, dtype=np.int64)
    # An output lies `phase / new` behind an input; phases repeat after `new` outputs.
    before, phase = places * old // new, places % new
    behind = (np.arange(new, dtype=np.int64) * old % new) / new
    padded = np.pad(np.asarray(waveform, np.float64), (reach, reach + 1))
    made = np.zeros(length)
    for tap in range(-reach, reach + 2):
        made += _weights((tap - behind) / old * cutoff, cutoff / old)[phase] * padded[before + tap + reach]
    return made.astype(np.float32)


def _weights(at: Array, scale: float) -> Array:
    """Return the filter at these places, in zeros of its sinc."""
    import numpy as np

    at = at.clip(-CROSSINGS, CROSSINGS)
    weights: Array = np.sinc(at) * np.cos(at * np.pi / CROSSINGS / 2) ** 2 * scale
    return weights
