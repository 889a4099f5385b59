"""What recording does to speech: rooms and telephones that are simulated, with a noise of a drawn level."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.signal import butter, lfilter, sosfilt

Random = np.random.Generator


def quiet_room(speech: Any, margin: int, random: Random) -> Any:
    """Add white noise, 20 to 30 dB below the speech `(T,)`, which begins and ends with `margin` silent samples."""
    return add_noise(speech, random.normal(size=len(speech)), random.uniform(20, 30), margin)


def telephone(speech: Any, rate: int, margin: int, random: Random) -> Any:
    """Keep 300 to 3,300 Hz and add noise that falls with frequency, 8 to 16 dB below the speech; `rate` in Hz."""
    noise = lfilter([1], [1, -0.9], random.normal(size=len(speech)))
    band = butter(4, (300, 3300), "bandpass", fs=rate, output="sos")
    return add_noise(sosfilt(band, speech), noise, random.uniform(8, 16), margin)


def add_noise(speech: Any, noise: Any, ratio: float, margin: int) -> Any:
    """Mix at a ratio of powers in dB; the speech's power is that without its margins."""
    power = np.mean(speech[margin:-margin] ** 2) / np.mean(noise**2)
    return speech + noise * np.sqrt(power / 10 ** (ratio / 10))


def loudest_at_nine_tenths(recorded: Any) -> Any:
    """Return a waveform `(T,)` float32, its largest sample at 0.9."""
    return (0.9 * recorded / np.abs(recorded).max()).astype(np.float32)
