"""`tlbench verify`: its lines, its JSON and its exit statuses."""

from __future__ import annotations

import dataclasses
import json
import shutil

import pytest

from tlbench.results.row import write_row
from tlbench.results.row_files import parsed, row_paths

RUN = ("run", "--task", "toy/blobs", "--strategy", "finetune", "--seeds", "1", "--references", "none")


@pytest.fixture
def board(tlbench, tmp_path):
    assert tlbench(*RUN, "--board", "board")[0] == 0
    return tmp_path / "board"


def test_statuses_tell_right_from_wrong_and_from_missing(tlbench, board):
    (path,) = row_paths(board)
    assert tlbench("verify", "board") == (0, "1 results verified, 0 without predictions, 0 wrong\n", "")
    assert tlbench("verify", str(path))[0] == 0
    predictions = path.with_suffix(".npz").rename(board / "kept")
    status, output, _ = tlbench("verify", "board")
    assert (status, output) == (
        3,
        f"not verifiable: no predictions: rows/toy/{path.name}\n0 results verified, 1 without predictions, 0 wrong\n",
    )
    shutil.move(predictions, path.with_suffix(".npz"))
    path.write_text(path.read_text().replace('"test_size": ', '"test_size": 1'))
    status, output, _ = tlbench("verify", str(path))
    assert (status, output.splitlines()[-1]) == (1, "0 results verified, 0 without predictions, 1 wrong")


def test_json_has_problems_reasons_and_counts(tlbench, board):
    (path,) = row_paths(board)
    (board / "toy.csv").write_text("nothing\n")
    path.with_suffix(".npz").unlink()
    status, output, _ = tlbench("verify", "board", "--json")
    found = json.loads(output)
    assert status == 1
    assert [(problem["file"], problem["field"]) for problem in found["problems"]] == [("toy.csv", "line 1")]
    assert found["unverified"] == [{"file": f"rows/toy/{path.name}", "reason": "no predictions"}]
    assert found["results"] == {"verified": 0, "without_predictions": 1, "not_verifiable": 0, "wrong": 0}


def test_a_task_that_is_not_installed_is_neither_believed_nor_wrong(tlbench, board):
    (path,) = row_paths(board)
    row = dataclasses.replace(parsed(path), task="toy/gone")
    moved = write_row(board, row)
    path.with_suffix(".npz").rename(moved.with_suffix(".npz"))
    path.unlink()
    for page in board.glob("*.*"):
        page.unlink()
    status, output, _ = tlbench("verify", "board")
    assert status == 3
    assert "not verifiable: the task toy/gone is not installed" in output
    assert "0 results verified, 0 without predictions, 1 not verifiable, 0 wrong" in output


def test_what_is_no_board_is_an_invalid_request(tlbench, tmp_path):
    (tmp_path / "empty").mkdir()
    assert tlbench("verify", "empty")[0] == tlbench("verify", "nowhere")[0] == 2


def test_pages_without_results_lack_them(tlbench, board):
    shutil.rmtree(board / "rows")
    status, output, _ = tlbench("verify", "board")
    assert (status, "not verifiable: no results for this file: README.md and" in output) == (3, True)
