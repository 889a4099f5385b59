"""Ctrl-C and SIGTERM, sent to a real `tlbench run` at several moments."""

from __future__ import annotations

import functools
import os
import re
import signal
import subprocess
import sys
from collections.abc import Sequence

import pytest
from support import SOURCES

RUN = ("run", "--task", "toy/blobs", "--strategy", "finetune", "--seeds", "1")
FAREWELL = "Stopped. Finished work is kept; run the same command to continue."


@pytest.fixture
def run(toy_site, tmp_path):
    """Runs `tlbench` in a process group of its own, stopped at a moment; returns status, output and errors."""

    def start(moment: str = "", command: Sequence[str] = (*RUN, "--board", "board")) -> tuple[int, str, str]:
        words = [sys.executable, "-m", "tlbench", *command]
        if moment:
            words += ["--plugin", str(SOURCES / "stopper.py")]
        environment = {"PYTHONPATH": str(toy_site), "TLBENCH_CACHE": str(tmp_path / "cache"), "STOP_AT": moment}
        done = subprocess.run(
            words,
            cwd=tmp_path,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
            start_new_session=True,
            # A suite that a shell runs in the background has been told to ignore Ctrl-C, and so would this be.
            preexec_fn=functools.partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
        )
        return done.returncode, done.stdout, done.stderr

    return start


@pytest.mark.parametrize(
    "moment", ["load SIGINT", "load SIGTERM", "swallowed SIGTERM", "swallowed SIGINT", "hook SIGTERM"]
)
def test_a_signal_that_comes_while_plugins_are_loaded_ends_the_program(run, moment):
    status, output, errors = run(moment, ["list"])
    assert (status, output, errors.strip()) == (128 + signal.Signals[moment.split()[-1]], "", FAREWELL)


def left_over(folder):
    return [path for path in folder.rglob("*") if path.name.startswith(".tmp-") or path.suffix == ".draft"]


def test_a_run_stopped_again_and_again_says_so_leaves_nothing_half_done_and_ends_where_it_would_have(run, tmp_path):
    stages = set()
    for moment in (
        "load SIGINT",
        "step source SIGTERM",
        "stage-started latency SIGINT",
        "plan-finished SIGINT",
    ):
        status, output, errors = run(moment)
        assert (status, output) == (128 + signal.Signals[moment.split()[-1]], ""), errors
        assert errors.strip().endswith(FAREWELL), moment
        assert "Traceback" not in errors
        assert not left_over(tmp_path)
        kept = set((tmp_path / "cache").glob("*/*/*/stage.json"))
        assert kept >= stages
        stages = kept
    status, output, errors = run()
    assert (status, re.findall("results: .*|.* computed", output)) == (
        0,
        ["results: 6 ok, 0 failed, 0 skipped", "0 stages computed"],
    )
    assert " ".join(errors.split()) == "plan of toy/blobs runs 6 strategies x seed 0 on toy/mlp: 6 runs"
