"""A strategy that harms its process costs its own row and no other, in this run and in the next."""

from __future__ import annotations

import subprocess

import pytest
from fakes.machine import FEW, PLUGIN
from fakes.plugins import hostile

WORDS = ("--task", "toy/blobs", "--strategy", "finetune", "--strategy", "frozen", "--plugin", str(PLUGIN), *FEW)
HARMLESS = {
    "ends-at-the-end", "forks", "leaves-processes", "changes-folder", "changes-environment", "ignores-signals",
    "prints-much", "closes-output", "limits-recursion", "raises-on-warnings", "removes-board", "poisons-cache",
    "patches-seeds", "patches-loss", "patches-metrics", "without-gradients", "threads", "nondeterministic", "denormals",
    "raises-in-numpy", "returns-float64", "writes-into-inputs",
}  # fmt: skip
"""What may leave a score: it returns the model, and ends with its process."""
SAID = {
    "raises": "ValueError: no",
    "raises-without-text": "Exception",
    "raises-unprintable": "its message cannot be read",
    "raises-strange": "Strange: x",
    "raises-keyboard-interrupt": "KeyboardInterrupt",
    "raises-50-mb": "yyyy",
    "exits-0": "SystemExit: 0",
    "exits-3": "SystemExit: 3",
    "ends-0": "ended with status 0",
    "crashes": "SIGSEGV",
    "is-killed": "SIGKILL",
    "hangs": "longer than",
    "never-ends": "longer than",
    "opens-everything": "Too many open files",
    "takes-memory": "the limit is",
    "default-device": "meta",
    "default-dtype": "dtype",
    "returns-nothing": "TransferModel",
    "returns-nan": "",
    "returns-infinity": "",
}
"""What the row of one that failed says."""


@pytest.fixture(scope="module", params=["first", "second"])
def disturbed(request, isolated, machines={}):  # noqa: B006 - both runs are those of one machine
    machine = machines.setdefault("machine", isolated("disturbed"))
    names = [word for deed in hostile.DEEDS for word in ("--strategy", f"hostile-{deed}")]
    done = machine.run(*WORDS, *names, "--timeout", "20", "--memory-limit", "4")
    return machine, done


def row_of(machine, deed: str):
    (found,) = [row for row in machine.rows().values() if row["strategy"] == f"hostile-{deed}"]
    return found


def test_the_rows_of_others_are_what_they_are_without_it(disturbed, undisturbed):
    machine, done = disturbed
    others = {name: row for name, row in machine.rows().items() if "hostile" not in name}
    assert others == undisturbed.rows()
    assert done.returncode == 1


def test_each_hostile_strategy_has_one_row(disturbed):
    machine, _ = disturbed
    assert sorted(row["strategy"] for row in machine.rows().values() if "hostile" in row["strategy"]) == sorted(
        f"hostile-{deed}" for deed in hostile.DEEDS
    )


@pytest.mark.parametrize("deed", SAID)
def test_its_row_says_what_happened(disturbed, deed):
    row = row_of(disturbed[0], deed)
    assert (row["status"], SAID[deed] in row["reason"]) == ("failed", True)
    assert len(row["reason"]) < 3000


@pytest.mark.parametrize("deed", sorted(HARMLESS))
def test_what_returns_the_model_has_the_score_of_the_model(disturbed, undisturbed, deed):
    row = row_of(disturbed[0], deed)
    (same,) = [row for row in undisturbed.rows().values() if row["strategy"] == "source-only"]
    assert row["status"] == "failed" or row["score"] == same["score"]


def test_nothing_is_left_running(disturbed):
    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    assert hostile.MARK not in listed


def test_what_children_print_is_cut_off(disturbed):
    _, done = disturbed
    assert len(done.stderr) < 400_000
