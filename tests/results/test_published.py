"""The published board: of one commit, without a failed result, and of the questions that tlbench asks today."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import pytest

from tlbench.planning.expand import make_plan
from tlbench.planning.selection import RunRequest
from tlbench.planning.teachers import teacher_option
from tlbench.results.row_files import read_rows

BOARD = Path(__file__).parents[2] / "leaderboards"
FEW = ("medical/lesion-masks", "nlp/headlines", "nlp/qa-facts", "speech/codes-telephone", "vision/shapes")
"""Tasks on which the board has the strategies that run by default alone: others take hours."""
AWAITED = {"speech/voices-telephone"}
"""Tasks that are younger than the board: the next one has them."""


@pytest.fixture(scope="module")
def rows():
    found = list(read_rows(BOARD))
    if not found:
        pytest.skip("no boards beside the tests: they run on an sdist alone")
    return found


def test_it_is_of_one_commit_and_one_set_of_libraries(rows):
    computed = [row for row in rows if row.status == "ok"]
    assert {row.dirty for row in computed} == {False}
    assert len({row.commit for row in computed}) == 1
    versions = defaultdict(set)
    for row in rows:
        for name, version in row.versions.items():
            versions[name].add(version)
    assert [name for name, found in versions.items() if len(found) > 1] == []


def test_no_result_failed_and_what_was_skipped_says_why(rows):
    assert {row.status for row in rows} == {"ok", "skipped"}
    assert [row.file_name for row in rows if (row.status == "skipped") != bool(row.reason)] == []


def test_its_embedded_tasks_have_all_strategies_or_say_why_not(rows, catalog):
    found = defaultdict(set)
    for row in rows:
        found[row.task].add(row.strategy)
    embedded = {
        name
        for name, task in catalog.tasks.items()
        if task.data_from == "package" and "(tlbench " in str(catalog.origin(task))
    }
    assert embedded - found.keys() == AWAITED
    embedded -= AWAITED
    # What learns from another backbone runs where one is named.
    shipped = {
        name: one
        for name, one in catalog.strategies.items()
        if "(tlbench " in str(catalog.origin(one)) and not teacher_option(one)
    }
    asked = {task: {name for name, one in shipped.items() if not (one.on_request and task in FEW)} for task in embedded}
    assert {task: sorted(asked[task] - found[task]) for task in embedded if asked[task] - found[task]} == {}


def test_its_keys_are_those_of_the_same_questions_today(rows, catalog, settings):
    """Otherwise a run with `--board leaderboards` would add results beside those that it has."""
    asked = [row for row in rows if catalog.tasks[row.task].data_from == "package" and row.seed == 1000]
    tasks, strategies = sorted({row.task for row in asked}), sorted({row.strategy for row in asked})
    request = RunRequest(tasks=tasks, strategies=strategies, references=("none",), seeds=(1000,))
    known = defaultdict(set)
    for row in asked:
        known[row.task, row.strategy].add(row.key)
    pairings = [
        (one.task.name, one.strategy.name, one.key()) for one in make_plan([request], catalog, settings).pairings
    ]
    assert len(pairings) >= len(known)
    assert [one for one in pairings if one[:2] in known and one[2] not in known[one[:2]]] == []
