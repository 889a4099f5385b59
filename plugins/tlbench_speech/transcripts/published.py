"""Read English in published files: strings of digits and sentences, by adults, then by children.

The files are described in TLBENCH_DATA/asr_digits/README.md and TLBENCH_DATA/asr_sentences/README.md.
"""

from __future__ import annotations

import json
import string
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tlbench import BadInputError, LoadRequest, TaskData
from tlbench.assets import Labelled, Parts, check_file, leads_outside, read_table
from tlbench_speech.transcripts.recordings import Recording, normalised, sound_paths, transcript_data

TABLE, STRINGS = "utterances.csv", "fsdd_strings.jsonl"
SENTENCES_RATE = 16000
"""Sample rate in Hz."""
ENGLISH = (" ", "'", *string.ascii_lowercase)
"""The alphabet of English, so that no transcript has to be seen for it."""
LONGEST_GAP = 10_000
"""Longest gap of a composed string in ms."""
SIDES = {"source": "adult", "target": "child"}


def digit_tables(request: LoadRequest) -> list[Path]:
    """Return the recipes of the adults' strings, and the children's table."""
    return request.files("target", "asr_digits", STRINGS, TABLE)


def digit_files(request: LoadRequest) -> Sequence[Path]:
    """Return the recipes of the adults' strings with the recordings that they name, the children's table and clips."""
    strings, table = digit_tables(request)
    names = dict.fromkeys(name for recipe in recipes_of(strings) for name in recipe["files"])
    children = sound_paths(listed(table, {}, request))
    return [strings, *request.files("source", "fsdd", *names), table, *children]


def recipes_of(path: Path) -> Iterator[Mapping[str, Any]]:
    """Yield how each of the adults' strings is composed.

    Raises `BadInputError` for a line that is no recipe, and for a file outside the folder.
    """
    check_file(path, "text")
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, ValueError) as error:
        raise BadInputError(f'"{path}" cannot be read as text ({error}): download it again.') from error
    for number, line in enumerate(lines, 1):
        if line.strip():
            yield _recipe(line, f'"{path}", line {number}')


def _recipe(line: str, where: str) -> Mapping[str, Any]:
    try:
        recipe = json.loads(line)
        names, gaps = recipe["files"], recipe["gap_ms"]
        right = all(isinstance(value, str) for value in (recipe["split"], recipe["text"], *names))
        right &= all(type(gap) is int and 0 <= gap <= LONGEST_GAP for gap in gaps) and len(gaps) == len(names) + 1 > 1
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise BadInputError(f"{where}: no recipe of a string ({type(error).__name__}: {error}): correct it.") from error
    if not right:
        raise BadInputError(
            f"{where}: no recipe of a string: expected the texts split and text, the names files, and in gap_ms one "
            f"number more of 0 to {LONGEST_GAP} ms. Correct it."
        )
    if wrong := [name for name in names if leads_outside(name)]:
        raise BadInputError(f'{where}: "{wrong[0]}" is outside its folder: correct it.')
    return recipe  # type: ignore[no-any-return]


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
    return listed(_table(request, option), {"side": SIDES[option]}, request)


def listed(path: Path, having: Mapping[str, str], request: LoadRequest) -> Parts[Recording]:
    """Return the recordings of a table whose cells are as `having` says, with their published splits and speakers."""
    table = read_table(path, faults=request.faults)
    names = ("file", "split", "speaker", "text", *having)
    rows = [dict(zip(names, cells, strict=True)) for cells in zip(*map(table.column, names), strict=True)]
    for line, row in zip(table.lines, rows, strict=True):
        if leads_outside(row["file"]) or not (path.parent / row["file"]).is_file():
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
