from __future__ import annotations

import importlib
import struct

import pytest
from support import SOURCES, plan_only, run_python
from tensorboardX.proto.event_pb2 import Event

from tlbench.engine.runner import run
from tlbench.planning.catalog import load_catalog
from tlbench_tensorboard import plugin


def read(folder):
    """Returns every value in the event files of a folder, tag -> [(step, value)]; a record cut off is the last one."""
    found = {}
    for path in sorted(folder.glob("events.*")):
        data, start = path.read_bytes(), 0
        while start + 12 <= len(data):
            (length,) = struct.unpack_from("<Q", data, start)  # Then a checksum of 4 bytes, the record, and another.
            event = Event.FromString(data[start + 12 : start + 12 + length])
            for value in event.summary.value:
                found.setdefault(value.tag, []).append((event.step, value.simple_value))
            start += 16 + length
    return found


@pytest.fixture
def board(tmp_path, monkeypatch):
    """The folder that TLBENCH_TENSORBOARD names."""
    monkeypatch.setenv("TLBENCH_TENSORBOARD", str(tmp_path / "tensorboard"))
    importlib.reload(plugin)
    yield tmp_path / "tensorboard"
    del plugin.tlbench_event


@pytest.fixture
def blobs_run(toy_site, settings):
    """Runs (toy/blobs, finetune and scratch, 0); each call is a run over the same cache."""
    catalog = load_catalog()

    def runs():
        plan = plan_only(catalog, settings, tasks=["toy/blobs"], strategies=["finetune", "scratch"])
        return run(plan, catalog, settings)

    return runs


def test_losses_scores_and_seconds_of_what_was_computed_can_be_read_back(board, blobs_run):
    rows = blobs_run().rows
    folders = {row.strategy: board / f"toy-blobs-toy-mlp-{row.strategy}-seed-0-{row.key}" for row in rows}
    assert set(board.iterdir()) == set(folders.values())
    tuned, fresh = (read(folders[name]) for name in ("finetune", "scratch"))
    assert [step for step, _ in tuned["loss/source"]] == [25, 50, 60]
    assert [step for step, _ in tuned["loss/adapt"]] == [25, 40]
    assert "loss/source" not in fresh, "the source model is trained once"
    for row, values in zip(rows, (tuned, fresh), strict=True):
        assert values["score"][0][1] == pytest.approx(row.score)
        assert values["cpu_seconds"][0][1] == pytest.approx(sum(row.seconds.values()), abs=1e-3)
        assert "_hparams_/session_start_info" in values
    assert tuned["forgetting_head"][0][1] == pytest.approx(rows[0].forgetting_head)
    assert "forgetting_head" not in fresh
    before = {path: path.read_bytes() for path in board.rglob("events.*")}
    assert blobs_run().computed == 0
    assert {path: path.read_bytes() for path in board.rglob("events.*")} == before, "what was found is not told again"


def test_where_it_is_not_asked_for_it_does_not_listen(monkeypatch):
    monkeypatch.delenv("TLBENCH_TENSORBOARD", raising=False)
    assert not any("tensorboard" in name for name in load_catalog().listeners)


def test_a_killed_run_leaves_what_it_had_told(board, toy_site, tmp_path):
    environment = {"STOP_AT": "step adapt SIGKILL", "TLBENCH_CACHE": str(tmp_path / "cache")}
    words = ["tlbench", "run", "--task", "toy/blobs", "--strategy", "finetune", "--seeds", "1"]
    words += ["--board", str(tmp_path / "board"), "--plugin", str(SOURCES / "stopper.py")]
    code = "import sys; from tlbench.cli import main; sys.argv = sys.argv[1:]; main()"
    assert run_python(code, *words, site=toy_site, **environment).returncode == -9
    (folder,) = board.iterdir()
    assert [step for step, _ in read(folder)["loss/source"]] == [25, 50, 60]


def test_the_missing_library_is_named_once_and_the_run_goes_on(board, toy_site, tmp_path):
    code = """
import importlib.util, sys
from tlbench.cli import main

find = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if name == "tensorboardX" else find(name, *rest)
sys.argv = sys.argv[1:]
main()
"""
    words = ["tlbench", "run", "--task", "toy/blobs", "--strategy", "constant", "--seeds", "1"]
    done = run_python(code, *words, "--board", str(tmp_path / "board"), site=toy_site)
    assert done.returncode == 0, done.stderr
    assert [line for line in done.stderr.splitlines() if "tensorboardX" in line] == [
        "Warning: A tlbench_event listener failed and was removed: TLBENCH_TENSORBOARD is set, but tensorboardX is "
        'not installed: pip install "tlbench[tensorboard]"'
    ]
    assert not board.exists()
