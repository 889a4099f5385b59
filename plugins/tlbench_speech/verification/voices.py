"""Voices of `vocal_tract`, compared in pairs: by headset in a quiet room, then other voices by telephone.

No speaker is in two splits. The syllables of a clip are drawn, so that clips of one speaker say different things. The
data is the same for every seed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from scipy.signal import lfilter, resample_poly

from tlbench import LoadRequest, Side, Split, TaskData
from tlbench_speech.recording import Random, loudest_at_nine_tenths, quiet_room, telephone
from tlbench_speech.verification.clips import Heard, speaker_split
from tlbench_speech.verification.kind_spec import ANSWERS
from tlbench_speech.vocal_tract import RATE, draw_voice, say

SYLLABLES = 5
MARGIN = RATE // 16
"""Samples before and behind the syllables."""
NARROWER = 2
"""How many times as many samples a clip has as a telephone line takes."""
LEVELS = 256
"""Values of a sample on the line, companded by mu-law (ITU-T G.711)."""
SEED = 20261127


class Part(NamedTuple):
    """Speakers of a split, and clips of each."""

    speakers: int
    clips: int


class Domain(NamedTuple):
    """How speech `(T,)` is recorded, and what the splits hold."""

    name: str
    record: Callable[[Any, Random], Any]
    train: Part
    test: Part


def headset(speech: Any, random: Random) -> Any:
    """Return speech `(T,)` with the noise of a quiet room."""
    return quiet_room(speech, MARGIN, random)


def call(speech: Any, random: Random) -> Any:
    """Return what comes of speech `(T,)` through a telephone line, each time from another handset.

    A handset stresses high or low frequencies. Its signal is cut to the telephone's band, noisy, and companded to 8 bit
    at a level that is drawn.
    """
    handset = lfilter([1, random.uniform(-0.6, 0.6)], [1], resample_poly(speech, 1, NARROWER))
    line = telephone(handset, RATE // NARROWER, MARGIN // NARROWER, random)
    return resample_poly(companded(10 ** random.uniform(-1.5, 0) * line / np.abs(line).max()), NARROWER, 1)


def companded(signal: Any) -> Any:
    """Return a signal `(T,)` in -1..1, rounded to `LEVELS` values."""
    import torch
    from torchaudio.functional import mu_law_decoding, mu_law_encoding

    return mu_law_decoding(mu_law_encoding(torch.from_numpy(signal), LEVELS), LEVELS).numpy()


SOURCE = Domain("headset", headset, train=Part(speakers=80, clips=15), test=Part(speakers=40, clips=10))
TARGET = Domain("call", call, train=Part(speakers=20, clips=20), test=Part(speakers=40, clips=10))


def load(request: LoadRequest) -> TaskData:
    """Draw all voices and record their clips, the same for every call."""
    return TaskData(source=side(SOURCE), target=side(TARGET), sample_rate=RATE, reading={"sample_rate": RATE})


def side(domain: Domain) -> Side:
    """Return a domain; each of its splits has a generator of its own."""
    train, test = (
        _split(domain.record, f"{domain.name}-{name}", part)
        for name, part in (("train", domain.train), ("test", domain.test))
    )
    return Side(labels=ANSWERS, train=train, test=test)


def _split(record: Callable[[Any, Random], Any], name: str, part: Part) -> Split:
    random = np.random.default_rng([SEED, *name.encode()])
    voices = {f"{name}-{number:02}": draw_voice(random) for number in range(part.speakers)}
    heard = [
        Heard(_clip(record, say(voice, SYLLABLES, random), random), f"{speaker}/{take}")
        for speaker, voice in voices.items()
        for take in range(part.clips)
    ]
    number = {speaker: place for place, speaker in enumerate(voices)}
    return speaker_split(heard, [clip.name.rpartition("/")[0] for clip in heard], number)


def _clip(record: Callable[[Any, Random], Any], speech: Any, random: Random) -> Any:
    return loudest_at_nine_tenths(record(np.pad(speech, MARGIN), random))
