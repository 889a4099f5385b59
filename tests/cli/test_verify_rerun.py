"""`tlbench verify --rerun`: runs that are repeated, what is kept of the outcome, and marks on pages."""

from __future__ import annotations

import dataclasses
import json

import pytest

from tlbench.results.evidence import REPRODUCED, evidence_digest, read_reruns
from tlbench.results.row import write_row
from tlbench.results.row_files import parsed, row_paths

RUN = ("run", "--task", "toy/blobs", "--strategy", "finetune", "--references", "none", "--set", "strategy.steps=20")


@pytest.fixture
def board(tlbench, tmp_path):
    assert tlbench(*RUN, "--seeds", "1", "--set", "source.steps=20", "--board", "board")[0] == 0
    return tmp_path / "board"


def test_a_result_is_run_again_without_the_cache_and_pages_say_so(tlbench, board, session_cache):
    before = {path for path in session_cache.rglob("*.json") if "files" not in path.parts}
    (path,) = row_paths(board)
    status, output, _ = tlbench("verify", "board", "--rerun", "1")
    assert (status, output.splitlines()) == (
        0,
        ["drew 1 of 1 results with seed 0", f"reproduced bit for bit: rows/toy/{path.name}", "reproduced 1 of 1"],
    )
    assert {path for path in session_cache.rglob("*.json") if "files" not in path.parts} == before
    (rerun,) = read_reruns(board).values()
    assert (rerun.digest, rerun.reproduced, rerun.exact) == (evidence_digest(parsed(path)), True, True)
    assert f"Reproduced, finetune: seed 0 bit for bit, {rerun.date}." in (board / "toy.md").read_text()
    assert json.loads((board / "leaderboard.json").read_text())[0]["marks"].keys() == {"reproduced"}
    assert tlbench("verify", "board") == (0, "1 results verified, 0 without predictions, 0 wrong\n", "")


def test_other_numbers_are_not_reproduced_and_newer_ones_have_no_mark(tlbench, board):
    (path,) = row_paths(board)
    row = parsed(path)
    write_row(board, dataclasses.replace(row, forgetting_probe=-row.probe_after, probe_before=0.0))
    status, output, _ = tlbench("verify", "board", "--rerun", "3", "--seed", "7", "--json")
    found = json.loads(output)
    assert (status, found["seed"], found["drawn"]) == (1, 7, [f"toy/{path.name}"])
    (rerun,) = found["done"].values()
    assert not rerun["reproduced"]
    assert rerun["differences"] == [
        f"forgetting_probe is {-row.probe_after!r}, rerun {row.forgetting_probe!r}",
        f"probe_before is 0.0, rerun {row.probe_before!r}",
    ]
    assert rerun["score_difference"] == 0
    assert "Not reproduced, finetune: seed 0" in (board / "toy.md").read_text()
    write_row(board, row)
    assert tlbench("leaderboard", "--board", "board")[0] == 0
    assert "eproduced" not in (board / "toy.md").read_text()


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"strategy": "gone"}, "the strategy gone is not installed"),
        ({"plugins": {"task": "toy (tlbench-toy 0.1)"}}, "its task is of toy (tlbench-toy 0.1), but"),
        ({"strategy_options": {}}, "its options, data or checkpoint are others here"),
        ({"label_budget": 99999}, "its options, data or checkpoint are others here"),
    ],
)
def test_what_cannot_be_run_again_is_named_with_the_reason(tlbench, board, fields, reason):
    (path,) = row_paths(board)
    row = parsed(path)
    path.unlink()
    write_row(board, dataclasses.replace(row, **fields))
    status, output, _ = tlbench("verify", "board", "--rerun", "1")
    assert (status, f"not drawn: {reason}" in output, "reproduced 0 of 1" in output) == (3, True, True)
    assert not (board / REPRODUCED).exists()


def test_one_result_is_run_again_by_its_file(tlbench, board, tmp_path):
    assert tlbench(*RUN, "--seeds", "1-1", "--set", "source.steps=20", "--board", "board")[0] == 0
    first, second = row_paths(board)
    assert tlbench("verify", str(second), "--rerun", "1")[0] == 0
    assert read_reruns(board).keys() == {f"toy/{second.name}"}
    lone = tmp_path / "lone.json"
    lone.write_bytes(first.read_bytes())
    assert tlbench("verify", str(lone), "--rerun", "1")[0] == 2


def test_a_submission_stays_as_it_was_submitted(tlbench, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/SHA256SUMS").write_text("")
    status, _, errors = tlbench("verify", "mine", "--rerun", "1")
    assert (status, "is a submission" in errors) == (2, True)


def test_a_damaged_file_of_reruns_is_wrong_and_costs_no_page(tlbench, board):
    (board / REPRODUCED).write_text('{"results": {}}')
    status, output, _ = tlbench("verify", "board")
    assert (status, "reproduced.json: file is" in output) == (1, True)
    with pytest.warns(UserWarning, match="Its marks are left out"):
        assert tlbench("leaderboard", "--board", "board")[0] == 0
    status, _, errors = tlbench("verify", "board", "--rerun", "1")
    assert (status, "cannot be read" in errors) == (1, True)
