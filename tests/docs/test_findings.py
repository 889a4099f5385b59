"""docs/findings.md has a table for every family, and the script that makes them reads the published board."""

from __future__ import annotations

import re
import runpy

import pytest
from support import HERE

from tlbench.planning.catalog import load_catalog

DOCS, BOARD = HERE.parent / "docs", HERE.parent / "leaderboards"


@pytest.fixture(scope="module")
def script():
    return runpy.run_path(str(DOCS / "findings.py"))


def test_every_strategy_has_a_line_beside_its_reference(script):
    page = (DOCS / "findings.md").read_text()
    assert [heading for heading in script["FAMILIES"] if f"### {heading}\n" not in page] == []
    families = page.partition("### A policy in a closed loop")[0]
    named = set(re.findall(r"^\| `([\w-]+)` \|", families, re.MULTILINE))
    catalog = load_catalog()
    shipped = [one for one in catalog.strategies.values() if "(tlbench " in str(catalog.origin(one))]
    own = {one.name for one in shipped if not one.baseline} - {"finetune"}
    # What writes answers needs a kind that these tasks have not, or another encoder; a teacher must be named.
    assert named <= own
    assert own - named <= {"lead", "typical-answer", "tapt", "larger-teacher"}


def test_tables_are_made_of_a_board(script):
    if not BOARD.is_dir():
        pytest.skip("no boards beside the tests: they run on an sdist alone")
    tables = list(script["tables"](BOARD))
    headings = [table.partition("\n")[0].removeprefix("### ") for table in tables]
    assert headings == [*script["FAMILIES"], "A policy in a closed loop: `robotics/balance`"]
    (balanced,) = (table for table in tables if "BatchNorm" in table)
    line = re.search(r"^\| `adabn` \| (\d+) \| (\d+) \| (\d+) \|", balanced, re.MULTILINE)
    assert line
    number, better, worse = map(int, line.groups())
    assert 0 < better + worse <= number


def test_the_page_has_the_figures_of_the_published_board(script):
    """All but what needs predictions that are not published: intervals, and which differences are significant."""
    if not BOARD.is_dir():
        pytest.skip("no boards beside the tests: they run on an sdist alone")
    page = (DOCS / "findings.md").read_text()
    made = "\n\n".join(script["tables"](BOARD))
    assert without_decisions(made) == without_decisions(page[page.index(made[:40]) :])


def without_decisions(tables: str) -> list[list[str]]:
    found = []
    for line in tables.splitlines():
        cells = [re.sub(r" \xb1 \d\.\d+|\*\*", "", cell.strip()) for cell in line.split("|")]
        found.append(cells if len(cells) < 9 else [*cells[:3], *cells[5:]])
    return [cells for cells in found if cells != [""]]
