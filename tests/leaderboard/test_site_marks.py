"""Marks on the page, in the advice and in commands: what an audit or a rerun found stands beside the numbers."""

from __future__ import annotations

import dataclasses

import pytest

import tlbench
from tlbench.leaderboard.advice.limits import Limits, barred
from tlbench.leaderboard.advice.verdict import advise
from tlbench.leaderboard.aggregate import aggregate
from tlbench.leaderboard.site.data import site_data
from tlbench.leaderboard.site.descriptions import Descriptions
from tlbench.results.audits import Audit, write_audit
from tlbench.results.row import write_row

FOUND = "it was caught by an audit: its model depends on data that is withheld from it, or it opens files of data"
EVIL = "<img src=x onerror=alert(1)>"


@pytest.fixture
def board(row, tmp_path):
    """A board on which `cheat` scores highest and was caught, and `honest` was audited; returns its rows too."""
    rows = []
    for seed in range(3):
        for strategy, score in (("cheat", 0.9), ("honest", 0.7), ("weak", 0.5)):
            own = {"strategy_code": f"code of {strategy}", "plugins": {"strategy": f"{strategy} (mine 1)"}}
            rows.append(row(strategy, seed, score + seed / 1000, **own))
    for one in rows:
        write_row(tmp_path / "board", one)
    for strategy, outcome in (("cheat", "caught"), ("honest", "clean")):
        one = next(one for one in rows if one.strategy == strategy)
        write_audit(tmp_path / "board", audit_of(one, outcome, EVIL if outcome == "clean" else one.task))
    return tmp_path / "board", rows


def audit_of(one, outcome, task):
    return Audit(
        strategy=one.strategy,
        plugin=one.plugins["strategy"],
        code=one.strategy_code,
        task=task,
        backbone=one.backbone,
        seed=0,
        device="cpu",
        options=dict(one.strategy_options),
        access=one.access,
        outcome=outcome,
        date="2026-01-01",
        processor_class="x86_64",
    )


def test_what_was_caught_is_never_recommended(board):
    folder, rows = board
    (advice,) = advise(aggregate(rows, folder))
    (choice,) = advice.choices
    assert (choice.strategy, choice.left_out["cheat"]) == ("honest", FOUND)
    (without,) = advise(aggregate(rows))
    assert without.choices[0].strategy == "cheat"


def test_a_baseline_that_was_caught_takes_no_place(board, row):
    folder, _ = board
    own = {"strategy_code": "code of cheat", "plugins": {"strategy": "cheat (mine 1)"}}
    baseline = [row("cheat", seed, 0.9, baseline=True, **own) for seed in range(3)]
    (entry,) = aggregate(baseline, folder)
    assert barred(entry, Limits()) == FOUND


def test_the_page_leaves_it_out_with_the_same_words(board, opened):
    folder, rows = board
    shown = opened(rows, "#/choose", board=folder)
    shown.locator("details").evaluate_all("all => all.forEach((one) => { one.open = true; })")
    assert f"cheat: {FOUND}" in shown.locator("main").inner_text()
    assert shown.locator(".pick a").all_inner_texts() == ["honest"]


def test_marks_stand_in_the_table_on_the_run_and_on_the_strategy(board, opened):
    folder, rows = board
    shown = opened(rows, "#/board", board=folder)
    assert shown.locator("details.flag summary").all_inner_texts() == ["✓ audited", "✗ caught by an audit"]
    shown.locator("details.good summary").click()
    assert EVIL in shown.locator("details.good p").inner_text()
    shown.locator("a.name", has_text="cheat").click()
    shown.locator("h1", has_text="seed 0").wait_for()
    assert "✗ caught by an audit: its model depends on data" in shown.locator("main").inner_text()
    strategy = opened(rows, "#/strategy/cheat", board=folder)
    assert "Caught by an audit: the table below says where" in strategy.locator("main").inner_text()
    assert strategy.locator("details.flag summary").all_inner_texts() == ["✗ caught by an audit"]


def test_marks_are_in_the_data_as_printable_texts(board):
    folder, rows = board
    data = site_data(rows, folder, Descriptions(), "Board")
    texts = data["texts"]
    assert [[texts[name] for name, _ in marks] for marks in data["marks"]] == [["caught"], ["audited"], []]


def test_compare_and_show_name_them(board, tlbench_command):
    folder, rows = board
    found = tlbench.compare("honest", "cheat", board=folder)
    assert [(list(one.marks_a), list(one.marks_b)) for one in found] == [(["audited"], ["caught"])]
    assert "B on toy/blobs: Caught by an audit, its model" in " ".join(str(found).split())
    cheat = next(one for one in rows if one.strategy == "cheat")
    status, output, _ = tlbench_command("show", folder / "rows" / cheat.file_name)
    assert (status, "mark caught: its model depends on data" in output) == (0, True)
    other = dataclasses.replace(cheat, strategy_code="other")
    assert "mark" not in tlbench_command("show", write_row(folder, dataclasses.replace(other, key="other")))[1]
