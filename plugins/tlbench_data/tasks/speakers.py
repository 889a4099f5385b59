"""Who speaks: recordings that a table lists by condition and split."""

from __future__ import annotations

from pathlib import Path

from tlbench import BadInputError, LoadRequest, TaskData
from tlbench.assets import Labelled, Parts, leads_outside, option_path, read_table
from tlbench_data.tasks.sounds import read_sides

TABLE = "utterances.csv"
CONDITIONS = {"source": "clean", "target": "phone"}


def speaker_sides(request: LoadRequest) -> tuple[Parts[Path], Parts[Path]]:
    """Return the recordings of both conditions, with their published splits."""
    return _side(request, "source"), _side(request, "target")


def load(request: LoadRequest) -> TaskData:
    """Read the recordings of both conditions."""
    return read_sides(*speaker_sides(request))


def _side(request: LoadRequest, option: str) -> Parts[Path]:
    root = option_path(request, option, "speaker_id")
    table = read_table(root / TABLE, faults=request.faults)
    rows = list(zip(*map(table.column, ("file", "condition", "split", "speaker")), strict=True))
    if outside := [file for file, *_ in rows if leads_outside(file)]:
        raise BadInputError(f'"{table.path}" lists "{outside[0]}", which is outside its folder: correct it.')

    def part(name: str) -> Labelled[Path]:
        chosen = [(root / file, who) for file, condition, split, who in rows if (condition, split) == (where, name)]
        return Labelled(where=table.path, inputs=[path for path, _ in chosen], labels=[who for _, who in chosen])

    where = CONDITIONS[option]
    return Parts(train=part("train"), test=part("test"))
