"""The table of docs/pretrained.md has every task of the suite, with the figures of the published board."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

from tlbench.planning.suites.reading import read_suite
from tlbench.results.row_files import read_rows

PAGE = Path(__file__).parents[2] / "docs" / "pretrained.md"
BOARD = PAGE.parents[1] / "leaderboards"
LINES = re.findall(r"^\| `([^`|]+)` \| `([^`|]+)` \| (?:[^|\n]*\|){9}$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)


@pytest.fixture(scope="module")
def script():
    return runpy.run_path(str(PAGE.with_name("figures.py")))


@pytest.fixture(scope="module")
def rows():
    found = [row for row in read_rows(BOARD) if (row.task, row.backbone) in set(LINES)]
    if not found and not BOARD.is_dir():
        pytest.skip("no boards beside the tests: they run on an sdist alone")
    return found


def test_every_task_of_the_suite_has_one_line():
    wanted = {
        (task, backbone) for one in read_suite("pretrained").runs for task in one.tasks for backbone in one.backbones
    }
    assert set(LINES) == wanted
    assert len(LINES) == len(wanted)


def test_its_figures_are_those_of_the_published_board(script, rows):
    page = PAGE.read_text(encoding="utf-8")
    assert {(row.task, row.backbone) for row in rows} == set(LINES)
    assert {row.seed for row in rows} == {1000, 1001, 1002}
    assert script["with_figures"](page, BOARD) == page
    other = re.sub(r"\| 0\.\d{3} \(", "| 0.001 (", page)
    assert other != page
    assert script["with_figures"](other, BOARD) == page


def test_a_board_without_its_results_changes_nothing(script, tmp_path):
    page = PAGE.read_text(encoding="utf-8")
    assert script["with_figures"](page, tmp_path) == page
