"""Codes of three or four digits, spoken by espeak-ng: US male voices in a quiet room, then other accents by telephone.

The transcript has the words of the digits. Voices and recording conditions are those of `tasks/commands`. The data is
the same for every seed.
"""

from __future__ import annotations

import numpy as np

from tlbench import LoadRequest, Side, Split, TaskData
from tlbench_speech.recording import Random
from tlbench_speech.synthesis import speak
from tlbench_speech.tasks.commands import SAMPLE_RATE, SOURCE, TARGET, clip_of, utterance_of
from tlbench_speech.transcripts.digits import ALPHABET, DIGITS

LENGTHS = (3, 4)
"""Fewest and most digits of a code."""
SPLITS = ((SOURCE, 800), (SOURCE, 200), (TARGET, 400), (TARGET, 300))
"""Source training and test, target training and test."""


def load(request: LoadRequest) -> TaskData:
    """Speak and record all four splits, the same for every call."""
    random = np.random.default_rng(20250612)
    codes = [[_code(random) for _ in range(size)] for _, size in SPLITS]
    utterances = [
        utterance_of(", ".join(code), speakers, random)
        for (speakers, _), part in zip(SPLITS, codes, strict=True)
        for code in part
    ]
    # One process speaks all of it: what comes before a code may change its samples.
    spoken = iter(speak(utterances))
    source_train, source_test, target_train, target_test = (
        Split(
            inputs=[clip_of(next(spoken), speakers, random) for _ in part],
            labels=[" ".join(code) for code in part],
        )
        for (speakers, _), part in zip(SPLITS, codes, strict=True)
    )
    return TaskData(
        source=Side(labels=ALPHABET, train=source_train, test=source_test),
        target=Side(labels=ALPHABET, train=target_train, test=target_test),
        sample_rate=SAMPLE_RATE,
        reading={"sample_rate": SAMPLE_RATE},
    )


def _code(random: Random) -> list[str]:
    size = int(random.integers(*LENGTHS, endpoint=True))
    return [DIGITS[digit] for digit in random.integers(len(DIGITS), size=size)]
