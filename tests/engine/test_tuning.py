"""Tuning on folds of the label budget, from the plan to the row."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from tlbench.api import tables
from tlbench.engine import tuning
from tlbench.engine.folds import check_enough, folds
from tlbench.engine.pipeline import NotComputed
from tlbench.engine.store import Store
from tlbench.engine.tuning import tuned
from tlbench.errors import NotApplicable

TUNED = {
    "tasks": ["toy/blobs"],
    "strategies": ["finetune"],
    "references": ["none"],
    "seeds": [0],
    "overrides": {"source.steps": 30, "finetune.steps": 20, "task.label_budget": "60"},
}


def test_folds_share_all_examples_with_each_class_in_proportion():
    strata = np.repeat([0, 1], [40, 20])
    found = list(folds(strata, None, 7))
    assert sorted(np.concatenate(found)) == list(range(60))
    assert [(strata[held] == 1).sum() for held in found] == [4] * 5
    assert not all(np.array_equal(a, b) for a, b in zip(found, folds(strata, None, 8), strict=True))


def test_a_group_is_in_one_fold():
    groups = np.array([f"g{number % 12}" for number in range(60)])
    for held in folds(np.arange(60) % 2, groups, 0):
        assert not set(groups[held]) & set(np.delete(groups, held))


@pytest.mark.parametrize(("strata", "number"), [([0] * 5 + [1] * 3, 3), ([0, 1, 2, 3], 2), ([0] * 9, 5)])
def test_few_examples_make_fewer_folds(strata, number):
    assert len(list(folds(np.array(strata), None, 0))) == number


def test_groups_of_classes_that_occur_once_are_folds_too():
    every = list(folds(np.arange(12), np.repeat(np.arange(4), 3), 0))
    assert [len(held) for held in every] == [3] * 4


def test_one_label_is_skipped_with_advice(run_pairings, catalog):
    one = {"source.steps": 30, "finetune.steps": 20, "task.label_budget": "1", "finetune.few_labels": True}
    (row,) = run_pairings(catalog, **{**TUNED, "overrides": one}, tune=2).rows
    assert (row.status, "Tuning needs two labelled examples" in row.reason) == ("skipped", True)


def test_numbers_have_no_classes_that_are_too_small():
    with pytest.raises(NotApplicable, match=r"Too few labels to tune by: 40; 50 are needed\."):
        check_enough(np.zeros(40))


@pytest.mark.parametrize("strata", [np.repeat([0, 1], [24, 25]), np.repeat([0, 1], [100, 4])])
def test_too_few_labels_are_refused_with_advice(strata):
    with pytest.raises(NotApplicable, match=r"Too few labels to tune by.*few_labels=true"):
        check_enough(strata)
    check_enough(np.repeat([0, 1], [45, 5]))


def test_the_row_says_what_was_spent_and_found(run_pairings, catalog):
    (row,) = run_pairings(catalog, **TUNED, tune=3).rows
    assert row.status == "ok", row.reason
    assert {name: row.tuning[name] for name in ("trials", "folds", "labels")} == {"trials": 3, "folds": 5, "labels": 60}
    assert row.tuning["expected"] >= row.tuning["expected_default"]
    assert row.tuning["seconds"] > 0
    assert row.tuned_options.keys() <= {"learning_rate"}
    assert (row.strategy_options["trials"], row.strategy_options["learning_rate"]) == (3, 1e-3)
    (again,) = run_pairings(catalog, **TUNED, tune=3).rows
    assert (again.score, again.tuned_options, again.onnx_sha256) == (row.score, row.tuned_options, row.onnx_sha256)


def test_a_run_says_what_tuning_chose_and_cost(run_pairings, catalog):
    (row,) = run_pairings(catalog, **TUNED, tune=3).rows
    (line,) = tables.tuned([row])
    chosen = "learning_rate=" if row.tuned_options else "the defaults"
    assert line.startswith(f"tuned: toy/blobs toy/mlp finetune seed 0: {chosen}")
    assert f"expected {row.tuning['expected']:.3f} ({row.tuning['expected_default']:.3f} with the defaults)" in line
    assert f"3 settings in {row.tuning['seconds']:.1f} CPU s" in line
    assert tables.tuned([dataclasses.replace(row, tuning={})]) == []


def test_one_trial_is_that_of_the_defaults(run_pairings, catalog):
    (plain,), (row,) = (run_pairings(catalog, **TUNED, tune=trials).rows for trials in (0, 1))
    assert (row.tuned_options, row.onnx_sha256) == ({}, plain.onnx_sha256)
    assert row.key != plain.key
    assert plain.tuning == {}


def test_few_labels_are_skipped_with_the_reason_unless_they_are_wanted(run_pairings, catalog):
    few = {**TUNED, "overrides": {**TUNED["overrides"], "task.label_budget": "12"}}
    (row,) = run_pairings(catalog, **few, tune=2).rows
    assert row.status == "skipped"
    assert "Too few labels to tune by: 12" in row.reason
    wanted = {**few, "overrides": {**few["overrides"], "finetune.few_labels": True}}
    (row,) = run_pairings(catalog, **wanted, tune=2).rows
    assert (row.status, row.tuning["labels"]) == ("ok", 12)


def test_a_trial_sees_no_label_of_its_fold(plan_of, catalog, settings, source_of, pairing_of):
    from tlbench.contract.task_data import Access
    from tlbench.engine.given import declared_parts, labelled_positions

    pairing = dataclasses.replace(pairing_of("toy/blobs", "finetune"))
    prepared, _ = source_of(pairing)
    positions = labelled_positions(pairing, prepared.split("target-train"), Access.TARGET_LABELS)
    (examples,) = declared_parts(pairing, prepared, without=positions[:5]).values()
    kept = prepared.split("target-train").select(positions[5:])
    assert np.array_equal(examples.inputs.columns[0], kept.inputs.columns[0])


def test_settings_that_all_diverge_fail_with_the_reason(run_pairings, catalog):
    wild = {**TUNED, "overrides": {**TUNED["overrides"], "finetune.learning_rate": 1e30}}
    (row,) = run_pairings(catalog, **wild, tune=2).rows
    assert (row.status, row.stage) == ("failed", "trial")
    assert "diverged with each of 2 settings" in row.reason


def test_a_finished_run_finds_its_trials_again(plan_of, catalog, shared_settings, run_pairings):
    run_pairings(catalog, **TUNED, tune=3)
    (pairing,) = plan_of(catalog, **TUNED, tune=3).pairings
    assert tuning.tuned is tuned
    empty = Store(root=shared_settings.cache / "nothing-here", notify=lambda event: None, computes=False)
    with pytest.raises(NotComputed):
        tuned(pairing, shared_settings, empty)
