"""The proxy A-distance agrees with scikit-learn's classifiers and with the distance of known Gaussians."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from tlbench.learning import a_distance


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


@pytest.mark.parametrize("apart", [0.5, 1.0, 2.0])
def test_two_gaussians_are_as_far_apart_as_their_overlap_says(apart):
    """The best classifier of two unit Gaussians errs with the probability Phi(-apart / 2)."""
    random = np.random.default_rng(1)
    source, target = random.normal(size=(2, 2000, 3))
    target[:, 0] += apart
    assert a_distance(source, target) == pytest.approx(2 * (1 - 2 * norm.cdf(-apart / 2)), abs=0.1)


@pytest.mark.parametrize("apart", [0.0, 1.0, 3.0])
def test_the_distance_is_that_of_a_cross_validated_classifier_of_scikit_learn(apart):
    random = np.random.default_rng(2)
    source, target = random.normal(size=(2, 1000, 8))
    target[:, :2] += apart
    rows, domains = np.concatenate([source, target]), np.repeat([0, 1], 1000)
    classifier = make_pipeline(StandardScaler(), LogisticRegression())
    error = float((cross_val_predict(classifier, rows, domains, cv=2) != domains).mean())
    assert a_distance(source, target) == pytest.approx(max(0.0, 2 * (1 - 2 * error)), abs=0.12)
