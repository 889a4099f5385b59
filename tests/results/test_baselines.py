"""What a score says beside those of the baselines of the same question."""

from __future__ import annotations

import dataclasses

import pytest
from support import only, plan_only

from tlbench.planning.catalog import load_catalog
from tlbench.results.baselines import UNVARIED, with_baselines
from tlbench.results.row import Row

ACCESS = {"source-only": (), "all-labels": ("target-all-labels",)}


@pytest.fixture
def row(blobs, settings):
    """Make an ok row of a strategy; baselines are those of the plugin."""

    def make(strategy: str, score: float, **changes) -> Row:
        fields = {
            **blobs.row_fields(settings),
            "strategy": strategy,
            "access": ACCESS.get(strategy, ("target-labels",)),
            "baseline": strategy in ("source-only", "scratch", "all-labels"),
        }
        interval = {"score_low": score - 0.02, "score_high": score + 0.02}
        return Row(**{**fields, "status": "ok", "score": score, **interval, **changes})

    return make


@pytest.fixture
def baselines(row):
    return [row("source-only", 0.4), row("scratch", 0.5), row("all-labels", 0.9)]


def compared(row, baselines):
    """Return the last of the rows with what it says beside the baselines."""
    return with_baselines([*baselines, row])[-1]


def test_gain_and_gap_closed_are_read_against_the_baselines_of_the_seed(row, baselines):
    finetune = compared(row("finetune", 0.8), baselines)
    assert finetune.transfer_gain == pytest.approx(0.3)
    assert finetune.negative_transfer is False
    assert finetune.gap_closed == pytest.approx(0.8)


OTHERS = {
    "task": "toy/other",
    "task_options": {"noise": 3.0},
    "files": "abc",
    "backbone": "toy/other",
    "backbone_options": {"width": 16},
    "weights_sha256": "abc",
    "source_mode": "probe",
    "source_options": {"steps": 7},
    "seed": 1,
    "metric": "macro-f1",
    "machine": "another",
    "device": "cuda",
    "threads": 2,
}


@pytest.mark.parametrize("field", OTHERS)
def test_a_row_of_another_question_has_no_baseline_here(row, baselines, field):
    other = compared(row("finetune", 0.8, **{field: OTHERS[field]}), baselines)
    assert (other.transfer_gain, other.negative_transfer, other.gap_closed) == (None, None, None)


def test_each_row_has_the_baselines_of_its_own_options(row, baselines):
    """In one plan with `task.noise` 0.5 and 3, each `scratch` gains nothing over itself."""
    noisy = {"task_options": {"noise": 3.0}}
    rows = [*baselines, row("scratch", 0.3, **noisy), row("finetune", 0.8), row("finetune", 0.4, **noisy)]
    gains = [(one.strategy, one.transfer_gain) for one in with_baselines(rows) if one.strategy != "source-only"]
    assert gains == [
        ("scratch", 0.0),
        ("all-labels", pytest.approx(0.4)),
        ("scratch", 0.0),
        ("finetune", pytest.approx(0.3)),
        ("finetune", pytest.approx(0.1)),
    ]


def test_two_requests_with_other_data_in_one_plan_are_compared_apart(catalog, settings):
    rows = [
        Row(**pairing.row_fields(settings), status="ok", score=0.9 - noise / 10 + 0.1 * (not pairing.strategy.baseline))
        for noise in (0.5, 3.0)
        for pairing in plan_only(catalog, settings, tasks=["toy/blobs"], overrides={"task.noise": noise}).pairings
    ]
    found = with_baselines(rows)
    assert {one.transfer_gain for one in found if one.strategy == "scratch"} == {0.0}
    assert [one.transfer_gain for one in found if one.strategy == "finetune"] == [pytest.approx(0.1)] * 2


def test_scratch_has_the_label_budget_as_it_was_requested(row, baselines):
    few = row("scratch", 0.2, label_budget=6, budget_rule="2/class")
    finetune = row("finetune", 0.8, label_budget=6, budget_rule="2/class")
    without_labels = row("adabn", 0.7, access=("target-inputs",), label_budget=None, budget_rule="2/class")
    found = with_baselines([*baselines, few, finetune, without_labels])
    assert only(found, strategy="finetune").transfer_gain == pytest.approx(0.6)
    assert only(found, strategy="adabn").transfer_gain == pytest.approx(0.5)
    assert only(found, strategy="finetune").gap_closed == pytest.approx(0.8)


def test_several_baselines_with_other_options_are_none_but_to_themselves(row, baselines):
    finetune = row("finetune", 0.8, strategy_options={"steps": 9})
    found = with_baselines([*baselines, row("scratch", 0.6, strategy_options={"steps": 7}), finetune])
    assert [one.transfer_gain for one in found if one.strategy == "scratch"] == [0.0, 0.0]
    assert only(found, strategy="finetune").transfer_gain is None
    assert only(found, strategy="finetune").gap_closed == pytest.approx(0.8)


def test_of_several_scratch_the_one_with_as_many_steps_counts(row, baselines):
    rows = [*baselines, row("scratch", 0.6, strategy_options={"steps": 7})]
    rows += [row(f"after-{steps}", 0.8, strategy_options={"steps": steps}) for steps in (7, 9)]
    gains = {one.strategy: one.transfer_gain for one in with_baselines(rows)}
    assert (gains["after-7"], gains["after-9"]) == (pytest.approx(0.2), None)


def test_a_score_above_all_labels_closes_no_gap(row, baselines):
    assert compared(row("finetune", 0.91), baselines).gap_closed is None
    assert compared(row("finetune", 0.9), baselines).gap_closed == pytest.approx(1)
    assert compared(row("finetune", 0.3), baselines).gap_closed == pytest.approx(-0.2)


def test_all_labels_below_source_only_are_no_upper_bound(row, baselines):
    baselines[2] = row("all-labels", 0.2)
    assert compared(row("finetune", 0.1), baselines).gap_closed is None


def test_a_gap_that_may_be_zero_is_not_divided_by(row, baselines):
    baselines[2] = dataclasses.replace(baselines[2], score=0.43, score_low=0.41, score_high=0.45)
    finetune = compared(row("finetune", 0.45), baselines)
    assert finetune.gap_closed is None
    assert finetune.negative_transfer is True


def test_a_failed_baseline_is_none(row, baselines):
    baselines[1] = dataclasses.replace(baselines[1], status="failed", score=None)
    assert compared(row("finetune", 0.8), baselines).transfer_gain is None


def test_a_row_without_a_score_has_no_gain(row, baselines):
    failed = row("finetune", 0.8, status="failed")
    failed = dataclasses.replace(failed, score=None)
    assert compared(failed, baselines) == failed


def test_baselines_that_no_augmentation_changes_are_those_that_declare_it():
    declared = {spec.name for spec in load_catalog().strategies.values() if spec.baseline and not spec.augments}
    assert set(UNVARIED) == declared
