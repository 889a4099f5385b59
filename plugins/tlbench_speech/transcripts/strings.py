"""Strings of digits that are composed from recordings of single ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tlbench import Array, LoadRequest, Side, Split, TaskData
from tlbench.assets import read_sound
from tlbench_speech.transcripts.digits import ALPHABET
from tlbench_speech.transcripts.published import digit_tables, listed, recipes_of
from tlbench_speech.transcripts.recordings import normalised, read_side

RATE = 8000
"""Sample rate in Hz of FSDD, to which the children are brought."""
PEAK, NOISE = 0.5, 1e-3
"""Largest sample of each composed digit, and the deviation of the noise in the gaps."""


def load(request: LoadRequest) -> TaskData:
    """Compose the adults' strings from recordings of FSDD and read the children's."""
    strings, table = digit_tables(request)
    recipes, random = list(recipes_of(strings)), np.random.default_rng(20250613)
    names = list(dict.fromkeys(name for recipe in recipes for name in recipe["files"]))
    paths = dict(zip(names, request.files("source", "fsdd", *names), strict=True))
    digits = {name: read_sound(path, RATE, request.faults)[0] for name, path in paths.items()}
    composed = [(recipe, _composed(recipe, digits, random)) for recipe in recipes]

    def split(part: str) -> Split:
        chosen = [(recipe, clip) for recipe, clip in composed if recipe["split"] == part]
        return Split(inputs=[clip for _, clip in chosen], labels=[normalised(one["text"]) for one, _ in chosen])

    return TaskData(
        source=Side(labels=ALPHABET, train=split("train"), test=split("test")),
        target=read_side(listed(table, {}, request), ALPHABET, RATE),
        sample_rate=RATE,
        reading={"sample_rate": RATE},
    )


def _composed(recipe: Mapping[str, Any], digits: Mapping[str, Array], random: np.random.Generator) -> Array:
    """Return the waveform `(T,)` float32 of a string: digits of one peak, with low noise in the gaps round them."""
    gaps = [np.zeros(RATE * gap // 1000, np.float32) for gap in recipe["gap_ms"]]
    spoken = [PEAK * digits[name] / abs(digits[name]).max() for name in recipe["files"]]
    parts = [part for pair in zip(gaps, [*spoken, gaps[0][:0]], strict=True) for part in pair]
    clip = np.concatenate(parts)
    return (clip + random.normal(0, NOISE, len(clip))).astype(np.float32)
