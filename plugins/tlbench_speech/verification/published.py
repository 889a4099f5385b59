"""Ten adults, clean and by simulated telephone: TLBENCH_DATA/speaker_id, as its README.md describes it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tlbench import BadInputError, LoadRequest, TaskData
from tlbench.assets import Labelled, Parts, leads_outside, read_table
from tlbench_speech.verification.clips import Clip, sound_paths, verification_data

TABLE = "utterances.csv"
RATE = 16000
"""Sample rate in Hz."""
CONDITIONS = {"source": "clean", "target": "phone"}
TESTED = 2
"""Speakers of each gender in the test splits of both conditions: the last ones by their codes."""


def files(request: LoadRequest) -> Sequence[Path]:
    """Return the table of each domain and its clips."""
    return [path for option in CONDITIONS for path in (_table(request, option), *sound_paths(_side(request, option)))]


def load(request: LoadRequest) -> TaskData:
    """Read the clips of both conditions."""
    return verification_data(_side(request, "source"), _side(request, "target"), RATE)


def _table(request: LoadRequest, option: str) -> Path:
    return request.files(option, "speaker_id", TABLE)[0]


def _side(request: LoadRequest, option: str) -> Parts[Clip]:
    """Return a condition, divided by speakers: the published splits are those of a task that knows all ten."""
    path = _table(request, option)
    table = read_table(path, faults=request.faults)
    rows = list(zip(*map(table.column, ("file", "condition", "speaker", "gender")), strict=True))
    if outside := [file for file, *_ in rows if leads_outside(file)]:
        raise BadInputError(f'"{path}" lists "{outside[0]}", which is outside its folder: correct it.')
    genders = sorted({gender for *_, gender in rows})
    of_gender = [sorted({who for *_, who, gender in rows if gender == one}) for one in genders]
    tested = {speaker for speakers in of_gender for speaker in speakers[-TESTED:]}
    own = [(file, who) for file, condition, who, _ in rows if condition == CONDITIONS[option]]

    def part(test: bool) -> Labelled[Clip]:
        chosen = [(Clip(path.parent / file, file), who) for file, who in own if (who in tested) is test]
        clips, speakers = [clip for clip, _ in chosen], [who for _, who in chosen]
        return Labelled(where=path, inputs=clips, labels=speakers, faults=request.faults)

    return Parts(train=part(test=False), test=part(test=True))
