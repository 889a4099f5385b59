"""Flags of entries: each by its rule, shown in every format of a board."""

from __future__ import annotations

import csv
import io
import json

import pytest

from tlbench.leaderboard.aggregate import aggregate
from tlbench.leaderboard.flags import FLAGS
from tlbench.leaderboard.render import render

BASELINES = {"constant": ("target-labels",), "source-only": (), "scratch": ("target-labels",)}


@pytest.fixture
def entries(row):
    """Return the entries of strategies with these scores, a score a seed; baselines are known by their names."""

    def make(scores, **changes):
        rows = []
        for name, values in scores.items():
            access = {**BASELINES, "all-labels": ("target-all-labels",)}.get(name)
            known = {"baseline": True, "access": access} if access is not None else {}
            changed = {**known, **changes.get(name.replace("-", "_"), {})}
            rows += [row(name, seed, score, **near(score), **changed) for seed, score in enumerate(values)]
        return {entry.first.strategy: dict(entry.flags) for entry in aggregate(rows)}

    return make


def near(score):
    return {"score_low": score - 1e-3, "score_high": score + 1e-3}


def flags_of(entries, name="a", scores=(0.8, 0.81, 0.82), **changes):
    return entries({name: scores}, **{name.replace("-", "_"): changes})[name]


def test_a_plain_result_has_no_flag(entries):
    scores = {"constant": [0.3, 0.3], "source-only": [0.5, 0.51], "scratch": [0.6, 0.61], "a": [0.8, 0.81]}
    assert not any(entries({**scores, "all-labels": [0.9, 0.91]}).values())


@pytest.mark.parametrize(
    ("share", "target_share", "flagged"),
    [
        (0.96, 0.5, True),
        (0.94, 0.5, False),
        (0.985, 0.9, False),
        (0.995, 0.9, True),
        (1.0, 1.0, False),
        (1.0, 0.999, True),
    ],
)
def test_predictions_are_held_against_targets_so_that_a_skewed_task_is_no_flag(entries, share, target_share, flagged):
    flags = flags_of(entries, most_common_share=share, most_common_target_share=target_share)
    assert ("constant-predictions" in flags) is flagged


def test_numbers_are_nearly_constant_by_their_spread(entries):
    assert "constant-predictions" not in flags_of(entries, prediction_spread=0.2)
    sentence = flags_of(entries, prediction_spread=0.03)["constant-predictions"]
    assert "vary by 3.0% of what the targets do; 3 of 3 runs" in sentence


def test_the_constant_baseline_is_constant_by_itself(entries):
    assert flags_of(entries, "constant", baseline=True, most_common_share=1.0, most_common_target_share=0.5) == {}


def test_not_above_constant_says_whether_below_or_undecided(entries):
    found = entries({"constant": [0.5, 0.5, 0.5], "a": [0.4, 0.41, 0.4], "b": [0.45, 0.7, 0.5], "c": [0.8, 0.8, 0.81]})
    assert found["a"]["not-above-constant"].startswith("Not above the constant baseline (-0.097 ± ")
    assert found["b"]["not-above-constant"].startswith("Not significantly above the constant baseline (+0.050 ± ")
    assert "not-above-constant" not in found["c"]


def test_below_a_baseline_is_a_flag_if_it_is_significant(entries):
    scores = {"source-only": [0.6, 0.6, 0.6], "scratch": [0.5, 0.5, 0.5]}
    found = entries({**scores, "low": [0.4, 0.4, 0.41], "between": [0.55, 0.55, 0.56], "noisy": [0.4, 0.7, 0.55]})
    assert found["low"]["below-source-only"].startswith("Below source-only (-0.197 ± ")
    assert found["low"]["below-scratch"].startswith("Below training from scratch (-0.097 ± ")
    assert set(found["between"]) == {"below-source-only"}
    assert found["noisy"] == found["scratch"] == {}


def test_with_one_seed_the_sign_decides_and_the_sentence_says_so(entries):
    found = entries({"source-only": [0.6], "a": [0.5], "b": [0.7]})
    assert "-0.100 with one common seed" in found["a"]["below-source-only"]
    assert found["b"] == {}


def test_a_baseline_of_another_budget_or_version_is_no_yardstick(entries):
    other = {"label_budget": 3, "budget_rule": "1/class"}
    scores = {"scratch": [0.9, 0.9], "source-only": [0.9, 0.9], "a": [0.1, 0.1]}
    assert entries(scores, scratch=other, source_only={"commit": "b" * 40})["a"] == {}


def test_all_labels_below_fewer_labels_names_who_is_above(entries):
    found = entries({"all-labels": [0.5, 0.5, 0.5], "a": [0.6, 0.6, 0.61], "b": [0.4, 0.4, 0.4], "c": [0.4, 0.7, 0.5]})
    assert found["all-labels"]["all-labels-beaten"].startswith("Below a with fewer labels")


