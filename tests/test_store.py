from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from support import run_python

from tlbench.errors import StageError
from tlbench.store import MANIFEST, Store

IDENTITY = {"task": "toy/blobs", "seed": 0}
PRELUDE = """
import os, signal, sys
from pathlib import Path
from tlbench.store import Store

store = Store(root=Path(sys.argv[1]), notify=lambda event: None)
"""


@pytest.fixture
def events():
    return []


@pytest.fixture
def store(tmp_path, events):
    return Store(root=tmp_path, notify=events.append)


def reopened(store):
    """The store as another process sees it: nothing is remembered."""
    return Store(root=store.root, notify=lambda event: None)


def write(text):
    def compute(folder):
        (folder / "result.txt").write_text(text)

    return compute


def refuse(folder):
    raise AssertionError("computed although it was there")


def test_a_stage_is_computed_once_and_found_by_its_identity(store, events):
    stage = store.stage("adapt", IDENTITY, write("first"))
    again = reopened(store).stage("adapt", dict(reversed(IDENTITY.items())), refuse)
    assert (again.folder, again.key, again.seconds) == (stage.folder, stage.key, stage.seconds)
    assert (again.folder / "result.txt").read_text() == "first"
    store.stage("adapt", IDENTITY, refuse)
    assert [(event.name, event.cached) for event in events] == [
        ("stage-started", False),
        ("stage-finished", False),
        ("stage-finished", True),
    ]


@pytest.mark.parametrize(("name", "identity"), [("score", IDENTITY), ("adapt", {**IDENTITY, "seed": 1})])
def test_another_name_or_identity_is_another_stage(store, name, identity):
    store.stage("adapt", IDENTITY, write("first"))
    assert store.find(name, identity) is None


def test_the_manifest_says_what_the_result_depends_on(store):
    stage = store.stage("adapt", IDENTITY, write("first"))
    manifest = json.loads((stage.folder / MANIFEST).read_text())
    assert manifest["identity"] == IDENTITY
    assert set(manifest["files"]) == {"result.txt"}


def test_a_result_appears_by_a_rename_of_the_whole_folder(store):
    drafts = []

    def compute(folder):
        write("first")(folder)
        drafts.append(folder.stat().st_ino)

    assert [store.stage("adapt", IDENTITY, compute).folder.stat().st_ino] == drafts


def test_a_failing_compute_names_the_stage_and_leaves_nothing(store, tmp_path):
    def compute(folder):
        (folder / "half").write_text("x")
        raise ValueError("no rows")

    with pytest.raises(StageError, match="adapt: ValueError: no rows") as raised:
        store.stage("adapt", IDENTITY, compute)
    assert raised.value.stage == "adapt"
    assert store.find("adapt", IDENTITY) is None
    assert not list(tmp_path.glob("*/*/*.draft"))


def test_what_failed_is_tried_again_by_the_next_process_only(store, tmp_path):
    """A stage that many pairings share must not fail for each of them anew."""
    calls = []

    def compute(folder):
        calls.append(folder)
        raise ValueError("no rows")

    for _ in range(2):
        with pytest.raises(StageError, match="no rows"):
            store.stage("adapt", IDENTITY, compute)
    assert len(calls) == 1
    assert Store(root=tmp_path, notify=store.notify).stage("adapt", IDENTITY, write("second")).folder.is_dir()


def damage_content(folder):
    (folder / "result.txt").write_text("damaged")


def damage_by_loss(folder):
    (folder / "result.txt").unlink()


def damage_manifest(folder):
    (folder / MANIFEST).write_bytes((folder / MANIFEST).read_bytes()[:20])


def replace_manifest(folder):
    (folder / MANIFEST).write_text("[]")


def lose_manifest(folder):
    (folder / MANIFEST).unlink()


@pytest.mark.parametrize("damage", [damage_content, damage_by_loss, damage_manifest, replace_manifest, lose_manifest])
def test_a_damaged_stage_is_not_found_and_is_computed_again(store, damage):
    damage(store.stage("adapt", IDENTITY, write("first")).folder)
    later = reopened(store)
    assert later.find("adapt", IDENTITY) is None
    stage = later.stage("adapt", IDENTITY, write("second"))
    assert (stage.folder / "result.txt").read_text() == "second"
    assert reopened(store).find("adapt", IDENTITY) is not None


