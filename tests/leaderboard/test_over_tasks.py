"""Strategies over tasks: who is compared with whom, and what a board says of it."""

from __future__ import annotations

import dataclasses
import json

import pytest

from tlbench.leaderboard.aggregate import aggregate
from tlbench.leaderboard.over_tasks import compare, neighbours
from tlbench.leaderboard.render import render

TASKS = ("toy/one", "toy/two", "toy/three")
BASELINES = {"constant": (0.2, ("target-labels",)), "all-labels": (1.0, ("target-all-labels",))}


@pytest.fixture
def board(row):
    """Make rows of three tasks and three seeds: baselines, and the strategies with their scores."""

    def make(tasks=TASKS, seeds=3, **scores):
        known = {name: {"baseline": True, "access": access} for name, (_, access) in BASELINES.items()}
        every = {**{name: score for name, (score, _) in BASELINES.items()}, **scores}
        return [
            row(name, seed, score + seed / 1000, task=task, **known.get(name, {}))
            for task in tasks
            for name, score in every.items()
            for seed in range(seeds)
        ]

    return make


def compared(rows):
    """Return the comparison that strategy `a` is in."""
    (found,) = [
        one for one in compare(aggregate(rows), rows) if any(s.strategy.split()[0] == "a" for s in one.standings)
    ]
    return found


def standings(rows):
    return {one.strategy: one for one in compared(rows).standings}


def test_strategies_and_baselines_of_one_access_are_compared(board):
    found = compared(board(a=0.8, b=0.4))
    assert [one.strategy for one in found.standings] == ["a", "b", "constant"]
    assert [one.place for one in found.standings] == [1, 2, 3]
    assert [one.mean_rank.value for one in found.standings] == [1, 2, 3]
    # (0.8 - 0.2) / (1.0 - 0.2): seeds move scores and both ends alike.
    assert found.standings[0].iqm.value == pytest.approx(0.75, abs=1e-3)
    assert found.standings[2].iqm.value == pytest.approx(0, abs=1e-3)
    assert found.improvement["a"]["b"].value == 1
    assert (len(found.tasks), found.runs) == (3, 9)


def test_each_task_s_own_augmentation_is_one_comparison_and_several_are_several(board):
    """As label budgets: tasks of images are varied by default, others are not."""
    rows = board(a=0.8, b=0.4)
    own = [dataclasses.replace(one, augmentation="none" if one.task == TASKS[0] else "weak") for one in rows]
    assert compared(own).variant == ""
    assert len(compared(own).tasks) == 3
    strong = [dataclasses.replace(one, augmentation="strong") for one in rows if not one.baseline]
    found = compare(aggregate([*rows, *strong]), [*rows, *strong])
    assert [one.variant for one in found if one.standings[0].strategy == "a"] == [
        "augmentation=strong",
        "augmentation=weak",
    ]


def test_one_task_is_no_comparison(board):
    rows = board(tasks=TASKS[:1], a=0.8)
    assert compare(aggregate(rows), rows) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"access": ("target-inputs",)},
        {"selection": "target-validation"},
        {"budget_rule": "1/class"},
        {"commit": "b" * 40},
    ],
)
def test_what_is_not_ranked_together_is_not_compared(board, row, changes):
    rows = board(a=0.8)
    rows += [row("b", seed, 0.5, task=task, **changes) for task in TASKS for seed in range(3)]
    groups = [{one.strategy for one in found.standings} for found in compare(aggregate(rows), rows)]
    assert [names for names in groups if {"a", "b"} <= names] == []
    assert {"a", "constant"} in groups
    assert {"b"} in groups


def test_sets_of_options_of_one_strategy_are_compared_among_themselves(board, row):
    rows = board(b=0.5)
    rows += [
        row("a", seed, 0.5 + steps / 10, task=task, strategy_options={"steps": steps})
        for task in TASKS
        for steps in (1, 2)
        for seed in range(3)
    ]
    found = compared(rows)
    assert (found.tuning, [one.strategy for one in found.standings]) == ("a", ["a (steps=2)", "a (steps=1)"])


def test_models_with_other_options_or_on_another_machine_are_no_further_tasks(board):
    rows = board(a=0.8, b=0.4)
    other = [dataclasses.replace(row, machine="another") for row in rows]
    found = [one for one in compare(aggregate([*rows, *other]), rows) if len(one.standings) == 3]
    assert [len(one.tasks) for one in found] == [3, 3]
    assert {one.variant for one in found} == {"machine=another", f"machine={rows[0].machine}"}
    changed = [dataclasses.replace(row, source_options={"steps": 7}) for row in rows]
    found = [one for one in compare(aggregate([*rows, *changed]), rows) if len(one.standings) == 3]
    assert [len(one.tasks) for one in found] == [3, 3]


def test_who_lacks_a_task_is_named_and_not_compared(board):
    rows = [row for row in board(a=0.8, b=0.4) if (row.strategy, row.task) != ("b", "toy/two")]
    found = compared(rows)
    assert [one.strategy for one in found.standings] == ["a", "constant"]
    assert found.incomplete == {"b": ("toy/two on toy/mlp",)}


def test_seeds_that_all_have_are_compared(board):
    rows = [row for row in board(a=0.8) if (row.strategy, row.task, row.seed) != ("a", "toy/two", 1)]
    assert compared(rows).runs == 3 + 2 + 3


