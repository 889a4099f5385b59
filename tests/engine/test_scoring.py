from __future__ import annotations

import numpy as np
import pytest

from tlbench.engine.scoring import a_distance


@pytest.fixture
def features():
    return np.random.default_rng(0).normal(size=(600, 5)).astype(np.float32)


def test_two_halves_of_one_set_are_near(features):
    assert a_distance(features[:300], features[300:]) < 0.4


def test_sets_apart_are_two_apart(features):
    assert a_distance(features, features + 10) == 2.0


def test_a_small_and_a_large_set_count_alike(features):
    """Else "it is of the large set" would be right 15 times of 16, and the sets 1.8 apart."""
    assert a_distance(features[:31], features[100:]) < 1.0
