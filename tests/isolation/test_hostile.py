"""A strategy that harms its process costs its own row and no other, in this run and in the next."""

from __future__ import annotations

import shutil
import subprocess

from fakes.machine import FEW, PLUGIN
from fakes.plugins import hostile

WORDS = ("--task", "toy/blobs", "--strategy", "finetune", "--strategy", "frozen", "--plugin", str(PLUGIN), *FEW)
HARMLESS = {
    "ends-at-the-end", "forks", "leaves-processes", "changes-folder", "changes-environment", "ignores-signals",
    "prints-much", "closes-output", "limits-recursion", "raises-on-warnings", "removes-board", "poisons-cache",
    "patches-seeds", "patches-loss", "patches-metrics", "without-gradients", "threads", "nondeterministic", "denormals",
    "raises-in-numpy", "returns-float64", "writes-into-inputs", "forks-and-raises", "writes-messages", "stops-parent",
    "kills-server", "kills-parent",
}  # fmt: skip
"""What may leave a score: it returns the model, before its process is ended."""
ENDLESS = {"hangs", "never-ends"}
"""What takes all the time that it is given: short, which the others are not, on a machine that has much to do."""
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
    "kills-server": "is gone",
    "kills-parent": "is gone",
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


def test_each_harm_is_told_and_others_have_their_rows_in_this_run_and_in_the_next(isolated, undisturbed):
    """One test, for one run of them all: each of them in a run of its own would take an hour."""
    machine = isolated("disturbed")
    done = machine.run(*WORDS, *asked(set(hostile.DEEDS) - ENDLESS), "--timeout", "120", "--memory-limit", "4")
    assert done.returncode == 1, done.stderr[-2000:]
    assert [row["reason"] for row in others(machine).values() if row["status"] == "failed"] == []
    assert others(machine) == undisturbed.rows()
    assert machine.run(*WORDS, *asked(ENDLESS), "--timeout", "10").returncode == 1
    assert others(machine) == undisturbed.rows()
    harmed = {row["strategy"].removeprefix("hostile-"): row for row in machine.rows().values() if harmful(row)}
    assert sorted(harmed) == sorted(hostile.DEEDS)
    assert not [wrong for deed, row in harmed.items() if (wrong := untold(deed, row, undisturbed))]
    # What children print is cut off, and what they leave behind is ended.
    assert len(done.stderr) < 400_000
    assert hostile.MARK not in subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True).stdout
    shutil.rmtree(machine.board)
    assert (machine.run(*WORDS).returncode, others(machine)) == (0, undisturbed.rows())


def asked(deeds) -> list[str]:
    return [word for deed in sorted(deeds) for word in ("--strategy", f"hostile-{deed}")]


def harmful(row) -> bool:
    return row["strategy"].startswith("hostile-")


def others(machine):
    return {name: row for name, row in machine.rows().items() if not harmful(row)}


def untold(deed, row, undisturbed) -> str:
    """Return what is wrong with the row of a harmful strategy, or an empty string."""
    (same,) = [other for other in undisturbed.rows().values() if other["strategy"] == "source-only"]
    may_have_score = deed in HARMLESS and row["status"] == "ok"
    if deed in SAID and not may_have_score and (row["status"] != "failed" or SAID[deed] not in row["reason"]):
        return f"{deed}: {row['status']}, {row['reason']}"
    if may_have_score and row["score"] != same["score"]:
        return f"{deed}: {row['score']} in place of {same['score']}"
    return f"{deed}: {len(row['reason'])} characters" if len(row["reason"] or "") > 3000 else ""
