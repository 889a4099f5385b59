"""What a submission may not do to the results of the board that it joins."""

from __future__ import annotations

import dataclasses
import datetime
import json
import shutil
from pathlib import Path

import pytest

from tlbench.leaderboard.changes import HEADINGS
from tlbench.results.row import Row, write_row
from tlbench.verification.report import Report
from tlbench.verification.submission import PLACE, checksums
from tlbench.verification.submission_check import SHOWN, Checked, check_submission, page

OWN = {"transfer_gain": None, "negative_transfer": None, "gap_closed": None, "predictions_sha256": None}
TIMES = ("latency", "graph")


@pytest.fixture
def check(forger, speakers, tmp_path):
    """Check rows as a submission to the board of the forger; files beside them are written by `beside`."""

    def checked(*rows: Row, beside=lambda folder: None):
        folder = tmp_path / "submission"
        shutil.rmtree(folder, ignore_errors=True)
        for row in rows:
            write_row(folder, row)
        beside(folder)
        (folder / "SHA256SUMS").write_text(checksums(folder))
        return check_submission(folder, forger.board, speakers)

    return checked


def own(forger, **fields) -> Row:
    """Return a row of a strategy that is not installed here, made of that of finetune on the board."""
    row = forger.row()
    fields = {**OWN, **dict.fromkeys(TIMES), "strategy": "mine", "key": "mine", **fields}
    plugins = {**row.plugins, "strategy": "mine (mine 1.0)"}
    return dataclasses.replace(row, **{"plugins": plugins, **fields})


def problems(checked) -> set[tuple[str, str]]:
    return {(problem.file, problem.field) for problem in checked.report.problems}


def test_a_strategy_of_somebody_else_is_not_verifiable_and_not_wrong(check, forger):
    checked = check(own(forger))
    assert (checked.status, checked.report.problems) == (3, [])
    (line,) = (line for line in checked.changes if line["strategy"].startswith("mine"))
    assert line["strategy"] == "mine (new)"


def test_a_newer_copy_takes_no_place_of_a_result(check, forger):
    rival = own(forger, strategy="rival", created="2026-01-01T00:00:00+00:00")
    write_row(forger.board, rival)
    copy = dataclasses.replace(rival, key="other", created="2026-01-02T00:00:00+00:00")
    checked = check(copy)
    assert (f"rows/{rival.file_name}", "seed") in problems(checked)
    assert checked.status == 1
    later = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=2)
    checked = check(own(forger, created=later.isoformat()))
    assert {field for _, field in problems(checked)} == {"created"}


def test_many_results_do_not_decide_what_is_right_on_a_board(check, forger):
    row = own(forger)
    many = [dataclasses.replace(row, seed=seed, key=f"k{seed}", test_size=30) for seed in range(1, 9)]
    checked = check(*many)
    assert (f"rows/{forger.row().file_name}", "test_size") in problems(checked)
    assert checked.status == 1


def test_what_stood_on_the_board_before_is_no_problem_of_a_submission(check, forger):
    for seed in (1, 2):
        write_row(forger.board, own(forger, strategy="older", seed=seed, key=f"k{seed}", test_size=30 + seed))
    assert check(own(forger)).report.problems == []


def test_results_of_the_board_that_a_latency_file_makes_wrong_are_named(check, forger):
    row = forger.row()
    (path,) = (forger.board / "latency").glob("*.json")
    content = json.loads(path.read_bytes())
    path.unlink()
    content["reference_p50_ms"] *= 2
    content["p50_ratio"] /= 2

    def beside(folder):
        (folder / "latency").mkdir()
        (folder / "latency" / path.name).write_text(json.dumps(content))

    measured = {name: content[name] for name in ("reference_p50_ms", "p50_ratio")}
    checked = check(own(forger, latency=row.latency, graph=row.graph, **measured), beside=beside)
    assert (f"rows/{row.file_name}", "p50_ratio") in problems(checked)
    assert checked.status == 1
    assert "finetune (removed)" in page("mine", checked, forger.board)


def test_targets_are_those_of_the_board(check, forger, published):
    honest = forger.row()
    arrays = forger.arrays()
    forger.save_scored({**arrays, "targets": arrays["targets"][::-1].copy(), "groups": arrays["groups"][::-1].copy()})
    forged, predictions = forger.row(), forger.path().with_suffix(".npz").read_bytes()
    shutil.rmtree(forger.board)
    shutil.copytree(published, forger.board)
    mine = own(forger, predictions_sha256=forged.predictions_sha256, **{name: getattr(forged, name) for name in SCORED})

    def beside(folder):
        (folder / "rows" / mine.file_name).with_suffix(".npz").write_bytes(predictions)

    checked = check(mine, beside=beside)
    assert {(f"rows/{mine.file_name}", name) for name in ("targets", "test_sha256")} <= problems(checked)
    assert (f"rows/{honest.file_name}", "targets") not in problems(checked)


SCORED = (
    *("predictions_bytes", "score", "score_low", "score_high", "scores", "eager_score", "score_matrix", "test_sha256"),
    *("interval_method", "test_size", "most_common_share", "most_common_target_share", "prediction_spread", "groups"),
    *("worst_group", "worst_group_score", "worst_group_low", "worst_group_high", "worst_group_size"),
)


def test_a_baseline_of_somebody_else_is_none(check, forger):
    row = forger.row("source-only")
    rival = own(forger, strategy="source-only", baseline=True, access=row.access, seed=row.seed)
    checked = check(rival)
    assert (f"rows/{rival.file_name}", "plugins.strategy") in problems(checked)
    entries = [entry for entry in checked.changes if entry["strategy"].startswith("finetune")]
    # Neither of two baselines that differ is the floor.
    assert entries[0]["over source-only"].endswith("-> -")


def test_files_that_belong_to_no_result_are_named_and_the_summary_is_the_submitters(check, forger):
    row = own(forger)

    def beside(folder):
        (folder / "rows/toy/anything.npz").write_bytes(b"MZ")
        (folder / "latency").mkdir()
        (folder / "latency/other.json").write_text("<script>")
        (folder / "rows" / row.file_name).with_suffix(".npz").write_bytes(b"of a row")
        (folder / "SUMMARY.md").write_text("# Verified")

    checked = check(row, beside=beside)
    # The row has no hash of predictions, so that anything could stand there.
    foreign = ("rows/toy/anything.npz", "latency/other.json", f"rows/{row.file_name.removesuffix('.json')}.npz")
    assert problems(checked) == {(file, "file") for file in foreign}
    assert "text of whoever submits" in page("mine", checked, forger.board)


def test_a_page_lists_no_endless_table(forger):
    lines = [dict.fromkeys(HEADINGS, f"value {number}") for number in range(SHOWN + 7)]
    said = page("mine", Checked(Report(), rows=[own(forger)], changes=lines), Path("board"))
    assert (f"value {SHOWN - 1}" in said, f"value {SHOWN}" in said, "and 7 more" in said) == (True, False, True)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("at /home/alice/x:12", True),
        ("file:///home/alice/x", True),
        ("C:/Users/alice", True),
        (r"C:\\Users\\alice", True),
        (r"\\server\share\x", True),
        ("~/x", True),
        ("~alice/x", True),
        ("hf://a/b/c", False),
        ("https://example.org/a/b", False),
        ("n/class 1/2/3, and/or", False),
        ("about ~5/class", False),
        ("rows/vision/x.json", False),
    ],
)
def test_paths_of_a_machine_are_found_and_other_texts_are_not(text, found):
    assert (PLACE.search(text) is not None) is found
