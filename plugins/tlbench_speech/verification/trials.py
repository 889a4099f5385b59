"""Lists of pairs of clips that are compared: tables, and lists as VoxCeleb has them."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from tlbench import BadInputError, Faults
from tlbench.assets import Labelled, Parts, Table, join_examples, read_table
from tlbench_speech.verification.clips import Clip, Partners

COLUMNS = ("first", "second", "same")
VOXCELEB = ("same", "first", "second")
"""The fields of each row of a list of VoxCeleb, which has no header."""
ANSWERS = {"0": False, "1": True}


class Trial(NamedTuple):
    """Two clips by name, and whether they are said to be of one speaker."""

    first: str
    second: str
    same: bool
    where: str
    """The place in the list, for messages."""


def read_trials(path: Path, faults: Faults) -> list[Trial]:
    """Return the pairs of a list; those that make no sense are faults.

    A `.txt` has three fields separated by spaces, `1 FIRST SECOND`; another file is a table with the columns `first`,
    `second` and `same`.
    """
    if path.suffix.lower() == ".txt":
        table = read_table(path, columns=VOXCELEB, separator=" ", quotes=False, faults=faults)
    else:
        table = read_table(path, faults=faults)
    return list(_trials(table))


def _trials(table: Table) -> Iterator[Trial]:
    seen: dict[frozenset[str], int] = {}
    for line, *cells in zip(table.lines, *map(table.column, COLUMNS), strict=True):
        where = f'"{table.path}", line {line}'
        first, second = (posixpath.normpath(cell.strip()) for cell in cells[:2])
        same = cells[2].strip()
        pair = frozenset((first, second))
        if same not in ANSWERS:
            table.faults.refuse(f'{where}: "{same}" in "same" is neither 0 nor 1: write 1 for clips of one speaker.')
        elif first == second:
            table.faults.refuse(f'{where}: "{first}" is compared with itself: remove the row.')
        elif pair in seen:
            table.faults.refuse(f"{where}: the pair is that of line {seen[pair]}: remove one of the rows.")
        else:
            seen[pair] = line
            yield Trial(first, second, ANSWERS[same], where)


def with_trials(parts: Parts[Clip], path: Path) -> tuple[Parts[Clip], Partners]:
    """Return a domain whose test split are the clips of a list of pairs, and with what each of them is compared.

    If its splits have no speaker in common, the list is of clips of the test split, and the training split stays. Else
    clips of all speakers whom the list does not name are the training split.
    """
    faults = parts.test.faults
    published = not set(parts.train.labels) & set(parts.test.labels)
    clips = parts.test if published else join_examples(parts.train, parts.test)
    speakers = {clip.name: speaker for clip, speaker in zip(clips.inputs, clips.labels, strict=True)}
    whose = f'{"the test split of " if published else ""}"{clips.where}"'
    kept = [trial for trial in read_trials(path, faults) if _fits(trial, speakers, whose, faults)]
    for same, what in ((True, "the same speaker"), (False, "different speakers")):
        if all(trial.same is not same for trial in kept):
            raise BadInputError(
                f'"{path}" has no pair of {what}: an error rate needs pairs of the same speaker and of different ones. '
                f"Add some."
            )
    partners: dict[str, list[str]] = {}
    for trial in kept:
        partners.setdefault(trial.first, []).append(trial.second)
    return _divided(parts, clips, {name for trial in kept for name in trial[:2]}, path), partners


def _fits(trial: Trial, speakers: Mapping[str, str], whose: str, faults: Faults) -> bool:
    """Return whether both clips are there, and their speakers what the list says; what is wrong is a fault."""
    if unknown := [name for name in trial[:2] if name not in speakers]:
        faults.refuse(
            f'{trial.where}: "{unknown[0]}" is no clip of {whose}: names are relative to the folder of the speakers, '
            f"such as {next(iter(speakers))}. Correct it."
        )
        return False
    first, second = speakers[trial.first], speakers[trial.second]
    if (first == second) is not trial.same:
        faults.refuse(
            f'{trial.where}: "same" is {int(trial.same)}, but the clips are of "{first}" and "{second}": correct it.'
        )
        return False
    return True


def _divided(parts: Parts[Clip], clips: Labelled[Clip], named: set[str], path: Path) -> Parts[Clip]:
    test = clips.take(place for place, clip in enumerate(clips.inputs) if clip.name in named)
    tested = set(test.labels)
    train = parts.train
    if clips is not parts.test:
        train = clips.take(place for place, speaker in enumerate(clips.labels) if speaker not in tested)
    left_out = sum(speaker in tested for speaker in clips.labels) - len(test)
    if left_out:
        clips.faults.note(f'{left_out} clips are not used: "{path}" names other clips of their speakers.')
    return Parts(train=train, test=test)
