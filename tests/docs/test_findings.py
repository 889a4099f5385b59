"""docs/findings.md says what the committed board says."""

from __future__ import annotations

import runpy

import pytest
from support import HERE

DOCS, BOARD = HERE.parent / "docs", HERE.parent / "leaderboards"


def test_the_tables_are_those_of_the_committed_board():
    if not BOARD.is_dir():
        pytest.skip("no boards beside the tests: they run on an sdist alone")
    tables = list(runpy.run_path(str(DOCS / "findings.py"))["tables"](BOARD))
    assert len(tables) > 10
    page = (DOCS / "findings.md").read_text()
    assert [table for table in tables if table not in page] == []
