"""One's own questions, from files to a task. Light."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from pathlib import Path

from tlbench import LoadRequest, TaskData, TaskLabels
from tlbench.assets import COLUMNAR_SUFFIXES, Parts, side_tables, split_columns, table_parts
from tlbench_answers.examples import NO_ANSWER, Question, side_of
from tlbench_answers.files import read_questions

SUFFIXES = (".json", ".jsonl", ".ndjson", *COLUMNAR_SUFFIXES)
"""Endings of the files in a folder."""


def files(request: LoadRequest) -> Sequence[Path]:
    """Return every file that is read."""
    return [path for parts in side_tables(request, SUFFIXES).values() for paths in parts.values() for path in paths]


def labels(request: LoadRequest) -> TaskLabels:
    """Return the label `no answer` of both domains if a question of one of them has none; else there are no labels."""
    sides = _sides(request)
    named = _labels(sides.values())
    return TaskLabels(source=named if "source" in sides else None, target=named)


def load(request: LoadRequest) -> TaskData:
    """Read the questions of both domains; a file that is not divided into splits is divided by contexts."""
    sides = _sides(request)
    named = _labels(sides.values())
    made = {name: side_of(parts.train.inputs, parts.test.inputs, named) for name, parts in sides.items()}
    return TaskData(source=made.get("source"), target=made["target"], reading={})


def _sides(request: LoadRequest) -> dict[str, Parts[Question]]:
    read = functools.partial(read_questions, columns=split_columns(request), faults=request.faults)
    tables = side_tables(request, SUFFIXES)
    sides = request.faults.attempt_all(
        lambda parts: table_parts(parts, read, lambda question: question.context), tables.values()
    )
    return dict(zip(tables, sides, strict=True))


def _labels(sides: Iterable[Parts[Question]]) -> tuple[str, ...]:
    every = [question for parts in sides for half in (parts.train, parts.test) for question in half.inputs]
    return () if all(question.answers for question in every) else (NO_ANSWER,)
