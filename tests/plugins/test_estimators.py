"""Transferability estimators agree with other ways to compute them."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.optimize import minimize
from scipy.special import softmax
from scipy.stats import entropy, multivariate_normal, norm
from sklearn.covariance import LedoitWolf
from sklearn.cross_decomposition import CCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.metrics import mutual_info_score
from sklearn.model_selection import cross_val_score

from tlbench import EstimateRequest, NotApplicable
from tlbench_estimators.classes import gbc, h_score, overlap
from tlbench_estimators.domains import nearness
from tlbench_estimators.evidence import logme
from tlbench_estimators.source_labels import leep, nce


def request(features, targets, classes=3, outputs=None, source=None):
    return EstimateRequest(
        features=np.asarray(features, np.float32),
        targets=np.asarray(targets),
        classes=classes,
        source_features=source,
        source_outputs=outputs,
        source_labels=tuple("pqrst")[: 0 if outputs is None else outputs.shape[1]],
        target_labels=tuple("abcdefgh")[:classes],
        options={},
    )


def drawn(seed, size=60, width=5, shift=2.0):
    """Features of three classes whose means differ in their first two columns, and labels."""
    random = np.random.default_rng(seed)
    labels = np.arange(size) % 3
    features = random.normal(size=(size, width))
    features[:, :2] += shift * np.stack([labels == 1, labels == 2], 1)
    return features.astype(np.float32), labels


def evidence(logs, features, targets):
    """The log density of the targets when the weights are integrated out."""
    alpha, beta = np.exp(logs)
    covariance = np.eye(len(targets)) / beta + features @ features.T / alpha
    return multivariate_normal.logpdf(targets, np.zeros(len(targets)), covariance)


@pytest.mark.parametrize("seed", range(3))
def test_logme_is_the_largest_log_evidence_of_a_bayesian_linear_model(seed):
    features, labels = drawn(seed, size=30)
    wide = features.astype(np.float64)
    largest = [
        -minimize(lambda logs, y=y: -evidence(logs, wide, y), np.zeros(2), method="Nelder-Mead", tol=1e-10).fun
        for y in np.eye(3)[labels].T
    ]
    assert logme(request(features, labels)) == pytest.approx(np.mean(largest) / 30, abs=1e-6)


def test_logme_goes_by_the_classes_that_are_there():
    features, labels = drawn(0)
    assert logme(request(features, labels, classes=8)) == logme(request(features, labels, classes=3))


def test_logme_of_values_is_that_of_their_columns():
    features, labels = drawn(0)
    values = np.eye(3)[labels]
    assert logme(request(features, values.astype(np.float32))) == pytest.approx(logme(request(features, labels)))


@pytest.mark.parametrize("repeated", [1, 8])
def test_more_features_than_units_or_targets_hit_exactly_give_a_finite_number(repeated):
    features, labels = drawn(0, size=9)
    wide = np.hstack([features * power for power in range(1, repeated + 1)])
    assert np.isfinite(logme(request(wide, labels)))
    assert np.isfinite(logme(request(np.eye(9), np.eye(9)[:, :3].astype(np.float32))))


def test_h_score_is_the_trace_of_its_definition():
    features, labels = drawn(1)
    found = LedoitWolf().fit(features.astype(np.float64))
    expected = features.astype(np.float64)
    for label in range(3):
        expected[labels == label] = expected[labels == label].mean(0)
    between = (1 - found.shrinkage_) * np.cov(expected.T, bias=True)
    assert h_score(request(features, labels)) == pytest.approx(np.trace(np.linalg.inv(found.covariance_) @ between))


def test_h_score_of_many_examples_is_the_sum_of_squared_canonical_correlations():
    features, labels = drawn(2, size=6000)
    labels[::7] = 0
    members = np.eye(3)[labels][:, :2]
    one, other = CCA(n_components=2).fit_transform(features, members)
    squares = [np.corrcoef(one[:, place], other[:, place])[0, 1] ** 2 for place in range(2)]
    assert h_score(request(features, labels)) == pytest.approx(sum(squares), rel=0.01)


def test_the_overlap_of_two_gaussians_is_the_integral_of_the_root_of_their_product():
    first, second = norm(0.3, 1.2), norm(2.0, 0.7)
    integral, _ = quad(lambda x: np.sqrt(first.pdf(x) * second.pdf(x)), -12, 14)
    means = np.array([[0.3]]), np.array([[2.0]])
    assert overlap(*means, np.array([1.2**2]), np.array([0.7**2]))[0] == pytest.approx(integral, abs=1e-9)


def test_gbc_falls_with_the_distance_of_classes_and_is_that_of_every_ordered_pair():
    near, far = (request(*drawn(3, shift=shift)) for shift in (0.0, 4.0))
    assert -6 < gbc(near) < gbc(far) < 0
    same = np.tile(np.random.default_rng(0).normal(size=(20, 4)), (3, 1))
    assert gbc(request(same, np.repeat(range(3), 20))) == pytest.approx(-6, abs=1e-9)


def test_a_class_with_one_example_gives_a_finite_gbc():
    features, labels = drawn(0, size=12)
    assert np.isfinite(gbc(request(features, np.where(labels == 2, 0, labels) + 2 * (np.arange(12) == 11))))


def test_leep_is_its_definition_in_loops():
    features, labels = drawn(4, size=40)
    outputs = np.random.default_rng(4).normal(size=(40, 4)).astype(np.float32)
    theta = softmax(outputs.astype(np.float64), axis=1)
    joint = np.zeros((3, 4))
    for row, label in zip(theta, labels, strict=True):
        joint[label] += row / 40
    total = 0.0
    for row, label in zip(theta, labels, strict=True):
        total += np.log(sum(joint[label, z] / joint[:, z].sum() * row[z] for z in range(4)))
    assert leep(request(features, labels, outputs=outputs)) == pytest.approx(total / 40, abs=1e-12)


def test_nce_is_mutual_information_less_entropy_and_leep_of_certain_outputs():
    features, labels = drawn(5, size=90)
    decisions = np.where(np.random.default_rng(5).random(90) < 0.6, labels, 1)
    outputs = 200 * np.eye(4, dtype=np.float32)[decisions]
    asked = request(features, labels, outputs=outputs)
    expected = mutual_info_score(labels, decisions) - entropy(np.bincount(labels) / 90)
    assert nce(asked) == pytest.approx(expected, abs=1e-12)
    assert leep(asked) == pytest.approx(nce(asked), abs=1e-12)


def test_a_source_without_labels_is_said():
    with pytest.raises(NotApplicable, match="no head with several labels"):
        leep(request(*drawn(0)))


def domains(seed, apart, budget, size=3000):
    """A request for a label budget whose first two features are moved from those of a large source."""
    features, labels = drawn(seed, size=budget)
    source, _ = drawn(seed + 100, size=size)
    return request(features + apart * np.array([1, 1, 0, 0, 0], np.float32), labels, source=source)


@pytest.mark.parametrize("apart", [0.5, 1.5])
def test_the_a_distance_is_that_of_a_linear_discriminant_of_scikit_learn(apart):
    asked = domains(0, apart, budget=1500)
    accuracies = []
    for start in (0, 1500):  # As many source units as target units.
        rows = np.concatenate([asked.source_features[start : start + 1500], asked.features])
        accuracies += [*cross_val_score(LinearDiscriminantAnalysis(), rows, np.repeat([0, 1], 1500), cv=2)]
    assert nearness(asked) == pytest.approx(-2 * (2 * np.mean(accuracies) - 1), abs=0.1)


@pytest.mark.parametrize("budget", [20, 50])
def test_equal_domains_are_near_whatever_their_sizes(budget):
    """A classifier that counts all 3,000 source units errs on the few of the target alone, and finds nearly 2."""
    assert -0.4 < np.mean([nearness(domains(seed, 0.0, budget)) for seed in range(12)]) <= 0


@pytest.mark.parametrize("budget", [20, 50])
def test_domains_far_apart_have_the_lowest_number(budget):
    assert nearness(domains(0, 50.0, budget)) == -2.0


def test_the_a_distance_draws_the_same_units_each_time_and_reads_no_labels():
    asked = domains(1, 1.0, budget=41)
    other = dataclasses.replace(asked, targets=asked.targets[::-1].copy())
    assert -2 < nearness(asked) == nearness(asked) == nearness(other) < 0


def test_no_distance_reads_as_zero_without_a_sign():
    same = drawn(0)[0]
    assert str(nearness(request(*drawn(0), source=same))) == "0.0"


@pytest.mark.parametrize(("units", "source"), [(3, 60), (60, 3), (60, 0)])
def test_too_few_units_for_a_distance_are_said(units, source):
    with pytest.raises(NotApplicable, match="4 units of each domain"):
        nearness(request(*drawn(0, size=units), source=drawn(1, size=source)[0] if source else None))
