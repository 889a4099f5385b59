"""SquadShifts (Miller et al. 2020): questions on Wikipedia, on product reviews and on comments on Reddit."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tlbench import LoadRequest, TaskData
from tlbench.assets import SplitColumns
from tlbench_answers.examples import Question, side_of
from tlbench_answers.files import read_questions
from tlbench_answers.plugin import shift_files


def load(request: LoadRequest) -> TaskData:
    """Read both sides; with `reddit`, its questions take the place of the test split of the reviews."""
    source_train, source_test, target_train, target_test = (_read(request, path) for path in shift_files(request))
    return TaskData(
        source=side_of(source_train, source_test, ()), target=side_of(target_train, target_test, ()), reading={}
    )


def _read(request: LoadRequest, path: Path) -> Sequence[Question]:
    return read_questions(path, SplitColumns(), request.faults).inputs
