"""Aggregates over tasks against numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from tlbench.leaderboard.bootstrap import (
    DRAWS,
    improvement,
    interquartile_mean,
    iqm,
    mean_ranks,
    run_ranks,
    seed_draws,
)

# Two tasks with two seeds each; strategies a and b.
FIRST = np.array([[0.8, 0.6], [0.7, 0.5]])
SECOND = np.array([[0.9, 0.1], [0.3, 0.3]])
TASKS = [FIRST, SECOND]


def test_the_interquartile_mean_is_that_of_the_middle_half():
    assert interquartile_mean(np.array([100.0, 1, 2, 3, 4, 5, 6, -100])) == pytest.approx((2 + 3 + 4 + 5) / 4)
    assert interquartile_mean(np.array([1.0, 2, 9])) == pytest.approx(4)  # a quarter of three values is less than one


def test_iqm_takes_the_runs_of_all_tasks_together():
    a, b = iqm(TASKS, seed_draws([2, 2]))
    assert (a.value, b.value) == (pytest.approx((0.6 + 0.8) / 2), pytest.approx((0.3 + 0.5) / 2))
    assert a.low <= a.value <= a.high


def test_ranks_are_within_a_seed_and_equal_scores_share_them():
    scores = np.array([[0.9, 0.5, -np.inf], [0.8, 0.5, 0.1], [0.7, 0.6, -np.inf]])
    assert run_ranks(scores).tolist() == [[1, 2.5, 2.5], [2, 2.5, 1], [3, 1, 2.5]]


def test_mean_ranks_are_means_over_seeds_then_over_tasks():
    (a, b), gaps = mean_ranks(TASKS, seed_draws([2, 2]))
    # First task: a is first twice. Second: once first, once last.
    assert (a.value, b.value) == (pytest.approx((1 + 1.5) / 2), pytest.approx((2 + 1.5) / 2))
    assert gaps[0][1].value == pytest.approx(a.value - b.value)
    # In the draw (seed 1, seed 1) of the second task b is first: 1.5 against 1.5.
    assert (a.low, a.high) == (1.0, 1.5)
    assert not gaps[0][1].excludes_zero


def test_a_strategy_that_is_better_in_every_seed_is_significantly_better():
    _, gaps = mean_ranks([FIRST, FIRST], seed_draws([2, 2]))
    assert (gaps[0][1].low, gaps[0][1].high, gaps[0][1].excludes_zero) == (-1, -1, True)


def test_improvement_compares_all_pairs_of_runs():
    table = improvement(TASKS, seed_draws([2, 2]))
    # First task: 0.8 beats both of b, 0.6 beats 0.5: 3 of 4. Second: 0.9 beats both, 0.1 none: 2 of 4.
    assert table[0][1].value == pytest.approx((3 / 4 + 2 / 4) / 2)
    assert table[1][0].value == pytest.approx(1 - table[0][1].value)
    assert table[0][0].value == pytest.approx((0.5 + 0.5) / 2)  # equal scores count one half


def test_intervals_are_those_of_the_drawn_means():
    """Against a bootstrap that is written out draw by draw."""
    draws = seed_draws([2, 2])
    slow = []
    for draw in range(DRAWS):
        wins = []
        for scores, places in zip(TASKS, draws, strict=True):
            a, b = scores[:, places[draw]]
            wins.append(np.mean([[(x > y) + (x == y) / 2 for y in b] for x in a]))
        slow.append(np.mean(wins))
    estimate = improvement(TASKS, draws)[0][1]
    assert (estimate.low, estimate.high) == pytest.approx(tuple(np.quantile(slow, [0.025, 0.975])))


def test_tasks_are_strata_that_keep_their_number_of_seeds():
    draws = seed_draws([3, 5])
    assert [one.shape for one in draws] == [(DRAWS, 3), (DRAWS, 5)]
    assert [one.max() for one in draws] == [2, 4]
    assert all((one == other).all() for one, other in zip(draws, seed_draws([3, 5]), strict=True))


def test_one_seed_has_no_interval():
    (a, _), gaps = mean_ranks([FIRST[:, :1], SECOND], seed_draws([1, 2]))
    assert (a.value, a.low, a.high) == (pytest.approx(1.25), None, None)
    assert not gaps[0][1].excludes_zero
