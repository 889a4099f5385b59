"""Boards of several label budgets."""

from __future__ import annotations

import pytest
from test_pictures import texts

from tlbench.leaderboard.aggregate import aggregate, sweeps, without_score
from tlbench.leaderboard.render import render
from tlbench.leaderboard.wording import task_facts

BUDGETS = (("1/class", 3, 0.4), ("5/class", 15, 0.6), ("all", 300, 0.8))


@pytest.fixture
def swept(row):
    """Two strategies and scratch with three budgets, two seeds each; the other baselines have none."""
    found = [
        row(name, seed, score + seed / 50, label_budget=size, budget_rule=rule, baseline=name == "scratch")
        for name in ("finetune", "frozen", "scratch")
        for rule, size, score in BUDGETS
        for seed in range(2)
    ]
    bounds = (("source-only", 0.3, ()), ("all-labels", 0.9, ("target-all-labels",)))
    found += [
        row(name, seed, score, access=access, baseline=True) for name, score, access in bounds for seed in range(2)
    ]
    return found


def test_entries_of_one_strategy_that_differ_in_the_budget_alone_make_a_curve(swept, row):
    other = row("frozen", 0, 0.5, strategy_options={"steps": 7}, label_budget=3, budget_rule="1/class")
    curves = {group[0].first.strategy: group for group in sweeps(aggregate([*swept, other]))}
    assert set(curves) == {"finetune", "frozen", "scratch"}
    assert [entry.first.label_budget for entry in curves["frozen"]] == [3, 15, 300]
    assert sweeps(aggregate(swept[:2])) == []


def test_a_budget_a_class_is_one_entry_however_many_labels_each_seed_drew(row):
    rows = [row("finetune", seed, 0.5, label_budget=9 + seed, budget_rule="3/class") for seed in range(2)]
    (entry,) = aggregate(rows)
    assert entry.mean("label_budget") == 9.5


def test_entries_of_different_budgets_are_not_ranked_together(swept):
    contests = {}
    for entry in aggregate(swept):
        contests.setdefault(entry.contest, set()).add(entry.first.strategy)
    assert [names for names in contests.values() if "finetune" in names] == [{"finetune", "frozen"}] * 3


def test_a_budget_of_more_than_there_is_stands_among_the_numbers(row):
    asked = {"": 50, "999": 240, "1/class": 3, "all": 240}
    rows = [row("finetune", 0, 0.5, label_budget=size, budget_rule=rule) for rule, size in asked.items()]
    assert "label budget 50 or 999 or 1/class or all labels" in task_facts(aggregate(rows))


def test_budgets_are_told_in_order(swept, row):
    assert "label budget 1/class or 5/class or all labels" in task_facts(aggregate(swept))
    skipped = row("adabn", 0, None, status="skipped", label_budget=None, budget_rule="5/class", reason="No.")
    assert "label budget 5/class" in task_facts(without_score([skipped]))


def test_a_board_of_several_budgets_shows_scores_over_labels(swept, tmp_path):
    render(tmp_path, swept, plots=True)
    written = texts(tmp_path / "plots" / "toy-labels.svg")
    assert written >= {"blobs", "label budget, target labels", "3", "15", "300", "source-only", "all-labels", "scratch"}
    assert {"frozen", "finetune", "access: target labels"} <= written
    assert "plots/toy-labels.svg" in (tmp_path / "toy.md").read_text()


def test_a_board_of_one_budget_has_no_such_picture(swept, tmp_path):
    render(tmp_path, [one for one in swept if one.budget_rule in ("", "all")], plots=True)
    assert not (tmp_path / "plots" / "toy-labels.svg").exists()


def test_backbones_of_one_task_have_a_panel_each_and_a_missing_interval_no_band(swept, row, tmp_path):
    other = [
        row("frozen", 0, score, backbone="toy/other", label_budget=size, budget_rule=rule, score_low=None)
        for rule, size, score in BUDGETS
    ]
    render(tmp_path, [*swept, *other], plots=True)
    assert texts(tmp_path / "plots" / "toy-labels.svg") >= {"blobs", "toy/mlp", "toy/other"}
