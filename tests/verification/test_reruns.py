"""What may differ between a result and its rerun: nothing on the same processor class, little elsewhere."""

from __future__ import annotations

import dataclasses
import os

import numpy as np
import pytest

from tlbench.api.rerunning import _settings
from tlbench.results.evidence import evidence_digest
from tlbench.results.row import Row
from tlbench.verification.reruns import differences, differing_predictions, place_differences

ROW = Row(
    task="toy/blobs", domain="toy", backbone="toy/mlp", strategy="finetune", seed=0, key="a" * 12, machine="here",
    setting="inductive", access=("target-labels",), label_budget=10, budget_unit="labels", selection="last",
    status="ok", metric="accuracy", score=0.8, scores={"accuracy": 0.8, "nll": 2.0}, device="cpu", device_name="x",
    threads=1, processor_class="x86_64 avx2", versions={"torch": "2.11.0"}, commit="b" * 40, dirty=False,
    data_sha256="c" * 32,
)  # fmt: skip


def differing(path, exact, **fields):
    return differences(ROW, dataclasses.replace(ROW, **fields), path, path, exact)


def test_the_place_says_whether_bits_must_be_equal():
    assert place_differences(ROW, ROW) == []
    others = {
        "processor_class": "aarch64",
        "versions": {"torch": "2.12.0"},
        "commit": "d" * 40,
        "dirty": True,
        "accumulation_steps": 2,
        "threads": 2,
    }
    for name, value in others.items():
        assert len(place_differences(ROW, dataclasses.replace(ROW, **{name: value}))) == 1, name
    assert place_differences(dataclasses.replace(ROW, processor_class=None), ROW)
    on_gpu = dataclasses.replace(ROW, device="cuda")
    assert place_differences(on_gpu, on_gpu) == ["it ran on cuda"]


def test_the_last_bit_counts_on_one_class_of_processor_alone(tmp_path):
    close = {
        "score": np.nextafter(0.8, 1.0),
        "scores": {"accuracy": 0.8, "nll": 2.05},
        "data_sha256": "e" * 32,
        "parameters": 7,
    }
    assert differing(tmp_path / "row.json", False, **close) == []
    found = differing(tmp_path / "row.json", True, **close)
    assert [one.partition(" is ")[0] for one in found] == ["score", "scores.nll", "data_sha256"]
    far = {"score": 0.77, "scores": {"accuracy": 0.8, "nll": 2.2}}
    assert len(differing(tmp_path / "row.json", False, **far)) == 2


def test_a_value_that_the_rerun_lacks_differs_and_one_that_the_result_lacks_does_not(tmp_path):
    assert differing(tmp_path / "row.json", False, score=None)
    assert differing(tmp_path / "row.json", True, forgetting_head=0.5) == []


@pytest.mark.parametrize(
    ("one", "other", "exact", "alike"),
    [
        (np.arange(100), np.arange(100), True, True),
        (np.arange(100), np.r_[np.arange(99), 0], True, False),
        (np.arange(100), np.r_[np.arange(99), 0], False, True),
        (np.arange(100), np.r_[np.arange(90), np.zeros(10, int)], False, False),
        (np.linspace(0, 1, 50), np.linspace(0, 1, 50) + 0.001, False, True),
        (np.linspace(0, 1, 50), np.linspace(0, 1, 50) + 0.001, True, False),
        (np.linspace(0, 1, 50), np.linspace(0, 1, 50) + 0.1, False, False),
        (np.zeros(3), np.zeros(4), False, False),
        (np.array(["a", "b"]), np.array(["a", "c"]), False, False),
    ],
)
def test_predictions_agree_by_decisions_or_by_their_distance(one, other, exact, alike):
    assert (differing_predictions(one, other, exact) == "") is alike


def test_the_tolerance_of_an_error_is_a_part_of_it(tmp_path):
    row = dataclasses.replace(ROW, scores={"accuracy": 0.8, "nll": 0.001})
    for nll, alike in ((0.00104, True), (0.002, False)):
        again = dataclasses.replace(row, scores={"accuracy": 0.8, "nll": nll})
        assert (differences(row, again, tmp_path, tmp_path, exact=False) == []) is alike


@pytest.mark.parametrize(
    ("fields", "others", "exact"),
    [
        ({"test_size": 100}, {"test_size": 99}, False),
        ({"parameters": 100}, {"parameters": 99}, False),
        ({"probe_before": 0.5}, {"probe_before": 0.6}, False),
        ({"a_distance": 0.5}, {"a_distance": 0.6}, False),
        ({"worst_group_score": 0.5}, {"worst_group_score": 0.6}, False),
        ({"score_low": 0.5}, {"score_low": 0.500001}, True),
        ({"worst_group": "anna"}, {"worst_group": "bert"}, True),
        ({"strategy_code": "a"}, {"strategy_code": "b"}, True),
    ],
)
def test_every_number_that_a_rerun_computes_is_compared(tmp_path, fields, others, exact):
    row, again = (dataclasses.replace(ROW, **values) for values in (fields, others))
    (said,) = differences(row, again, tmp_path, tmp_path, exact=exact)
    assert said.startswith(next(iter(fields)))
    assert differences(ROW, again, tmp_path, tmp_path, exact=exact) == []


def test_probabilities_near_a_tie_must_decide_alike():
    one = np.full((100, 2), 0.5, np.float32)
    one[::2] += np.float32([0.45, -0.45])
    one[1::2] += np.float32([-0.01, 0.01])
    other = one.copy()
    other[1::2] = one[1::2, ::-1]
    assert differing_predictions(one, other, False) == ""
    assert differing_predictions(one, other, False, classes=True) == "50.0% of the decisions are the same"


def test_predictions_that_are_not_finite_are_not_reproduced():
    one = np.zeros(3, np.float32)
    for value in (np.nan, np.inf):
        assert differing_predictions(one, np.float32([0, 0, value]), False) == "predictions are not finite"
    huge = np.float32([3e38, 0, 0])
    assert "apart" in differing_predictions(huge, one, False)  # Its square is no float32.


def test_the_digest_of_evidence_names_numbers_and_nothing_that_each_run_measures():
    same = {"created": "2026-01-01T00:00:00+00:00", "seconds": {"adapt": 2.0}, "p50_ms": 3.0, "transfer_gain": 0.1}
    assert evidence_digest(dataclasses.replace(ROW, **same)) == evidence_digest(ROW)
    for changed in ({"score": 0.81}, {"scores": {"accuracy": 0.8}}, {"commit": "e" * 40}, {"dirty": True}):
        assert evidence_digest(dataclasses.replace(ROW, **changed)) != evidence_digest(ROW)


def test_a_result_cannot_ask_for_more_threads_than_there_are():
    assert _settings(dataclasses.replace(ROW, threads=10**6)).threads <= (os.cpu_count() or 1)
