"""A cache or a board that cannot be written, before a run and in its middle."""

from __future__ import annotations

import json
import os

import pytest

RUN = ("run", "--task", "toy/blobs", "--strategy", "frozen", "--seeds", "1")
PRETRAIN = ("pretrain", "toy/mlp", "--task", "toy/blobs", "-o", "mine")


def assert_refused(done, *words):
    """One sentence on standard error, and nothing else."""
    status, output, errors = done
    assert (status, output) == (2, "")
    assert errors.count("\n") == 1
    assert all(word in errors for word in ("Error: ", *words)), errors


@pytest.mark.parametrize("words", [RUN, (*RUN, "--dry-run"), PRETRAIN], ids=["run", "dry run", "pretrain"])
@pytest.mark.parametrize("cache", ["file", "file/cache", "/proc/nowhere/cache", "~nobody-of-that-name/cache", "loop"])
def test_a_cache_that_cannot_be_written_is_refused_at_once(tlbench, tmp_path, monkeypatch, words, cache):
    (tmp_path / "file").touch()
    (tmp_path / "loop").symlink_to("loop")
    monkeypatch.setenv("TLBENCH_CACHE", cache)
    assert_refused(tlbench(*words), "older", "et TLBENCH_CACHE to")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "loop"]


def test_a_home_folder_that_cannot_be_made_is_refused_at_once(tlbench, monkeypatch):
    monkeypatch.delenv("TLBENCH_CACHE")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", "/proc/nowhere")
    assert_refused(tlbench(*RUN), '"/proc/nowhere/.cache/tlbench" is not writable', "Set TLBENCH_CACHE")


@pytest.mark.parametrize("board", ["file/board", "/proc/nowhere"])
def test_a_board_that_cannot_be_written_is_refused_before_anything_is_computed(tlbench, tmp_path, monkeypatch, board):
    (tmp_path / "file").touch()
    monkeypatch.setenv("TLBENCH_CACHE", str(tmp_path / "cache"))
    assert_refused(tlbench(*RUN, "--board", board), board, "not writable", "--board")
    assert not (tmp_path / "cache").exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
@pytest.mark.parametrize("locked", ["board", "board/rows", "board/rows/toy", "board/latency"])
def test_a_folder_of_the_board_without_permission_is_refused_at_once(tlbench, tmp_path, locked):
    (tmp_path / locked).mkdir(parents=True)
    (tmp_path / locked).chmod(0o555)
    assert_refused(tlbench(*RUN, "--board", "board"), "not writable", "ermission")


LISTENER = """
import shutil
from pathlib import Path
from tlbench import hookimpl


@hookimpl
def tlbench_event(event):
    if event.name == "{moment}":
        shutil.rmtree("{rows}", ignore_errors=True)
        {then}
"""


@pytest.mark.parametrize(
    ("moment", "then"),
    [("pairing-started", 'Path("{rows}").touch()'), ("plan-finished", "pass")],
    ids=["cannot be written any more", "removed at the end"],
)
def test_where_rows_are_missing_the_run_goes_on_and_its_status_says_so(tlbench, tmp_path, moment, then):
    rows = tmp_path / "board" / "rows"
    rows.mkdir(parents=True)
    plugin = tmp_path / f"meddler_{moment.partition('-')[2]}.py"
    plugin.write_text(LISTENER.format(moment=moment, rows=rows, then=then.format(rows=rows)))
    status, output, errors = tlbench(*RUN, "--board", "board", "--plugin", str(plugin), "--json")
    told = json.loads(output)
    assert (status, len(told["rows"]), len(told["missing"])) == (3, 6, 6)
    assert f'6 of 6 results are missing in "{tmp_path / "board"}"' in errors
    assert "Traceback" not in errors
