"""A strategy that somebody else ships: built, installed and found as any distribution is."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest
from support import HERE, drive


@pytest.fixture
def installed(tmp_path, toy_site):
    """The import path of an environment into which pip installed the distribution beside the toy."""
    for tool in ("pip", "hatchling"):
        pytest.importorskip(tool)
    project, target = tmp_path / "project", tmp_path / "target"
    shutil.copytree(HERE / "third_party" / "l2sp", project)
    options = ["--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check"]
    command = [sys.executable, "-m", "pip", "install", "-q", *options, "--target", str(target), str(project)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return os.pathsep.join([str(target), str(toy_site)])


def test_a_strategy_of_another_distribution_is_found_and_ends_as_an_ok_row(installed, session_cache, tmp_path):
    done = drive(installed, session_cache, tmp_path / "board", "--task", "toy/blobs", "--strategy", "l2sp")
    assert done.status == 0, done.errors
    (row,) = done.report["rows"]
    assert (row["status"], row["reason"]) == ("ok", None)
    assert row["plugins"]["strategy"] == "l2sp (tlbench-l2sp 0.1.0)"
    assert row["sees"] == ["target-labels"]
    assert row["strategy_options"]["alpha"] == 0.1
    assert row["trained_parameters"] == row["parameters"]
    assert row["score"] > 0.8
