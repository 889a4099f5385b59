"""Read English in published files: strings of digits and sentences, by adults, then by children.

The files are described in TLBENCH_DATA/asr_digits/README.md and TLBENCH_DATA/asr_sentences/README.md.
"""

from __future__ import annotations

import json
import string
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tlbench import Array, BadInputError, LoadRequest, Side, Split, TaskData
from tlbench.assets import Labelled, Parts, read_sound, read_table
from tlbench_speech.transcripts.codes import ALPHABET as DIGIT_LETTERS
from tlbench_speech.transcripts.recordings import Recording, normalised, read_side, sound_paths, transcript_data

TABLE, STRINGS = "utterances.csv", "fsdd_strings.jsonl"
DIGITS_RATE, SENTENCES_RATE = 8000, 16000
"""Sample rates in Hz: of FSDD, to which the children are brought, and of the sentences."""
ENGLISH = (" ", "'", *string.ascii_lowercase)
"""The alphabet of English, so that no transcript has to be seen for it."""
PEAK, NOISE = 0.5, 1e-3
"""Largest sample of each composed digit, and the deviation of the noise in the gaps."""
SIDES = {"source": "adult", "target": "child"}


def digit_files(request: LoadRequest) -> Sequence[Path]:
    """Return the recipes of the adults' strings with the recordings that they name, the children's table and clips."""
    strings, table = request.files("target", "asr_digits", STRINGS, TABLE)
    names = dict.fromkeys(name for recipe in _recipes(strings) for name in recipe["files"])
    children = sound_paths(_listed(table, {}, request))
    return [strings, *request.files("source", "fsdd", *names), table, *children]


def load_digits(request: LoadRequest) -> TaskData:
    """Compose the adults' strings from recordings of FSDD and read the children's."""
    strings, table = request.files("target", "asr_digits", STRINGS, TABLE)
    recipes, random = list(_recipes(strings)), np.random.default_rng(20250613)
    names = list(dict.fromkeys(name for recipe in recipes for name in recipe["files"]))
    paths = dict(zip(names, request.files("source", "fsdd", *names), strict=True))
    digits = {name: read_sound(path, DIGITS_RATE, request.faults)[0] for name, path in paths.items()}
    composed = [(recipe, _composed(recipe, digits, random)) for recipe in recipes]

    def split(part: str) -> Split:
        chosen = [(recipe, clip) for recipe, clip in composed if recipe["split"] == part]
        return Split(inputs=[clip for _, clip in chosen], labels=[normalised(one["text"]) for one, _ in chosen])

    return TaskData(
        source=Side(labels=DIGIT_LETTERS, train=split("train"), test=split("test")),
        target=read_side(_listed(table, {}, request), DIGIT_LETTERS, DIGITS_RATE),
        sample_rate=DIGITS_RATE,
        reading={"sample_rate": DIGITS_RATE},
    )


def _recipes(path: Path) -> Iterator[Mapping[str, Any]]:
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        recipe = json.loads(line)
        if wrong := [name for name in recipe["files"] if _is_outside(name)]:
            raise BadInputError(f'"{path}", line {number}: "{wrong[0]}" is outside its folder: correct it.')
        yield recipe


def _composed(recipe: Mapping[str, Any], digits: Mapping[str, Array], random: np.random.Generator) -> Array:
    """Return the waveform `(T,)` float32 of a string: digits of one peak, with low noise in the gaps round them."""
    gaps = [np.zeros(DIGITS_RATE * gap // 1000, np.float32) for gap in recipe["gap_ms"]]
    spoken = [PEAK * digits[name] / abs(digits[name]).max() for name in recipe["files"]]
    parts = [part for pair in zip(gaps, [*spoken, gaps[0][:0]], strict=True) for part in pair]
    clip = np.concatenate(parts)
    return (clip + random.normal(0, NOISE, len(clip))).astype(np.float32)


def sentence_files(request: LoadRequest) -> Sequence[Path]:
    """Return the table of each domain and its clips."""
    return [path for option in SIDES for path in (_table(request, option), *sound_paths(_sentences(request, option)))]


def load_sentences(request: LoadRequest) -> TaskData:
    """Read the sentences of adults and of children."""
    source, target = (_sentences(request, option) for option in SIDES)
    return transcript_data(source, target, SENTENCES_RATE, ENGLISH)


def _table(request: LoadRequest, option: str) -> Path:
    return request.files(option, "asr_sentences", TABLE)[0]


def _sentences(request: LoadRequest, option: str) -> Parts[Recording]:
    return _listed(_table(request, option), {"side": SIDES[option]}, request)


def _listed(path: Path, having: Mapping[str, str], request: LoadRequest) -> Parts[Recording]:
    """Return the recordings of a table whose cells are as `having` says, with their published splits and speakers."""
    table = read_table(path, faults=request.faults)
    names = ("file", "split", "speaker", "text", *having)
    rows = [dict(zip(names, cells, strict=True)) for cells in zip(*map(table.column, names), strict=True)]
    for line, row in zip(table.lines, rows, strict=True):
        if _is_outside(row["file"]) or not (path.parent / row["file"]).is_file():
            raise BadInputError(f'"{path}", line {line}: "{row["file"]}" is not a file below its folder: correct it.')

    def part(name: str) -> Labelled[Recording]:
        wanted = {**having, "split": name}.items()
        chosen = [(line, row) for line, row in zip(table.lines, rows, strict=True) if wanted <= row.items()]
        return Labelled(
            where=path,
            inputs=[
                Recording(path.parent / row["file"], normalised(row["text"]), f'"{path}", line {line}')
                for line, row in chosen
            ],
            labels=[""] * len(chosen),
            groups=[row["speaker"] for _, row in chosen],
            faults=request.faults,
        )

    return Parts(train=part("train"), test=part("test"))


def _is_outside(name: str) -> bool:
    return Path(name).is_absolute() or ".." in Path(name).parts
