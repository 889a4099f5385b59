"""What a plugin's functions may not change, and what others may do beside them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tlbench.errors import ContractError
from tlbench.testing.effects import watched


@pytest.fixture(autouse=True)
def alone(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_a_file_in_the_working_directory_is_noticed():
    with pytest.raises(ContractError, match="load changes the files in the working directory"):
        watched("load", lambda: Path("left.txt").touch())


def test_hidden_files_are_of_tools_that_run_beside():
    """Hypothesis makes its folder when the first of its tests runs, which may be in another process."""
    assert watched("load", lambda: Path(".hypothesis").mkdir()) is None
