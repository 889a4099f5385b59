"""Pictures and comparisons of the page: nothing hides, is cut off, or is dropped without a word."""

from __future__ import annotations

import itertools

import pytest

from tlbench.leaderboard.advice.rules import MANY_SEEDS
from tlbench.leaderboard.site.page import program

BOXES = """(all) => all.map((one) => {
  const { x, y, width, height } = one.getBBox();
  return [x, y, x + width, y + height];
})"""


@pytest.fixture
def crowd(row):
    """Rows of many strategies with nearly the same score and cost, of one far below, and of a far baseline."""
    names = [f"{letter * 3}-strategy" for letter in "mwabcdefghijkl"]
    own = {"metric": "r2", "score_low": None, "score_high": None}
    rows = [
        row(name, 0, 0.8 + (place % 4) / 100, **own, forgetting_head=0.0, seconds={"adapt": 1 + (place % 5) / 10})
        for place, name in enumerate(names)
    ]
    rows += [row("lost", 0, -3.0, **own, forgetting_head=0.1), row("steady", 0, 0.7, **own, forgetting_head=-0.01)]
    return rows


def test_names_in_a_picture_overlap_nothing_and_stay_inside(opened, crowd):
    shown = opened(crowd, "#/tradeoff?x=adapt_s")
    names = shown.locator("figure .name")
    boxes = names.evaluate_all(BOXES)
    assert len(boxes) > 3
    for one, other in itertools.combinations(boxes, 2):
        assert one[2] <= other[0] + 1 or other[2] <= one[0] + 1 or one[3] <= other[1] + 4 or other[3] <= one[1] + 4
    assert all(box[0] >= 52 and box[2] <= 360 for box in boxes)
    listed = shown.locator("figure details", has_text="Without a name")
    listed.locator("summary").press("Enter")
    texts = names.all_text_contents()
    missing = listed.locator("a").all_inner_texts()
    assert sorted([*texts, *missing]) == sorted({one.strategy for one in crowd} - {"lost"})


def test_what_lies_far_below_does_not_press_the_others_together(opened, crowd):
    shown = opened(crowd, "#/tradeoff")
    below = shown.locator("figure details", has_text="Outside the picture: 1")
    below.locator("summary").click()
    assert below.locator("p").inner_text() == "lost −3.000"
    ticks = [float(text.replace("−", "-")) for text in shown.locator("figure .tick.end").all_text_contents()]
    assert min(ticks) > 0.6


def test_a_comparison_says_what_no_number_of_seeds_decides_and_that_a_graph_is_shared(opened, row):
    rows = []
    for seed in range(3):
        own = {"graph": "g", "score_low": 0.79, "score_high": 0.81}
        rows.append(row("a", seed, 0.8 + (seed - 1) / 100, **own))
        rows.append(row("b", seed, 0.8005 - (seed - 1) / 100, **own))
        rows.append(row("c", seed, 0.8, score_low=0.79, score_high=0.81, graph="h", p50_ms=0.7))
    text = opened(rows, "#/compare?a=a&b=b").locator("tbody").inner_text()
    assert "no practical number of seeds would decide" in text
    assert "none: the same graph" in text
    assert "the same graph" not in opened(rows, "#/compare?a=a&b=c").locator("tbody").inner_text()
    assert f"const MANY_SEEDS = {MANY_SEEDS};" in program()


def test_a_strategy_has_each_entry_with_the_difference_that_there_is(opened, row):
    rows = []
    for seed in range(3):
        one, two, three = ({"task": f"toy/task-{place}"} for place in range(3))
        rows += [row("mine", seed, 0.8 + seed / 1000, **task) for task in (one, two, three)]
        rows.append(row("source-only", seed, 0.5 + seed / 900, access=(), baseline=True, **one))
        rows.append(row("scratch", seed, 0.6 + seed / 900, baseline=True, **two))
    shown = opened(rows, "#/strategy/mine")
    lines = [" ".join(text.split()) for text in shown.locator("tbody tr").all_inner_texts()]
    assert [line.split()[0] for line in lines] == ["toy/task-0", "toy/task-1", "toy/task-2"]
    assert ["over source-only" in lines[0], "over scratch" in lines[1], "no baseline" in lines[2]] == [True] * 3
    said = shown.locator("main .count").inner_text()
    assert "source-only, the model without adaptation: significantly better in 1 of 1 result" in said
    assert "No baseline beside 1 result." in said


def test_latency_that_is_pending_is_called_so(opened, row):
    rows = [row("a", seed, 0.8, p50_ms=None) for seed in range(2)]
    shown = opened(rows, "#/choose")
    assert "latency pending" in shown.locator(".pick").inner_text()
    assert "– ms" not in shown.locator("main").inner_text()
    shown.locator(".pick a").click()
    shown.locator(".tile", has_text="pending").wait_for()
