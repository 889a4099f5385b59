"""Finished stages are read-only, and what must change them still can: as a user, for root is refused nothing."""

from __future__ import annotations

import os
import stat
import sys
import tempfile
import traceback
from pathlib import Path

import pytest
from support import unlock

from tlbench.engine.manifest import MANIFEST
from tlbench.engine.stage_folders import LEFT_OVER, discard
from tlbench.engine.store import Store
from tlbench.errors import StageError
from tlbench.results.files import remove

NOBODY = 65534
CANNOT_CHANGE_USER = 77
IDENTITY = {"seed": 0}


@pytest.fixture
def as_user():
    """Runs a function in a folder, in a process of a user without rights; its failure is the test's."""
    # Not below `tmp_path`, whose parents belong to root alone.
    root = Path(tempfile.mkdtemp())
    root.chmod(0o755)

    def run(function):
        child = os.fork()
        if not child:
            _in_child(function, root)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if status == CANNOT_CHANGE_USER:
            pytest.skip("root may not become another user here")
        assert status == 0

    yield run
    remove(root)


def _in_child(function, root):
    """Never return: a second pytest would go on."""
    try:
        if os.geteuid() == 0:
            try:
                os.setgroups([])
                os.setgid(NOBODY)
                os.chown(root, NOBODY, NOBODY)
                os.setuid(NOBODY)
            except OSError:
                os._exit(CANNOT_CHANGE_USER)
        function(root)
        os._exit(0)
    except BaseException:  # noqa: BLE001 - whatever failed is printed here
        traceback.print_exc(file=sys.__stderr__)
    finally:
        os._exit(1)


def store_in(root):
    return Store(root=root, notify=lambda event: None)


def computed(root, text="first"):
    def compute(folder):
        (folder / "result.txt").write_text(text)

    return store_in(root).compute("adapt", IDENTITY, compute)


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def refused(function, *arguments):
    with pytest.raises(PermissionError):
        function(*arguments)


def test_a_finished_stage_refuses_changes(as_user):
    def body(root):
        folder = computed(root).folder
        refused((folder / "result.txt").write_text, "other")
        refused((folder / "result.txt").unlink)
        refused((folder / "new").touch)
        refused((folder / MANIFEST).unlink)
        assert store_in(root).find("adapt", IDENTITY) is not None

    as_user(body)


@pytest.mark.parametrize(("mask", "of_folder", "of_file"), [(0o022, 0o555, 0o444), (0o077, 0o500, 0o400)])
def test_who_may_read_is_what_the_umask_says(as_user, mask, of_folder, of_file):
    def body(root):
        os.umask(mask)
        folder = computed(root).folder
        assert (mode(folder), mode(folder / "result.txt"), mode(folder / MANIFEST)) == (of_folder, of_file, of_file)

    as_user(body)


@pytest.mark.filterwarnings("ignore:The cached stage")
@pytest.mark.parametrize("left", [0o755, 0o555, 0o500, 0o000])
def test_a_damaged_stage_is_replaced_whatever_its_permissions(as_user, left):
    """Tools that copy folders keep permissions, or set others."""

    def body(root):
        folder = unlock(computed(root).folder)
        (folder / "result.txt").write_text("damaged")
        (folder / "result.txt").chmod(left & 0o444)
        folder.chmod(left)
        assert (computed(root, "second").folder / "result.txt").read_text() == "second"
        assert [path.name for path in folder.parent.iterdir() if path.suffix == ".draft"] == []

    as_user(body)


def test_a_stage_with_other_permissions_is_found(as_user):
    def body(root):
        folder = unlock(computed(root).folder)
        for path in (folder, *folder.iterdir()):
            path.chmod(0o700)
        assert store_in(root).find("adapt", IDENTITY) is not None

    as_user(body)


def test_drafts_and_stages_that_are_read_only_are_removed(as_user):
    def body(root):
        stage = computed(root)
        draft = stage.folder.with_suffix(".a1.draft")
        draft.mkdir()
        (draft / "half").touch(mode=0o444)
        for path in (draft / "half", draft):
            os.utime(path, (path.stat().st_mtime - LEFT_OVER - 60,) * 2)
        draft.chmod(0o555)
        store_in(root).sweep()
        assert not draft.exists()
        discard(stage.folder)
        assert [path.suffix for path in stage.folder.parent.iterdir()] == [".lock"]

    as_user(body)


def test_a_draft_that_cannot_be_finished_is_removed(as_user):
    def body(root):
        def compute(folder):
            (folder / "half").touch(mode=0o444)
            folder.chmod(0o555)
            raise ValueError("no rows")

        with pytest.raises(StageError, match="no rows"):
            store_in(root).compute("adapt", IDENTITY, compute)
        assert not list(root.glob("*/*/*.draft"))

    as_user(body)


def test_a_cache_that_cannot_be_written_serves_what_it_has_and_refuses_the_rest_in_a_sentence(as_user):
    def body(root):
        key = computed(root).key
        for path in (root, root / "adapt", root / "adapt" / key[:2]):
            path.chmod(0o555)
        store = store_in(root)
        store.sweep()
        assert store.find("adapt", IDENTITY).key == key
        store.remember()
        for identity in ({"seed": 1}, {"seed": 2}):
            with pytest.raises(StageError, match="Permission denied") as raised:
                store.compute("score", identity, lambda folder: None)
            assert str(raised.value.__cause__).startswith('The cache cannot be used: "')
        root.chmod(0o755)

    as_user(body)


def test_everything_can_be_removed_again(as_user):
    def body(root):
        (root / "deep" / "er").mkdir(parents=True)
        (root / "deep" / "er" / "file").touch(mode=0o000)
        (root / "deep" / "link").symlink_to("/nowhere")
        (root / "deep" / "er").chmod(0o000)
        (root / "deep").chmod(0o000)
        remove(root / "deep")
        remove(root / "deep")
        assert list(root.iterdir()) == []

    as_user(body)
