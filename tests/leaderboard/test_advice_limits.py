"""Limits of the advice at their edges, and what a verdict by cost says of the highest score."""

from __future__ import annotations

import math
import random

import pytest
from scipy import stats

from tlbench.leaderboard.advice.limits import NEGLIGIBLE, ONE_SIDED, Limits, barred, forgets
from tlbench.leaderboard.advice.verdict import advise
from tlbench.leaderboard.aggregate import aggregate


@pytest.fixture
def entry(row):
    def make(values, field="forgetting_head"):
        (made,) = aggregate([row("a", seed, 0.8, **{field: value}) for seed, value in enumerate(values)])
        return made

    return make


def test_the_quantiles_are_those_of_scipy_rounded_up():
    for freedom, quantile in enumerate(ONE_SIDED[1:], start=1):
        assert 0 <= quantile - stats.t.ppf(0.95, freedom) <= 0.01, freedom


def test_nothing_may_be_forgotten_allows_what_is_not_significantly_above_0(entry):
    draw, outcomes = random.Random(0), set()
    for _ in range(200):
        values = [draw.gauss(draw.choice([0.0, 0.004, 0.008]), 0.004) for _ in range(draw.choice([2, 3, 5, 8]))]
        mean = math.fsum(values) / len(values)
        shown, p = round(mean, 3), stats.ttest_1samp(values, 0, alternative="greater").pvalue
        if abs(p - 0.05) < 0.002:  # the quantiles are rounded
            continue
        expected = shown > 0 and (shown > NEGLIGIBLE or bool(p < 0.05))
        outcomes.add(expected)
        assert forgets(entry(values), 0) is expected, values
        assert forgets(entry(values, "forgetting_probe"), 0) is expected, values
        assert forgets(entry(values), 0.002) is (shown > 0.002)
    assert outcomes == {True, False}


@pytest.mark.parametrize(
    ("values", "kept"),
    [
        ([0.004], False),
        ([0.0004], True),
        ([0.05, -0.02, 0.01], False),
        ([0.01, -0.002, 0.002], True),
        ([0.002] * 3, False),
    ],
)
def test_one_seed_much_forgetting_and_steady_forgetting_do_not_pass(entry, values, kept):
    said = barred(entry(values), Limits(max_forgetting=0))
    assert (said == "") is kept
    assert kept or said.endswith("more than 0")


def test_a_choice_by_cost_names_the_highest_score_and_pending_latency(row):
    rows = []
    for seed, noise in enumerate((-0.02, 0.0, 0.03)):
        rows.append(row("dear", seed, 0.85 + 2 * noise, seconds={"adapt": 9.0}))
        rows.append(row("cheap", seed, 0.84 - noise, seconds={"adapt": 1.0}))
    (advice,) = advise(aggregate(rows))
    (choice,) = advice.choices
    assert choice.strategy == "cheap"
    assert choice.verdict.endswith("(1.00 CPU s against 9.00 CPU s); highest score: dear 0.857.")
    alike = [row("a", seed, 0.85 + seed / 100, p50_ms=None) for seed in range(3)]
    alike += [row("b", seed, 0.86 - seed / 1000, p50_ms=0.2) for seed in range(3)]
    (advice,) = advise(aggregate(alike))
    assert "it is faster (0.200 ms against pending)" in advice.choices[0].verdict
