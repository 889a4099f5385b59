"""The table of docs/tasks.md: every command plans, and every task that ships is in it."""

from __future__ import annotations

import re
import runpy
import shlex
from pathlib import Path

import pytest

from tlbench.api.running import run_requests, settings_for
from tlbench.cli.run_command import MACHINE, REPLACED, command
from tlbench.errors import MissingDataError
from tlbench.planning.catalog import load_catalog
from tlbench.planning.expand import make_plan

PAGE = Path(__file__).parents[2] / "docs" / "tasks.md"
BOARD = PAGE.parents[1] / "leaderboards"
ROWS = re.findall(
    r"^\|[^|]*\|[^|]+\| `([^`|]+)` \| `tlbench run ([^`|]+)` \| `([^`|]+)` \| ([^|]+) \| [^|]+ \| [^|]+ \|$",
    PAGE.read_text(),
    re.M,
)


@pytest.fixture(scope="module")
def catalog():
    return load_catalog()


@pytest.mark.parametrize(("task", "words", "metric", "seen"), ROWS, ids=[words for _, words, _, _ in ROWS])
def test_every_command_plans_its_task(task, words, metric, seen, catalog, tmp_path, monkeypatch):
    """Without the published files it names what is missing: everything else of the command has been found by then."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    given = command.make_context("run", shlex.split(words)).params
    asked = {name: given[name] for name in REPLACED}
    requests = run_requests(given["suite"], given["tasks"], given["quick"], asked, given["overrides"])
    settings = settings_for(**{name: given[name] for name in MACHINE}, board=tmp_path, writes=False)
    spec = catalog.tasks[task]
    assert (spec.metric, list(given["tasks"])) == (metric, [task])
    try:
        plan = make_plan(requests, catalog, settings)
    except MissingDataError as error:
        missing = str(error)
    else:
        missing = ""
    if missing:
        assert "TLBENCH_DATA" in missing or ("hf/" in words and "could not be downloaded" in missing)
        assert spec.data_from == "data-root" or "--backbone" in words
        return
    strategy = (given["strategies"] or ("finetune",))[0]
    chosen = [pairing for pairing in plan.pairings if pairing.strategy.name == strategy]
    assert chosen
    assert [pairing.skip for pairing in chosen if pairing.skip] == []


def test_every_task_that_is_not_for_own_files_is_in_the_table(catalog):
    # Other tests may have installed tasks of their own in this process.
    shipped = {name: task for name, task in catalog.tasks.items() if catalog.origin(task).distribution == "tlbench"}
    assert {name for name, task in shipped.items() if task.data_from != "user"} == {task for task, *_ in ROWS}
    table = [line for line in PAGE.read_text().splitlines() if line.startswith("| ") and "`tlbench run" in line]
    assert len(ROWS) == len(table)


def test_its_scores_stand_on_the_page_that_has_them():
    pages = [path.read_text() for path in PAGE.parent.glob("*.md") if path != PAGE]
    of_pages = [seen for *_, seen in ROWS if "[page]" in seen]
    scores = [score for seen in of_pages for score in re.findall(r"-?\d\.\d{3} \([^)]+\)", seen)]
    assert scores
    assert [score for score in scores if not any(score in page for page in pages)] == []


def test_the_other_figures_are_those_of_the_published_board():
    if not (BOARD / "rows").is_dir():
        pytest.skip("no boards beside the tests: they run on an sdist alone")
    page = PAGE.read_text()
    assert sum("[board]" in seen for *_, seen in ROWS) >= 15
    assert runpy.run_path(str(PAGE.with_name("figures.py")))["with_figures"](page, BOARD) == page
