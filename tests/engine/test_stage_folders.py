"""Drafts of stages on a folder that several machines share: whose they are, how old, and when they are removed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest
from support import run_python

from tlbench.engine import stage_folders
from tlbench.engine.stage_folders import LEFT_OVER, discard, draft_of, now_of, publish, sweep
from tlbench.engine.store import Store

KEY = "0123456789abcdef" * 2
DRAW = """
import sys
from pathlib import Path
from tlbench.engine.stage_folders import draft_of, lock_of

folder = Path(sys.argv[1])
folder.parent.mkdir(parents=True, exist_ok=True)
with lock_of(folder), draft_of(folder) as draft:
    (draft / "half").write_text("half")
    print(draft, flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "adapt" / KEY[:2] / KEY
    folder.parent.mkdir(parents=True)
    return folder


def age(draft, seconds):
    """Make a draft and its files older, by the clock of the file system."""
    for path in (*draft.iterdir(), draft):
        os.utime(path, (path.stat().st_mtime - seconds,) * 2)


def leave(folder, name, seconds=LEFT_OVER + 60):
    draft = folder.with_name(f"{KEY}.{name}.draft")
    draft.mkdir()
    (draft / "half").write_text("half")
    age(draft, seconds)
    return draft


def test_a_kill_in_the_middle_leaves_a_draft_that_is_swept_when_it_is_old(tmp_path):
    code = f"""
import os, signal, sys
from pathlib import Path
from tlbench.engine.store import Store

def compute(folder):
    (folder / "result.txt").write_text("half")
    os.kill(os.getpid(), {int(signal.SIGKILL)})

Store(root=Path(sys.argv[1]), notify=print).compute("adapt", {{"seed": 0}}, compute)
"""
    assert run_python(code, str(tmp_path)).returncode == -signal.SIGKILL
    store = Store(root=tmp_path, notify=print)
    (draft,) = tmp_path.glob("*/*/*.draft")
    assert store.find("adapt", {"seed": 0}) is None
    store.sweep()
    assert draft.is_dir()
    age(draft, LEFT_OVER + 60)
    store.sweep()
    assert not draft.exists()
    stage = store.compute("adapt", {"seed": 0}, lambda folder: (folder / "result.txt").write_text("whole"))
    assert (stage.folder / "result.txt").read_text() == "whole"


def test_a_draft_whose_lock_is_held_is_not_swept_however_old_it_is(tmp_path, folder):
    command = [sys.executable, "-c", DRAW, str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        draft = folder.with_name(os.path.basename(other.stdout.readline().strip()))
        age(draft, 10 * LEFT_OVER)
        sweep(tmp_path)
        assert (draft / "half").is_file()
        other.kill()
    sweep(tmp_path)
    assert not draft.exists()


@pytest.mark.parametrize("wrong", [-10 * LEFT_OVER, 10 * LEFT_OVER])
def test_the_clock_of_a_machine_does_not_matter(tmp_path, folder, monkeypatch, wrong):
    """What is old is so by the clock that dates the files."""
    right = time.time
    monkeypatch.setattr(time, "time", lambda: right() + wrong)
    young, old = leave(folder, "a1", LEFT_OVER - 60), leave(folder, "b2")
    sweep(tmp_path)
    assert (young.is_dir(), old.is_dir()) == (True, False)


def test_the_time_is_that_of_the_file_system(tmp_path, monkeypatch):
    path = tmp_path / "file"
    path.touch()
    monkeypatch.setattr(time, "time", lambda: 0.0)
    assert abs(now_of(tmp_path) - path.stat().st_mtime) < LEFT_OVER
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_was_written_lately_keeps_its_draft(tmp_path, folder):
    draft = leave(folder, "a1")
    os.utime(draft / "half")
    sweep(tmp_path)
    assert draft.is_dir()


def test_a_draft_that_is_named_by_a_process_is_swept_by_its_age(tmp_path, folder):
    """Earlier versions named drafts so; on a shared folder the number may be that of a process here."""
    young, old = leave(folder, str(os.getppid()), 60), leave(folder, str(os.getpid()))
    sweep(tmp_path)
    assert (young.is_dir(), old.is_dir()) == (True, False)


def test_stray_files_among_the_stages_are_left_alone(tmp_path, folder):
    strays = [folder.parent / name for name in (".draft", "notes.draft", "abc.1.draft", f"{KEY}.mine.draft")]
    for stray in strays:
        stray.write_text("mine")
        os.utime(stray, (0, 0))
    sweep(tmp_path)
    assert all(stray.is_file() for stray in strays)


def test_drafts_of_forked_processes_have_names_of_their_own(folder):
    with draft_of(folder) as draft:
        child = os.fork()
        if not child:
            try:
                with draft_of(folder) as own:
                    os._exit(own == draft)
            finally:
                os._exit(2)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_without_locks_the_first_result_stays_and_the_second_is_dropped(folder, monkeypatch):
    """Some file systems keep locks to one machine: two then compute a stage at once."""
    with draft_of(folder) as first, draft_of(folder) as second:
        for draft, text in ((first, "first"), (second, "second")):
            (draft / "result.txt").write_text(text)
            publish(draft, folder)
    assert (folder / "result.txt").read_text() == "first"
    assert list(folder.parent.iterdir()) == [folder]


@pytest.mark.parametrize("make", ["mkdir", "touch", "symlink_to", "mkfifo", None])
def test_whatever_stands_in_the_place_of_a_stage_is_removed_by_a_rename(folder, monkeypatch, make):
    renamed = []
    monkeypatch.setattr(stage_folders, "_try_to_remove", renamed.append)
    if make == "symlink_to":
        folder.symlink_to("nowhere")
    elif make == "mkfifo":
        os.mkfifo(folder)
    elif make:
        getattr(folder, make)()
    discard(folder)
    assert not os.path.lexists(folder)
    assert renamed == list(folder.parent.iterdir())
    assert bool(renamed) is bool(make)