@pytest.mark.parametrize(
    ("name", "changes", "words"),
    [
        ("few-test-examples", {"test_size": 49}, "Only 49 test examples"),
        ("few-groups", {"groups": 4}, "over only 4 groups"),
        ("test-copies", {"test_size": 369, "test_copies": 35}, "35 of 369 test examples are equal"),
        (
            "test-copies",
            {"test_size": 369, "test_copies": 3, "test_near_copies": 35},
            "35 of 369 test examples are nearly",
        ),
        (
            "source-test-copies",
            {"source_test_size": 369, "source_test_copies": 35, "forgetting_head": 0.1},
            "Source: 35 of 369 test examples",
        ),
        ("partial-checkpoint", {"weights_loaded": 3, "weights_expected": 5}, "Only 3 of 5 weights"),
        ("contended-latency", {"contended": True}, "upper bound"),
    ],
)
def test_flags_of_a_result_alone(entries, name, changes, words):
    flags = flags_of(entries, **changes)
    assert set(flags) == {name}
    assert words in flags[name]


@pytest.mark.parametrize(
    "changes",
    [
        {"test_size": 50},
        {"groups": 10},
        {"test_size": 1000, "test_copies": 9, "test_near_copies": 9},
        {"test_size": 369, "test_near_copies": 35, "task_options": {"group": "patient"}},
        {"test_copies": 35, "access": ("source",)},
        {"source_test_size": 369, "source_test_copies": 35},
        {"weights_loaded": 5, "weights_expected": 5},
        {"most_common_share": 0.9},
    ],
)
def test_what_is_well_has_no_flag(entries, changes):
    assert flags_of(entries, **changes) == {}


def test_unequal_steps_of_a_strategy_and_scratch_are_named(entries):
    scores = {"scratch": [0.3, 0.3], "a": [0.8, 0.8], "b": [0.8, 0.8], "frozen": [0.8, 0.8]}
    taken = {name: {"strategy_options": {"steps": steps}} for name, steps in (("scratch", 250), ("a", 120), ("b", 250))}
    found = entries(scores, **taken, frozen={"strategy_options": {}})
    assert found["a"]["unequal-steps"].startswith("Trained for 120 steps, and scratch for 250")
    assert found["b"] == found["frozen"] == found["scratch"] == {}


def test_what_tuning_promised_stands_beside_what_was_achieved(entries):
    ledger = {"trials": 20, "folds": 5, "labels": 100, "seconds": 60.0, "expected": 0.9}
    said = flags_of(entries, tuning=ledger)["tuned"]
    assert said.startswith(
        "Tuned: the best of 20 settings on 5 folds of the label budget; expected 0.900, achieved 0.810"
    )
    assert "tuned" not in flags_of(entries, tuning={"odd": 1.0})


def test_failed_seeds_are_counted_by_strategy(row):
    lost = [row("a", seed, None, status="failed", stage="adapt", reason="It broke.") for seed in (1, 2)]
    lost += [row("b", 1, None, status="failed", reason="Otherwise."), row("a", 3, None, status="skipped")]
    (entry,) = aggregate([row("a", 0, 0.5), *lost])
    assert dict(entry.flags)["failed-runs"].startswith("2 of 3 runs failed")


def test_every_format_shows_flags_once_for_all_that_have_them(row, tmp_path):
    rows = [row(name, 0, 0.5, test_size=20, contended=name == "a_b") for name in ("a_b", "c")]
    render(tmp_path, rows)
    few, busy = ("Only 20 test examples: only large differences can be seen.", "The machine was busy")
    page, latex = ((tmp_path / f"toy.{ending}").read_text() for ending in ("md", "tex"))
    assert f"- Flag, all results: {few}" in page
    assert f"- Flag, a\\_b: {busy}" in page
    assert f"Flag, all results: {few}\\par" in latex
    assert f"Flag, a\\_b: {busy}" in latex
    records = json.loads((tmp_path / "leaderboard.json").read_text())
    assert {record["strategy"]: set(record["flags"]) for record in records} == {
        "a_b": {"few-test-examples", "contended-latency"},
        "c": {"few-test-examples"},
    }
    table = {line["strategy"]: line for line in csv.DictReader(io.StringIO((tmp_path / "toy.csv").read_text()))}
    assert table["c"]["flags.few-test-examples"] == few
    assert table["c"]["flags.contended-latency"] == ""


def test_the_page_on_boards_has_the_rule_of_every_flag(request):
    text = (request.config.rootpath / "docs" / "boards.md").read_text()
    assert [name for name in FLAGS if f"`{name}`" not in text] == []
