from __future__ import annotations

import json

import pytest

from tlbench.leaderboard.aggregate import aggregate
from tlbench.leaderboard.render import render
from tlbench.leaderboard.wording import task_facts

OLD = {"commit": "a" * 40, "dirty": False, "versions": {"torch": "2.10.0", "numpy": "2.4.6"}}
NEW = {"commit": "b" * 40, "dirty": False, "versions": {"torch": "2.11.0", "numpy": "2.4.6"}}


@pytest.fixture
def seeds(row):
    """Make rows of a strategy for several seeds, in each of which it scores alike."""

    def make(strategy, score, numbers, **changes):
        return [row(strategy, seed, score, **changes) for seed in numbers]

    return make


@pytest.mark.parametrize(
    "other",
    [
        {**OLD, "commit": NEW["commit"]},
        {**OLD, "commit": None},
        {**OLD, "dirty": True},
        {**OLD, "versions": NEW["versions"]},
        {**OLD, "versions": {"torch": "2.10.0"}},
        {**OLD, "plugins": {"strategy": "mine (mine.py 0123)"}},
    ],
)
def test_seeds_of_another_commit_or_library_set_are_another_entry_that_says_so(seeds, other):
    entries = aggregate([*seeds("finetune", 0.5, range(3), **OLD), *seeds("finetune", 0.9, range(3, 5), **other)])
    assert sorted((len(entry.rows), entry.mean("score")) for entry in entries) == [(2, pytest.approx(0.9)), (3, 0.5)]
    assert len({entry.strategy for entry in entries}) == 2


def test_seeds_of_choices_and_fresh_ones_are_not_averaged_and_the_page_says_so(seeds, tmp_path):
    rows = [*seeds("finetune", 0.5, range(3), **OLD), *seeds("finetune", 0.9, range(1000, 1002), **OLD)]
    entries = aggregate(rows)
    assert {entry.strategy: len(entry.rows) for entry in entries} == {
        "finetune (seeds below 1000)": 3,
        "finetune (seeds from 1000)": 2,
    }
    assert {entry.rank for entry in entries} == {None}
    render(tmp_path, rows)
    page = (tmp_path / "toy.md").read_text()
    assert "come from 2 versions of the code, its libraries, the data or the seeds, which are neither averaged" in page
    assert "seeds below 1000; seeds from 1000." in page


def test_the_page_names_the_versions_and_what_differs(seeds, tmp_path):
    rows = [*seeds("finetune", 0.5, (0, 1), **OLD), *seeds("finetune", 0.9, (0, 1), **NEW)]
    render(tmp_path, rows)
    page = (tmp_path / "toy.md").read_text()
    assert "| finetune (commit aaaaaaa, libraries " in page
    assert "| finetune (commit bbbbbbb, libraries " in page
    assert "- Results on toy/mlp come from 2 versions of the code, its libraries or the data, which are" in page
    assert "(torch 2.10.0); commit bbbbbbb, libraries " in page
    assert "Results on toy/mlp come from 2 versions" in (tmp_path / "toy.tex").read_text()
    assert len(json.loads((tmp_path / "leaderboard.json").read_text())) == 2


def test_versions_are_not_ranked_together(seeds):
    rows = []
    for made, better in ((OLD, 0.1), (NEW, 0.3)):
        rows += [*seeds("a", 0.5 + better, range(3), **made), *seeds("b", 0.6 + better, range(3), **made)]
    assert [(entry.first.commit[0], entry.first.strategy, entry.rank) for entry in aggregate(rows)] == [
        ("a", "b", 1),
        ("a", "a", 2),
        ("b", "b", 1),
        ("b", "a", 2),
    ]


def test_a_score_is_held_against_source_only_of_its_own_version(seeds):
    bounds = {"access": (), "baseline": True}
    rows = [*seeds("source-only", 0.25, (0, 1), **bounds, **OLD), *seeds("source-only", 0.75, (0, 1), **bounds, **NEW)]
    rows += [*seeds("finetune", 0.5, (0, 1), **OLD), *seeds("finetune", 0.5, (0, 1), **NEW)]
    over = {entry.first.commit[0]: entry.over_source_only for entry in aggregate(rows) if not entry.first.baseline}
    assert over == {"a": (0.25, 0.25), "b": (-0.25, -0.25)}


def test_backbones_of_one_version_each_have_no_label_and_are_not_ranked_together(seeds, tmp_path):
    rows = [*seeds("a", 0.5, (0, 1), backbone="toy/one", **OLD), *seeds("a", 0.9, (0, 1), backbone="toy/other", **NEW)]
    assert [(entry.strategy, entry.version, entry.rank) for entry in aggregate(rows)] == [("a", "", None)] * 2
    render(tmp_path, rows)
    assert "come from 2 versions of the code" not in (tmp_path / "toy.md").read_text()


def test_failed_and_skipped_rows_are_no_version(row, seeds, tmp_path):
    render(tmp_path, [*seeds("a", 0.5, (0, 1), **OLD), row("b", 0, None, status="skipped", reason="It does not fit.")])
    assert "versions of the code" not in (tmp_path / "toy.md").read_text()


def test_uncommitted_changes_are_named(seeds, tmp_path):
    render(tmp_path, seeds("a", 0.5, (0, 1), **{**OLD, "dirty": True}))
    page = (tmp_path / "toy.md").read_text()
    assert "Results on toy/mlp from commit aaaaaaa were computed with uncommitted changes" in page


def test_a_seed_counts_once_and_the_newest_row_counts(row):
    rows = [
        row("a", 0, 0.5, key="1" * 12, created="2026-01-02T00:00:00Z"),
        row("a", 0, 0.9, key="2" * 12, created="2026-01-01T00:00:00Z"),
        row("a", 1, 0.7, key="3" * 12, created="2026-01-01T00:00:00Z"),
    ]
    with pytest.warns(UserWarning, match=rf'"{rows[1].file_name}" is left out: "{rows[0].file_name}" is newer'):
        (entry,) = aggregate(rows)
    assert [(one.seed, one.score) for one in entry.rows] == [(0, 0.5), (1, 0.7)]


@pytest.mark.parametrize("change", [{"metric": "macro-f1"}, {"access": ()}, {"test_size": 5}, {"baseline": True}])
def test_what_is_measured_otherwise_is_never_averaged(row, change):
    entries = aggregate([row("a", 0, 0.5), row("a", 1, 0.5), row("a", 2, 0.9, **change)])
    assert sorted(len(entry.rows) for entry in entries) == [1, 2]
    assert {entry.rank for entry in entries if entry.first.metric == "macro-f1"} <= {None}


def test_options_that_a_run_lacks_are_not_named_for_it(seeds):
    """With and without a source domain, one task is two settings, and only one of them has a source model's options."""
    source = {"source_options": {"steps": 75}, "task_options": {"target": "a"}, "setting": "transductive"}
    alone = {"source_options": {}, "task_options": {"target": "b"}, "setting": "target-only"}
    entries = aggregate([*seeds("finetune", 0.5, (0, 1), **source), *seeds("finetune", 0.9, (0, 1), **alone)])
    named = {entry.strategy for entry in entries}
    assert named == {"finetune (task.target=b)", "finetune (source.steps=75, task.target=a)"}
    facts = task_facts(entries)
    assert "target-only" in facts
    assert "transductive" in facts
    lone = aggregate(
        [*seeds("finetune", 0.5, (0,), source_options={}), *seeds("finetune", 0.9, (0,), source_options={"steps": 75})]
    )
    assert {entry.strategy for entry in lone} == {"finetune (without source.steps)", "finetune (source.steps=75)"}
