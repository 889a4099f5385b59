"""Parts that are set aside: each stratum in proportion, each group whole."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tlbench.learning.splitting import hold_out


def random(seed=0):
    return np.random.default_rng(seed)


def test_without_groups_each_stratum_is_held_out_in_proportion():
    strata = np.repeat([0, 1, 2], [50, 20, 5])
    held = hold_out(strata, None, 0.2, random())
    assert np.bincount(strata[held]).tolist() == [10, 4, 1]
    assert held.tolist() == sorted(set(held.tolist())) == hold_out(strata, None, 0.2, random()).tolist()
    assert held.tolist() != hold_out(strata, None, 0.2, random(1)).tolist()


def test_a_stratum_of_one_example_stays_unless_all_are_of_one():
    assert hold_out(np.array([0, 0, 0, 1]), None, 0.3, random()).max() < 3
    assert len(hold_out(np.arange(4), None, 0.25, random())) == 1
    assert len(hold_out(np.array([0]), None, 0.5, random())) == 0


def test_a_group_that_is_nearly_all_is_not_held_out():
    groups = np.repeat(["large", "a", "b", "c"], [100, 10, 10, 10])
    for seed in range(20):
        held = hold_out(np.zeros(130, int), groups, 0.15, random(seed))
        assert len(held) == 20
        assert "large" not in groups[held]


def test_of_two_groups_one_is_held_out_and_of_one_none():
    groups = np.repeat(["a", "b"], [3, 7])
    for share in (0.01, 0.5, 0.99):
        assert len(set(groups[hold_out(np.zeros(10), groups, share, random())])) == 1
    assert len(hold_out(np.zeros(10), np.repeat("a", 10), 0.5, random())) == 0


def test_a_group_counts_as_its_most_frequent_stratum():
    """Two groups of each label: one of each is held out, although each has a row of the other label."""
    groups, strata = np.repeat(["a", "b", "c", "d"], 4), np.array([0, 0, 0, 1] * 2 + [1, 1, 1, 0] * 2)
    held = set(groups[hold_out(strata, groups, 0.5, random())])
    assert (len(held & {"a", "b"}), len(held & {"c", "d"})) == (1, 1)


@given(
    data=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 8)), min_size=1, max_size=60), share=st.floats(0.05, 0.95)
)
def test_no_group_is_on_both_sides_and_no_side_is_empty(data, share):
    strata, groups = np.array(data).T
    held = hold_out(strata, groups, share, random())
    left = np.setdiff1d(np.arange(len(data)), held)
    assert not set(groups[held]) & set(groups[left])
    assert len(left) > 0
    assert (len(held) > 0) == (len(set(groups.tolist())) > 1)


def test_about_the_share_is_held_out():
    groups = np.repeat(np.arange(60), random().integers(5, 15, 60))
    strata = groups % 3
    assert len(hold_out(strata, groups, 0.2, random())) == pytest.approx(0.2 * len(groups), rel=0.15)
