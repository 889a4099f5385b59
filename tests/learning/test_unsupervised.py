"""Scores without target labels agree with other implementations and with their definitions."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import softmax
from scipy.stats import entropy, norm

from tlbench.learning import unsupervised


def predictions(seed=0, size=40, classes=3):
    return softmax(2 * np.random.default_rng(seed).normal(size=(size, classes)), axis=1)


class Fixed:
    """An estimator with the same predictions for all inputs."""

    def __init__(self, probabilities):
        self.probabilities = probabilities

    def predict_proba(self, inputs, sample_domain=None, **more):
        return self.probabilities[: len(inputs)]


def by_skada(name, probabilities, **options):
    """What a scorer of skada says of predictions on target inputs."""
    metrics = pytest.importorskip("skada.metrics")
    inputs, domain = np.zeros((2 * len(probabilities), 1)), np.repeat([1, -2], len(probabilities))
    scorer = getattr(metrics, name)(**options)
    return scorer._score(None, Fixed(probabilities), inputs, np.zeros(len(inputs), int), sample_domain=domain)


def test_certainty_is_the_entropy_of_scipy():
    found = predictions()
    assert unsupervised.certainty(found) == pytest.approx(-entropy(found, axis=1).mean(), abs=1e-12)
    assert unsupervised.certainty(np.eye(3)) == 0


def test_certainty_is_that_of_skada():
    found = predictions()
    # Its mean is one over examples and classes.
    expected = found.shape[1] * by_skada("PredictionEntropyScorer", found)
    assert unsupervised.certainty(found) == pytest.approx(expected, abs=1e-6)


def test_information_is_that_of_inputs_and_predictions():
    found = predictions()
    expected = entropy(found.mean(0)) - entropy(found, axis=1).mean()
    assert unsupervised.information_maximisation(found) == pytest.approx(expected, abs=1e-12)
    assert unsupervised.information_maximisation(np.eye(3)) == pytest.approx(np.log(3))
    assert unsupervised.information_maximisation(np.tile([1.0, 0, 0], (9, 1))) == 0


def test_with_even_shares_in_the_source_class_shares_are_information_less_a_constant():
    found = predictions()
    expected = entropy(found.mean(0)) - entropy(found, axis=1).mean() - np.log(3)
    assert unsupervised.class_shares(found, np.full(3, 1 / 3)) == pytest.approx(expected, abs=1e-12)


def test_class_shares_prefer_certain_predictions_with_the_shares_of_the_source():
    even, rare = np.array([0.5, 0.5]), np.array([0.99, 0.01])
    collapsed = np.tile(rare, (8, 1))
    unsure, certain = (np.array([[share, 1 - share], [1 - share, share]] * 4) for share in (0.6, 0.9))

    def score(found, source):
        return unsupervised.class_shares(found, source)

    assert score(collapsed, even) < score(unsure, even) < score(certain, even)
    assert score(collapsed, rare) > score(certain, rare)
    assert np.isfinite(score(np.tile([1.0, 0.0], (8, 1)), even))


def test_neighbourhood_density_is_its_definition_in_loops():
    found = predictions(size=12)
    total = 0.0
    for own in range(12):
        unit = found / np.linalg.norm(found, axis=1, keepdims=True)
        alike = np.array([-20.0 if other == own else unit[own] @ unit[other] / 0.05 for other in range(12)])
        total += entropy(softmax(alike))
    assert unsupervised.soft_neighbourhood_density(found) == pytest.approx(total / 12, abs=1e-9)


def test_neighbourhood_density_is_that_of_skada():
    found = predictions()
    expected = by_skada("SoftNeighborhoodDensity", found)
    assert unsupervised.soft_neighbourhood_density(found) == pytest.approx(expected, rel=1e-6)


def test_weights_are_the_ratio_of_the_densities():
    random = np.random.default_rng(0)
    source, target = random.normal(0, 1, (6000, 1)), random.normal(0.7, 1, (3000, 1))
    places = np.linspace(-1.5, 2, 8)[:, None]
    expected = (norm(0.7).pdf(places) / norm(0).pdf(places))[:, 0]
    assert unsupervised.importance_weights(source, target, places) == pytest.approx(expected, rel=0.12)


def test_weighted_losses_estimate_the_risk_on_the_target():
    """The loss f^2 under N(0, 1), weighted to N(0.5, 1): the risk there is 1.25."""
    held_out = np.random.default_rng(1).normal(size=200_000)
    weights, losses = norm(0.5).pdf(held_out) / norm(0).pdf(held_out), held_out**2
    assert unsupervised.importance_weighted(losses, weights) == pytest.approx(-1.25, abs=0.02)
    assert unsupervised.deep_embedded_validation(losses, weights) == pytest.approx(-1.25, abs=0.02)


def test_the_control_variate_lowers_the_variance():
    risks = {"plain": [], "dev": []}
    for seed in range(200):
        held_out = np.random.default_rng(seed).normal(size=200)
        weights, losses = norm(0.8).pdf(held_out) / norm(0).pdf(held_out), 1 + 0.1 * held_out**2
        risks["plain"].append((losses * weights).mean())
        risks["dev"].append(-unsupervised.deep_embedded_validation(losses, weights))
    assert np.std(risks["dev"]) < 0.5 * np.std(risks["plain"])


def test_equal_weights_give_the_mean_loss():
    losses = np.arange(5.0)
    for score in (unsupervised.importance_weighted, unsupervised.deep_embedded_validation):
        assert score(losses, np.ones(5)) == pytest.approx(-2)
