"""Lies of a forger who writes every digest and hash anew: each is found, by the field."""

from __future__ import annotations

import dataclasses
import datetime

import numpy as np
import pytest

from tlbench.results.row_files import parsed, row_paths
from tlbench.verification.board import verify_board


def narrower(forger):
    score = forger.row().score
    forger.change(score_low=score - 1e-4, score_high=score + 1e-4)


def higher(forger):
    row = forger.row()
    score = row.score + (row.score_high - row.score) / 2
    forger.change(score=score, scores={**row.scores, row.metric: score})


def another_metric(forger):
    row = forger.row()
    value = row.scores["macro-recall"] + 0.01
    wide = {"score_low": 0.0, "score_high": 1.0}
    forger.change(metric="macro-recall", score=value, scores={**row.scores, "macro-recall": value}, **wide)


def own_targets(forger):
    """Whatever was predicted is right."""
    arrays = forger.arrays()
    arrays["targets"] = arrays["predictions"].argmax(1)
    forger.save_scored(arrays)


def easy_examples(forger):
    """Half of what was predicted wrong is left out."""
    arrays = forger.arrays()
    kept = np.flatnonzero(arrays["predictions"].argmax(1) == arrays["targets"])
    forger.save_scored({name: array if name in ("labels", "draws") else array[kept] for name, array in arrays.items()})


def without_groups(forger):
    """Examples are taken for independent: the interval is narrower."""
    arrays = forger.arrays()
    del arrays["groups"]
    forger.save_scored(arrays)


def certain(forger):
    """Differences from it are significant: its score is the same on all resampled test sets."""
    arrays = forger.arrays()
    arrays["draws"] = np.full_like(arrays["draws"], forger.row().score)
    forger.save(arrays)


def right_predictions(forger):
    arrays = forger.arrays()
    arrays["predictions"] = np.eye(arrays["predictions"].shape[1], dtype=np.float32)[arrays["targets"]]
    forger.save(arrays)


def poorer_scratch(forger):
    row = forger.row("scratch")
    forger.change("scratch", score=row.score_low, scores={**row.scores, row.metric: row.score_low})


def worse_source(forger):
    """Less was there to forget."""
    row = forger.row()
    (before, target), after = row.score_matrix
    forger.change(score_matrix=((after[0], target), after), forgetting_head=0.0)
    assert before != after[0]


def worse_probe(forger):
    row = forger.row()
    forger.change(probe_before=row.probe_after - 0.05, forgetting_probe=row.probe_after - 0.05 - row.probe_after)


def second_run(forger):
    """A lucky run of the same seed is one more result."""
    row = forger.row()
    later = datetime.datetime.fromisoformat(row.created) + datetime.timedelta(days=1)
    path = forger.path().with_suffix(".npz")
    copy = dataclasses.replace(row, key="0123456789ab", created=later.isoformat())
    forger.write(copy)
    (forger.board / "rows" / copy.file_name).with_suffix(".npz").write_bytes(path.read_bytes())


def faster(forger):
    row = forger.row()
    forger.change(p50_ms=row.p50_ms / 2, p50_ratio=row.p50_ratio / 2)


def faster_everywhere(forger):
    """The latency file says the same, but its single values do not."""
    row = forger.row()
    values = {"p50_ms": row.p50_ms / 2, "p50_ratio": row.p50_ratio / 2}
    forger.latency(**values)
    for path in row_paths(forger.board):
        forger.write(dataclasses.replace(parsed(path), **values))


def changed(**fields):
    def forge(forger):
        row = forger.row()
        forger.change(**{name: value(row) if callable(value) else value for name, value in fields.items()})

    return forge


FORGERIES = {
    "a higher score": (higher, "score"),
    "a narrower interval": (narrower, "score_low"),
    "a better calibration": (changed(scores=lambda row: {**row.scores, "ece": 0.0}), "scores.ece"),
    "a score that the task lacks": (changed(scores=lambda row: {**row.scores, "success": 1.0}), "scores.success"),
    "another metric": (another_metric, "metric"),
    "more test examples": (changed(test_size=lambda row: row.test_size + 100), "test_size"),
    "more groups": (changed(groups=lambda row: row.groups + 1), "groups"),
    "a better worst group": (
        changed(worst_group_score=lambda row: row.worst_group_high, worst_group_low=lambda row: row.worst_group_high),
        "worst_group_score",
    ),
    "another worst group": (changed(worst_group="anna"), "worst_group"),
    "no groups": (without_groups, "targets"),
    "targets as predicted": (own_targets, "targets"),
    "easy examples alone": (easy_examples, "test_size"),
    "draws without an error": (certain, "draws"),
    "predictions that are all right": (right_predictions, "score"),
    "a larger transfer gain": (changed(transfer_gain=lambda row: row.transfer_gain + 0.01), "transfer_gain"),
    "more of the gap closed": (changed(gap_closed=lambda row: (row.gap_closed or 0) + 0.1), "gap_closed"),
    "a poorer baseline": (poorer_scratch, "score"),
    "nothing forgotten": (changed(forgetting_head=0.0), "forgetting_head"),
    "forgetting left out": (changed(forgetting_head=None), "forgetting_head"),
    "a worse source model": (worse_source, "score_matrix[0]"),
    "a worse probe": (worse_probe, "probe_before"),
    "less access": (changed(access=()), "access"),
    "a baseline": (changed(baseline=True), "baseline"),
    "another selection rule": (changed(selection="last-but-one"), "selection"),
    "other options": (changed(strategy_options=lambda row: {**row.strategy_options, "steps": 1}), "key"),
    "fewer labels": (changed(label_budget=lambda row: row.label_budget - 1), "key"),
    "other data": (changed(data_sha256="0" * 32), "data_sha256"),
    "predictions that vary more": (
        changed(most_common_share=lambda row: row.most_common_share - 0.05),
        "most_common_share",
    ),
    "no copies of training examples": (changed(test_copies=lambda row: row.test_copies + 1), "test_copies"),
    "closer domains": (changed(a_distance=0.0), "a_distance"),
    "a second run of one seed": (second_run, "key"),
    "a lower latency": (faster, "p50_ms"),
    "a lower latency in both files": (faster_everywhere, "p50_ms"),
}


def test_the_board_of_a_run_is_verified_as_a_whole(published, speakers):
    report = verify_board(published, speakers)
    assert (report.problems, report.unverified, report.status) == ([], {}, 0)
    assert report.counts() == {"verified": 4, "without_predictions": 0, "not_verifiable": 0, "wrong": 0}


@pytest.mark.parametrize("lie", FORGERIES)
def test_a_forgery_is_found_by_its_field(forger, speakers, lie):
    forge, field = FORGERIES[lie]
    forge(forger)
    report = verify_board(forger.board, speakers)
    assert report.status == 1
    rows = [problem for problem in report.problems if problem.file.startswith("rows/")]
    assert field in {problem.field for problem in rows}
    everywhere = lie == "a lower latency in both files"
    liar = "scratch" if lie == "a poorer baseline" else "finetune"
    assert {problem.file.split("--")[2] for problem in rows} == {liar} or everywhere
    assert all(str(problem).isprintable() and "\n" not in str(problem) for problem in report.problems)
