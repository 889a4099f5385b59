"""A full disk, too many open files, and strays where the cache has folders: one sentence, and nothing half-written."""

from __future__ import annotations

import errno
import os
import resource
import subprocess
import sys
import traceback

import numpy as np
import pytest

from tlbench.engine.splits import save_examples
from tlbench.engine.store import Store
from tlbench.errors import StageError, StoreError, describe
from tlbench.learning.targets import Targets

IDENTITY = {"seed": 0}
DISK = 2**18


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 256 KiB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK}", "none", str(disk)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting needs root")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


def store_in(root):
    return Store(root=root, notify=lambda event: None)


def in_child(function):
    """Run a function in a process of its own; return its exit status, or the signal that ended it, negative."""
    child = os.fork()
    if not child:
        try:
            function()
            os._exit(0)
        except BaseException:  # noqa: BLE001 - the child must not return into pytest
            traceback.print_exc(file=sys.__stderr__)
        finally:
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def write(size):
    def compute(folder):
        (folder / "weights").write_bytes(b"w" * size)

    return compute


def test_a_full_disk_costs_the_stage_and_leaves_nothing(small_disk):
    store = store_in(small_disk)
    kept = store.compute("adapt", IDENTITY, write(1000))
    with pytest.raises(StageError, match="No space left"):
        store.compute("adapt", {"seed": 1}, write(2 * DISK))
    assert not list(small_disk.glob("*/*/*.draft"))
    later = store_in(small_disk)
    assert later.find("adapt", IDENTITY) == kept
    assert later.find("adapt", {"seed": 1}) is None
    assert later.compute("adapt", {"seed": 1}, write(1000)).files.keys() == {"weights"}


def test_whatever_a_library_says_of_a_full_disk_the_row_says_that_it_is_full(small_disk):
    def compute(folder):
        np.save(folder / "weights.npy", np.ones(2 * DISK))

    with pytest.raises(StageError) as raised:
        store_in(small_disk).compute("adapt", IDENTITY, compute)
    assert "the disk of the cache is full" in describe(raised.value.__cause__)


def test_a_disk_that_is_full_already_is_a_sentence(small_disk):
    with (small_disk / "full").open("wb") as stream, pytest.raises(OSError, match="No space left"):
        stream.write(b"x" * 2 * DISK)
    store = store_in(small_disk)
    with pytest.raises(StageError, match="No space left"):
        store.compute("adapt", IDENTITY, write(1000))
    store.sweep()
    store.remember()
    assert not list(small_disk.glob("*/*/*.draft"))


@pytest.mark.parametrize("chunks", [1, 2])
def test_prepared_data_that_does_not_fit_on_the_disk_kills_nothing(small_disk, chunks):
    """A memory map of a file that the disk cannot hold would end the process with SIGBUS."""

    def body():
        rows = np.ones((DISK // 128, 128), np.float32)
        with pytest.raises(OSError, match="No space left"):
            save_examples(small_disk, "split", [(rows,)] * chunks, Targets.of([0] * len(rows) * chunks))

    assert in_child(body) == 0


def test_too_many_open_files_do_not_damage_a_stage(tmp_path):
    """What this process cannot open may be whole: it is neither computed again nor removed."""
    stage = store_in(tmp_path).compute("adapt", IDENTITY, write(1000))

    def body():
        store = store_in(tmp_path)
        store.find("adapt", {"seed": 1})  # Whatever is imported on the way needs files too.
        assert store._memory.entries == {}
        opened = [os.open(os.devnull, os.O_RDONLY)]
        resource.setrlimit(resource.RLIMIT_NOFILE, (opened[0] + 1, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
        with pytest.raises(OSError, match="Too many open files") as raised:
            store.find("adapt", IDENTITY)
        assert raised.value.errno == errno.EMFILE
        for identity in (IDENTITY, {"seed": 1}):
            with pytest.raises(StageError, match="Too many open files"):
                store.compute("adapt", identity, write(1))
        os.close(opened[0])
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))

    assert in_child(body) == 0
    assert store_in(tmp_path).find("adapt", IDENTITY) == stage


def stray(path, sort):
    path.parent.mkdir(parents=True, exist_ok=True)
    if sort == "link":
        path.symlink_to("nowhere")
    elif sort == "loop":
        path.symlink_to(path.name)
    else:
        path.touch() if sort == "file" else path.mkdir()


@pytest.mark.parametrize(
    ("place", "sort"),
    [
        *(("adapt", sort) for sort in ("file", "link", "loop")),
        *(("adapt/{key:.2}", sort) for sort in ("file", "link", "loop")),
        *(("adapt/{key:.2}/{key}.lock", sort) for sort in ("folder", "link", "loop")),
    ],
)
def test_a_stray_in_the_place_of_a_folder_is_named(tmp_path, place, sort):
    key = store_in(tmp_path / "other").compute("adapt", IDENTITY, write(1)).key
    path = tmp_path / "cache" / place.format(key=key)
    stray(path, sort)
    store = store_in(tmp_path / "cache")
    store.sweep()
    assert store.find("adapt", IDENTITY) is None
    with pytest.raises(StageError, match=str(path)) as raised:
        store.compute("adapt", IDENTITY, write(1))
    assert isinstance(raised.value.__cause__, StoreError)
    assert os.path.lexists(path)
    assert [one.name for one in path.parent.iterdir()] == [path.name]
