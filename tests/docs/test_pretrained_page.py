"""The table of docs/pretrained.md has every task of the suite, with the figures of the published board."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

from tlbench.planning.suites.reading import read_suite

PAGE = Path(__file__).parents[2] / "docs" / "pretrained.md"
BOARD = PAGE.parents[1] / "leaderboards"
LINES = re.findall(r"^\| `([^`|]+)` \| `([^`|]+)` \| (?:[^|]*\|){9}$", PAGE.read_text(), re.M)


def test_every_task_of_the_suite_is_in_the_table():
    wanted = {
        (task, backbone) for one in read_suite("pretrained").runs for task in one.tasks for backbone in one.backbones
    }
    assert set(LINES) == wanted


def test_its_figures_are_those_of_the_published_board():
    page = PAGE.read_text(encoding="utf-8")
    written = runpy.run_path(str(PAGE.with_suffix(".py")))["with_figures"]
    assert written(page, BOARD) == page
    scored = re.compile(r"^\| `[^`|]+` \| `[^`|]+` \| [0-9,]+; [0-9,]*( \| (-|0\.\d+ \(.*?\)|1\.\d+ \(.*?\))){6}", re.M)
    assert len(scored.findall(page)) == len(LINES)


def test_a_board_without_its_results_changes_nothing(tmp_path):
    page = PAGE.read_text(encoding="utf-8")
    assert runpy.run_path(str(PAGE.with_suffix(".py")))["with_figures"](page, tmp_path) == page
