"""LogME and CKA, written against the plugin API, do what their papers say."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import multivariate_normal
from support import SOURCES

from tlbench.planning.discovery import plugin_file


@pytest.fixture(scope="module")
def plugin():
    return plugin_file(SOURCES / "diagnosing.py").load()


def evidence(logs, features, targets):
    """The log density of the targets when the weights are integrated out."""
    alpha, beta = np.exp(logs)
    covariance = np.eye(len(targets)) / beta + features @ features.T / alpha
    return multivariate_normal.logpdf(targets, np.zeros(len(targets)), covariance)


@pytest.mark.parametrize("seed", range(5))
def test_logme_is_the_largest_log_evidence_of_a_bayesian_linear_model(plugin, seed):
    random = np.random.default_rng(seed)
    features = random.normal(size=(40, 6))
    targets = (features[:, 0] + 0.5 * random.normal(size=40) > 0).astype(float)
    found = minimize(lambda logs: -evidence(logs, features, targets), np.zeros(2), method="Nelder-Mead", tol=1e-10)
    assert plugin.log_evidence(features, targets, 500) == pytest.approx(-found.fun / 40, abs=1e-6)


def test_logme_is_higher_for_features_that_tell_the_classes_apart(plugin):
    random = np.random.default_rng(0)
    targets = np.repeat([0.0, 1.0], 30)
    noise = random.normal(size=(60, 5))
    told = noise + 2 * targets[:, None]
    assert plugin.log_evidence(told, targets) > plugin.log_evidence(noise, targets)


def test_cka_is_one_for_a_rotation_and_a_scale_and_small_for_noise(plugin):
    random = np.random.default_rng(1)
    features = random.normal(size=(200, 8))
    rotation, _ = np.linalg.qr(random.normal(size=(8, 8)))
    assert plugin.linear_cka(features, 3 * features @ rotation + 5) == pytest.approx(1, abs=1e-12)
    assert plugin.linear_cka(features, features @ random.normal(size=(8, 8))) < 0.99
    assert plugin.linear_cka(features, random.normal(size=(200, 8))) < 0.2
