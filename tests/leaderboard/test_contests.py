"""What is ranked together, and what is not."""

from __future__ import annotations

import dataclasses

import pytest

from tlbench.leaderboard.aggregate import aggregate
from tlbench.leaderboard.render import render

COMMIT = {"commit": "a" * 40, "dirty": False, "versions": {"torch": "2.11.0"}}


@pytest.fixture
def together(row):
    """Return whether two strategies are ranked together if the second differs in this."""

    def ranked(**changes) -> bool:
        shared = {**COMMIT, "data_sha256": "1" * 32}
        rows = [row("a", seed, 0.8, **shared) for seed in range(2)]
        rows += [row("b", seed, 0.5, **{**shared, **changes}) for seed in range(2)]
        ranks = {entry.first.strategy: entry.rank for entry in aggregate(rows)}
        assert ranks in ({"a": 1, "b": 2}, {"a": 1, "b": 1}, {"a": None, "b": None})
        return ranks["a"] is not None

    return ranked


def test_like_is_ranked_with_like(together):
    assert together()
    assert together(strategy_options={"steps": 7})
    assert together(backbone="toy/other", backbone_options={"width": 8}, data_sha256="2" * 32)
    assert together(machine="another")


@pytest.mark.parametrize(
    "changes",
    [
        {"access": ("target-inputs",)},
        {"selection": "target-validation"},
        {"label_budget": 7},
        {"budget_rule": "1/class"},
        {"augmentation": "none"},
        {"test_size": 99},
        {"data_sha256": "2" * 32},
        {"commit": "b" * 40},
        {"backbone": "toy/other", "commit": "b" * 40},
        {"backbone": "toy/other", "versions": {"torch": "2.10.0"}},
    ],
)
def test_other_rules_other_data_and_other_code_are_not(together, changes):
    assert not together(**changes)


def ranks(rows):
    return sorted((entry.first.strategy, round(entry.mean("score"), 2), entry.rank) for entry in aggregate(rows))


def test_the_best_of_several_sets_of_options_is_not_held_against_one_try(row):
    rows = [
        row("a", seed, 0.7 + steps / 100, strategy_options={"steps": steps}) for steps in (1, 9) for seed in range(2)
    ]
    rows += [row(name, seed, score) for name, score in (("b", 0.75), ("c", 0.6)) for seed in range(2)]
    assert ranks(rows) == [("a", 0.71, 2), ("a", 0.79, 1), ("b", 0.75, 1), ("c", 0.6, 2)]


@pytest.mark.parametrize("owner", ["source_options", "backbone_options"])
def test_strategies_are_ranked_on_one_model(row, owner):
    rows = [
        row(name, seed, score + steps / 10, **{owner: {"steps": steps}})
        for name, score in (("a", 0.5), ("b", 0.3))
        for steps in (1, 3)
        for seed in range(2)
    ]
    assert ranks(rows) == [("a", 0.6, 1), ("a", 0.8, 1), ("b", 0.4, 2), ("b", 0.6, 2)]


def test_recipes_of_backbones_are_no_tries(row):
    rows = [
        row(name, seed, score, backbone=backbone, strategy_options={"steps": steps})
        for name, score in (("a", 0.8), ("b", 0.5))
        for backbone, steps in (("toy/one", 1), ("toy/other", 9))
        for seed in range(2)
    ]
    assert {(entry.first.strategy, entry.rank) for entry in aggregate(rows)} == {("a", 1), ("b", 3)}


def test_seeds_of_other_data_are_another_entry_that_says_so(row, tmp_path):
    rows = [row("a", seed, 0.5, **COMMIT, data_sha256=str(seed // 2) * 32) for seed in range(4)]
    assert [(entry.strategy, len(entry.rows)) for entry in aggregate(rows)] == [
        ("a (data 000000)", 2),
        ("a (data 111111)", 2),
    ]
    render(tmp_path, rows)
    assert "2 versions of the code, its libraries or the data" in (tmp_path / "toy.md").read_text()


def test_without_a_source_each_seed_prepares_data_of_its_own(row):
    rows = [row("a", seed, 0.5, setting="target-only", data_sha256=str(seed) * 32) for seed in range(3)]
    assert [len(entry.rows) for entry in aggregate(rows)] == [3]


def test_options_that_make_other_data_are_no_version_of_the_data(row):
    rows = [row("a", 0, 0.5, task_options={"shift": shift}, data_sha256=str(shift) * 32) for shift in (1, 2)]
    assert [entry.strategy for entry in aggregate(rows)] == ["a (task.shift=1)", "a (task.shift=2)"]


def test_a_score_is_held_against_source_only_of_its_own_data(row):
    rows = [
        row(name, 0, score + gain, data_sha256=data * 32, **known)
        for data, gain in (("1", 0.0), ("2", 0.3))
        for name, score, known in (("a", 0.5, {}), ("source-only", 0.4, {"access": (), "baseline": True}))
    ]
    over = [entry.over_source_only for entry in aggregate(rows) if not entry.first.baseline]
    assert over == [(pytest.approx(0.1),)] * 2


def test_the_page_says_that_backbones_of_other_versions_are_not_ranked_together(row, tmp_path):
    rows = [row("a", seed, 0.5, **COMMIT) for seed in range(2)]
    rows += [row("a", seed, 0.5, **{**COMMIT, "commit": "b" * 40}, backbone="toy/other") for seed in range(2)]
    render(tmp_path, rows)
    assert "Results on different backbones come from different versions" in (tmp_path / "toy.md").read_text()


def test_results_of_several_strengths_are_told_apart_and_have_their_own_baselines(row):
    """They are never averaged; source-only and the like, which train on no batches, are those of all of them."""
    scores = {"none": 0.6, "weak": 0.7}
    rows = [row("a", seed, score, augmentation=name) for name, score in scores.items() for seed in range(2)]
    rows += [
        row("scratch", seed, score - 0.2, augmentation=name, baseline=True)
        for name, score in scores.items()
        for seed in range(2)
    ]
    rows += [row("source-only", seed, 0.3, augmentation="weak", baseline=True, access=()) for seed in range(2)]
    entries = {entry.strategy: entry for entry in aggregate(rows)}
    assert {name for name in entries if name.startswith("a")} == {"a (augmentation=none)", "a (augmentation=weak)"}
    for entry in entries.values():
        if entry.first.strategy == "a":
            assert entry.mean("score") == scores[entry.first.augmentation]
            assert entry.mean("transfer_gain") == pytest.approx(0.2)
            assert len(entry.over_source_only) == 2
    older = [dataclasses.replace(one, augmentation=None, commit="b" * 40) for one in rows if one.strategy == "a"][:2]
    assert "None" not in " ".join(entry.strategy for entry in aggregate([*rows[:2], *older]))
