"""What cannot be verified is neither believed nor called wrong, and the reason is said."""

from __future__ import annotations

import dataclasses
import json

from tlbench.engine import publish
from tlbench.results.files import digest
from tlbench.results.row_files import parsed, row_paths
from tlbench.verification import scores
from tlbench.verification.board import verify_board, verify_row


def test_results_without_predictions_are_counted_apart(forger, speakers):
    forger.path().with_suffix(".npz").unlink()
    report = verify_board(forger.board, speakers)
    assert report.unverified == {f"rows/{forger.row().file_name}": "no predictions"}
    assert report.counts() == {"verified": 3, "without_predictions": 1, "not_verifiable": 0, "wrong": 0}
    assert report.status == 3


def test_predictions_above_the_limit_are_not_published_and_the_result_says_so(
    published, run_on, speakers, tmp_path, monkeypatch
):
    for module in (publish, scores):
        monkeypatch.setattr(module, "LARGEST", 1000)
    board = run_on(tmp_path / "board")
    assert list(board.rglob("*.npz")) == []
    assert all(parsed(path).predictions_bytes > 1000 for path in row_paths(board))
    report = verify_board(board, speakers)
    assert report.counts()["without_predictions"] == 4
    assert set(report.unverified.values()) == {
        "no predictions, which are not published if they have more than 1,000 bytes"
    }


def test_a_result_without_its_baseline_is_not_verifiable(forger, speakers):
    path = forger.path("scratch")
    path.unlink()
    path.with_suffix(".npz").unlink()
    reasons = verify_board(forger.board, speakers).unverified
    assert reasons.pop(f"rows/{forger.row().file_name}") == "no baseline of the same version for transfer_gain"


def test_a_strategy_of_another_version_is_said(forger, speakers):
    row = forger.row()
    forger.change(plugins={**row.plugins, "strategy": "finetune (tlbench 9.9)"}, access=())
    report = verify_row(forger.path(), speakers)
    (reason,) = report.unverified.values()
    assert ("finetune (tlbench 9.9)" in reason, report.problems) == (True, [])


def test_a_strategy_that_has_other_options_now_is_said(forger, speakers):
    row = forger.row()
    forger.change(strategy_options={**row.strategy_options, "momentum": 0.9}, access=(), selection="target-inputs")
    report = verify_row(forger.path(), speakers)
    (reason,) = report.unverified.values()
    assert (reason, report.problems) == ("the strategy finetune has other options now", [])


def test_single_values_of_a_latency_may_be_missing(forger, speakers):
    (path,) = (forger.board / "latency").glob("*.json")
    assert path.stem == digest(json.loads(path.read_text()))  # what is measured again has another name
    path.unlink()
    assert set(verify_board(forger.board, speakers).unverified.values()) == {"no single values of its latency"}


def test_a_result_alone_is_verified_by_itself(forger, speakers, tmp_path):
    path = tmp_path / "alone.json"
    path.write_bytes(forger.path().read_bytes())
    report = verify_row(path, speakers)
    assert (report.rows, report.status) == ([str(path)], 3)
    path.with_suffix(".npz").write_bytes(forger.path().with_suffix(".npz").read_bytes())
    assert verify_row(path, speakers).problems == []


def test_the_name_of_a_file_is_that_of_its_content(forger, speakers):
    path = forger.path()
    copy = path.with_name("copy.json")
    copy.write_bytes(path.read_bytes())
    (problem,) = verify_row(copy, speakers).problems
    assert (problem.field, path.name in problem.expected) == ("file", True)


def test_a_failed_result_claims_nothing(forger, speakers):
    row = forger.row()
    empty = {field.name: field.default for field in dataclasses.fields(row) if field.default is None}
    ended = {"scores": {}, "status": "failed", "stage": "adapt", "reason": "It failed."}
    forger.write(dataclasses.replace(row, **{**empty, **ended}))
    assert verify_row(forger.path(), speakers).status == 0