def without(rows, row, strategy, task, seeds):
    """Return the rows with failures in place of the scores of some seeds."""
    kept = [one for one in rows if (one.strategy, one.task) != (strategy, task) or one.seed not in seeds]
    return kept + [row(strategy, seed, None, task=task, status="failed", reason="It broke.") for seed in seeds]


def test_a_failed_run_is_left_out_of_one_rank_and_last_in_the_other(board, row):
    found = standings(without(board(a=0.8, b=0.4), row, "a", "toy/two", [1]))
    assert (found["a"].failed_runs, found["b"].failed_runs) == (1, 0)
    assert (found["a"].mean_rank.value, found["b"].mean_rank.value) == (1, 2)
    # In one of three seeds of one of three tasks a is third of three, and b is first.
    assert found["a"].mean_rank_with_failed.value == pytest.approx((1 + (1 + 3 + 1) / 3 + 1) / 3)
    assert found["b"].mean_rank_with_failed.value == pytest.approx((2 + (2 + 1 + 2) / 3 + 2) / 3)


def test_who_failed_in_a_whole_task_has_only_the_rank_with_failed_runs(board, row):
    rows = without(board(a=0.8, b=0.4), row, "b", "toy/two", range(3))
    found = compared(rows)
    (lost,) = [one for one in found.standings if one.strategy == "b"]
    assert (lost.mean_rank, lost.iqm, lost.place, lost.failed_runs) == (None, None, None, 3)
    assert lost.mean_rank_with_failed.value == pytest.approx((2 + 3 + 2) / 3)
    assert found.incomplete == {"b": ("toy/two on toy/mlp",)}


def test_a_task_that_few_strategies_fit_costs_the_others_nothing(board, row):
    rows = board(a=0.8, b=0.4, c=0.3)
    rows += [row("a", seed, 0.7, task="toy/four") for seed in range(3)]
    found = compared(rows)
    assert (found.left_out, found.incomplete) == (("toy/four on toy/mlp",), {})
    assert [one.strategy for one in found.standings] == ["a", "b", "c", "constant"]


def test_a_task_with_many_strategies_of_its_own_stands_in_nobody_s_way(board, row):
    rows = board(a=0.8, b=0.4, c=0.3)
    others = [f"x{place}" for place in range(9)]
    rows += [row(name, seed, 0.5, task="toy/odd") for name in ("a", *others) for seed in range(3)]
    found = compared(rows)
    assert found.left_out == ("toy/odd on toy/mlp",)
    assert [one.strategy for one in found.standings] == ["a", "b", "c", "constant"]


def test_of_equal_numbers_of_results_more_tasks_count(board):
    rows = [row for row in board(a=0.8, b=0.4) if (row.strategy, row.task) != ("b", "toy/two")]
    found = compared(rows)
    assert (len(found.tasks), found.left_out, list(found.incomplete)) == (3, (), ["b"])


def test_a_skipped_run_is_no_failed_one(board, row):
    rows = [one for one in board(a=0.8, b=0.4) if (one.strategy, one.task) != ("b", "toy/two")]
    rows += [row("b", seed, None, task="toy/two", status="skipped", reason="No.") for seed in range(3)]
    assert "b" not in standings(rows)


def test_a_task_without_a_scale_counts_for_ranks_alone(board, row):
    rows = [one for one in board(a=0.8) if (one.strategy, one.task) != ("all-labels", "toy/two")]
    rows += [row("all-labels", s, 0.1, task="toy/two", baseline=True, access=("target-all-labels",)) for s in range(3)]
    found = compared(rows)
    assert found.unscaled == ("toy/two on toy/mlp",)
    assert found.standings[0].iqm.value == pytest.approx(0.75, abs=1e-3)
    assert len(found.tasks) == 3


def test_neighbours_that_cannot_be_told_apart_are_counted(row):
    scores = {"a": (0.8, 0.81, 0.82), "b": (0.4, 0.41, 0.42), "c": (0.39, 0.42, 0.4)}
    rows = [row(name, seed, score) for name, values in scores.items() for seed, score in enumerate(values)]
    assert neighbours(aggregate(rows)) == (1, 2)


def test_the_overview_and_its_file_hold_the_comparison(board, row, tmp_path):
    evil = "evil|<b>*name*"
    rows = without(board(**{"a": 0.8, evil: 0.4}), row, "a", "toy/two", [1])
    render(tmp_path, rows)
    page = (tmp_path / "README.md").read_text()
    section = page.partition("## Over tasks")[2]
    assert "### access: target labels; selection: last" in section
    assert "| a" in section
    assert "(baseline)" in section
    assert "evil\\|&lt;b&gt;\\*name\\*" in section
    assert "3 tasks with their backbones, 8 runs of each strategy" in section
    record = json.loads((tmp_path / "over-tasks.json").read_text())
    (found,) = [one for one in record["comparisons"] if len(one["standings"]) == 3]
    assert found["improvement"]["a"][evil] == {"value": 1.0, "low": 1.0, "high": 1.0}
    assert found["standings"][0]["failed_runs"] == 1


def test_a_board_of_one_result_has_no_such_section(row, tmp_path):
    render(tmp_path, [row("a", 0, 0.5)])
    assert "Over tasks" not in (tmp_path / "README.md").read_text()
