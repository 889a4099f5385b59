"""Ten command words, spoken by espeak-ng: US male voices in a quiet room, then other accents, female, by telephone.

The words are a part of Speech Commands (Warden 2018, arXiv:1804.03209). Rate, pitch and range of pitch vary within a
speaker. The data is the same for every seed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.signal import butter, lfilter, resample_poly, sosfilt

from tlbench import LoadRequest, Side, Split, TaskData
from tlbench_speech import synthesis
from tlbench_speech.synthesis import Utterance, speak

LABELS = ("yes", "no", "up", "down", "left", "right", "on", "off", "stop", "go")
SAMPLE_RATE = synthesis.SAMPLE_RATE // 2
MARGIN = SAMPLE_RATE // 16
"""Samples before and behind the word."""
TELEPHONE_BAND = butter(4, (300, 3300), "bandpass", fs=SAMPLE_RATE, output="sos")
Random = np.random.Generator


@dataclass(frozen=True, kw_only=True)
class Speakers:
    """The voices of one domain and their recording conditions: speech `(T,)` -> what is recorded of it."""

    voices: tuple[str, ...]
    pitch: tuple[int, int]
    record: Callable[[Any, Random], Any]


def quiet_room(speech: Any, random: Random) -> Any:
    """Add white noise, 20 to 30 dB below the speech."""
    return _add_noise(speech, random.normal(size=len(speech)), random.uniform(20, 30))


def telephone(speech: Any, random: Random) -> Any:
    """Keep 300 to 3,300 Hz and add noise that falls with frequency, 8 to 16 dB below the speech."""
    noise = lfilter([1], [1, -0.9], random.normal(size=len(speech)))
    return _add_noise(sosfilt(TELEPHONE_BAND, speech), noise, random.uniform(8, 16))


def _add_noise(speech: Any, noise: Any, ratio: float) -> Any:
    """Mix at a ratio of powers in dB; the speech's power is that of the word without its margins."""
    power = np.mean(speech[MARGIN:-MARGIN] ** 2) / np.mean(noise**2)
    return speech + noise * np.sqrt(power / 10 ** (ratio / 10))


SOURCE = Speakers(
    voices=("en-us", *(f"en-us+{variant}" for variant in ("m1", "m2", "m3", "m4", "m5", "m7", "Andy"))),
    pitch=(25, 60),
    record=quiet_room,
)
ACCENTS = ("en-gb-scotland", "en-029", "en-gb-x-gbcwmd", "en-gb-x-gbclan", "en-gb-x-rp")
"""Scottish, Caribbean, of the West Midlands, of Lancaster, and received pronunciation."""
TARGET = Speakers(
    voices=tuple(f"{accent}+{variant}" for accent in ACCENTS for variant in ("f1", "f4")),
    pitch=(50, 90),
    record=telephone,
)
SPLITS = ((SOURCE, 1200), (SOURCE, 400), (TARGET, 800), (TARGET, 600))
"""Source training and test, target training and test."""


def load(request: LoadRequest) -> TaskData:
    """Speak and record all four splits, the same for every call."""
    random = np.random.default_rng(20250611)
    labels = [random.permutation(np.arange(size) % len(LABELS)) for _, size in SPLITS]
    utterances = [
        utterance_of(LABELS[label], speakers, random)
        for (speakers, _), part in zip(SPLITS, labels, strict=True)
        for label in part
    ]
    # One process speaks all of it: what comes before a word may change its samples.
    words = iter(speak(utterances))
    source_train, source_test, target_train, target_test = (
        Split(inputs=[clip_of(next(words), speakers, random) for _ in part], labels=part)
        for (speakers, _), part in zip(SPLITS, labels, strict=True)
    )
    return TaskData(
        source=Side(labels=LABELS, train=source_train, test=source_test),
        target=Side(labels=LABELS, train=target_train, test=target_test),
        sample_rate=SAMPLE_RATE,
    )


def utterance_of(text: str, speakers: Speakers, random: Random) -> Utterance:
    """Return a text as one of the speakers says it, at a rate and a pitch that are drawn."""
    return Utterance(
        text=text,
        voice=str(random.choice(speakers.voices)),
        rate=int(random.integers(130, 211)),
        pitch=int(random.integers(*speakers.pitch, endpoint=True)),
        range=int(random.integers(30, 71)),
    )


def clip_of(samples: Any, speakers: Speakers, random: Random) -> Any:
    """Return the waveform `(T,)` float32 of recorded words, its largest sample at 0.9."""
    speech = np.pad(resample_poly(samples / 32768, 1, 2), MARGIN)
    recorded = speakers.record(speech, random)
    return (0.9 * recorded / np.abs(recorded).max()).astype(np.float32)
