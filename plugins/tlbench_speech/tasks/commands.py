"""Ten command words, spoken by espeak-ng: US male voices in a quiet room, then other accents, female, by telephone.

The words are a part of Speech Commands (Warden 2018, arXiv:1804.03209). Rate, pitch and range of pitch vary within a
speaker. The data is the same for every seed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.signal import resample_poly

from tlbench import LoadRequest, Side, Split, TaskData
from tlbench_speech import synthesis
from tlbench_speech.recording import Random, loudest_at_nine_tenths, quiet_room, telephone
from tlbench_speech.synthesis import Utterance, speak

LABELS = ("yes", "no", "up", "down", "left", "right", "on", "off", "stop", "go")
SAMPLE_RATE = synthesis.SAMPLE_RATE // 2
MARGIN = SAMPLE_RATE // 16
"""Samples before and behind the word."""


@dataclass(frozen=True, kw_only=True)
class Speakers:
    """The voices of one domain and their recording conditions: speech `(T,)` -> what is recorded of it."""

    voices: tuple[str, ...]
    pitch: tuple[int, int]
    record: Callable[[Any, Random], Any]


def _quiet_room(speech: Any, random: Random) -> Any:
    return quiet_room(speech, MARGIN, random)


def _telephone(speech: Any, random: Random) -> Any:
    return telephone(speech, SAMPLE_RATE, MARGIN, random)


SOURCE = Speakers(
    voices=("en-us", *(f"en-us+{variant}" for variant in ("m1", "m2", "m3", "m4", "m5", "m7", "Andy"))),
    pitch=(25, 60),
    record=_quiet_room,
)
ACCENTS = ("en-gb-scotland", "en-029", "en-gb-x-gbcwmd", "en-gb-x-gbclan", "en-gb-x-rp")
"""Scottish, Caribbean, of the West Midlands, of Lancaster, and received pronunciation."""
TARGET = Speakers(
    voices=tuple(f"{accent}+{variant}" for accent in ACCENTS for variant in ("f1", "f4")),
    pitch=(50, 90),
    record=_telephone,
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
    return loudest_at_nine_tenths(speakers.record(speech, random))