def test_a_kill_in_the_middle_leaves_a_draft_and_no_stage(store, tmp_path):
    code = f"""{PRELUDE}
def compute(folder):
    (folder / "result.txt").write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)

store.stage("adapt", {IDENTITY!r}, compute)
"""
    assert run_python(code, str(tmp_path)).returncode == -signal.SIGKILL
    assert len(list(tmp_path.glob("*/*/*.draft"))) == 1
    assert store.find("adapt", IDENTITY) is None
    store.sweep()
    assert not list(tmp_path.glob("*/*/*.draft"))
    assert (store.stage("adapt", IDENTITY, write("whole")).folder / "result.txt").read_text() == "whole"


def test_a_draft_left_by_an_earlier_process_of_the_same_number_is_in_nobodys_way(store):
    stage = store.stage("adapt", IDENTITY, write("first"))
    damage_by_loss(stage.folder)
    draft = stage.folder.with_suffix(f".{os.getpid()}.draft")
    draft.mkdir()
    (draft / "left over").write_text("half")
    again = reopened(store).stage("adapt", IDENTITY, write("second"))
    assert sorted(path.name for path in again.folder.iterdir()) == ["result.txt", MANIFEST]


def test_a_draft_of_a_live_process_is_not_swept(store, tmp_path):
    folder = tmp_path / "adapt" / "ab"
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        drafts = [folder / f"abc.{number}.draft" for number in (process.pid, os.getpid(), 1)]
        for draft in drafts:
            draft.mkdir(parents=True)
        store.sweep()
        assert all(draft.is_dir() for draft in drafts)
        process.communicate(b"\n")
    store.sweep()
    assert [draft.is_dir() for draft in drafts] == [False, True, True]


def test_two_processes_compute_a_key_once(tmp_path):
    code = f"""{PRELUDE}
def compute(folder):
    (Path(sys.argv[1]) / f"computed-{{os.getpid()}}").touch()
    print("computing", flush=True)
    sys.stdin.readline()
    (folder / "result.txt").write_text("by one")

print("trying", flush=True)
stage = store.stage("adapt", {IDENTITY!r}, compute)
print((stage.folder / "result.txt").read_text(), flush=True)
"""
    command = [sys.executable, "-c", code, str(tmp_path)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **pipes) as first:
        assert [first.stdout.readline() for _ in range(2)] == ["trying\n", "computing\n"]
        with subprocess.Popen(command, **pipes) as second:
            assert second.stdout.readline() == "trying\n"
            assert first.communicate("go on\n")[0] == "by one\n"
            assert second.communicate("\n")[0] == "by one\n"
    assert len(list(tmp_path.glob("computed-*"))) == 1


def test_a_stage_of_folders_is_refused(store):
    """Checksums cover files; a folder inside would go unchecked."""

    def compute(folder):
        (folder / "inner").mkdir()

    with pytest.raises(StageError, match="IsADirectoryError"):
        store.stage("adapt", IDENTITY, compute)


def test_seconds_are_those_of_the_process_and_its_children(store):
    def compute(folder):
        subprocess.run([sys.executable, "-c", "sum(range(10 ** 6))"], check=True)

    before = sum(os.times()[:4])
    stage = store.stage("adapt", IDENTITY, compute)
    assert 0 < stage.seconds <= sum(os.times()[:4]) - before + 0.02


def test_the_root_may_be_relative(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    stage = Store(root=Path("cache"), notify=lambda event: None).stage("adapt", IDENTITY, write("first"))
    assert (tmp_path / stage.folder / "result.txt").is_file()


def test_manifests_say_what_finished_stages_hold_and_leave_out_what_cannot_be_read(store):
    kept = store.stage("adapt", IDENTITY, write("first"))
    lost = store.stage("adapt", {**IDENTITY, "seed": 1}, write("second"))
    store.stage("score", IDENTITY, write("third"))
    (lost.folder / MANIFEST).write_text("{")
    (manifest,) = store.manifests("adapt")
    assert manifest["identity"] == IDENTITY
    assert manifest["files"].keys() == {"result.txt"}
    assert store.find("adapt", manifest["identity"]) == kept
