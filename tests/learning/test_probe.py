from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.covariance import LedoitWolf
from sklearn.datasets import load_digits, make_classification
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from torch import nn

from tlbench.learning.heads import Distance, ScaledLinear
from tlbench.learning.model import apply_head
from tlbench.learning.probe import STRENGTHS, fit_gaussian, fit_probe, fit_probes, fit_ridge

pytestmark = pytest.mark.filterwarnings("error:divide by zero encountered in log:RuntimeWarning")


def blobs(classes, size=60, width=5, seed=0):
    features, targets = make_classification(
        size, width, n_informative=width, n_redundant=0, n_classes=classes, n_clusters_per_class=1, random_state=seed
    )
    return features.astype(np.float32), targets


def accuracy(outputs, targets):
    return float((outputs.argmax(1) == targets).mean())


@pytest.mark.parametrize("budget", [50, 200, 1200])
def test_a_probe_is_no_worse_than_plain_logistic_regression(budget):
    """Half a point on 597 real digits is allowed, both on standardised pixels; from 1,200 one fold alone is taken."""
    features, targets = load_digits(return_X_y=True)
    plain, probed = [], []
    for seed in range(3):
        order = np.random.default_rng(seed).permutation(len(features))
        train, test = order[:budget], order[1200:]
        rows = StandardScaler().fit(features[train]).transform(features).astype(np.float32)
        model = LogisticRegression(max_iter=5000).fit(rows[train], targets[train])
        plain.append(model.score(rows[test], targets[test]))
        probe = fit_probe(features[train].astype(np.float32), targets[train], 10)
        probed.append(accuracy(probe.outputs(features[test]), targets[test]))
    assert np.mean(probed) >= np.mean(plain) - 0.005


def test_two_classes_give_the_log_odds_of_scikit_learn():
    features, targets = blobs(2)
    probe = fit_probe(features, targets, 2)
    outputs = probe.outputs(features)
    assert probe.weight.shape == (2, 5)
    assert accuracy(outputs, targets) > 0.8
    rows = StandardScaler().fit_transform(features)
    odds = [LogisticRegression(C=c, tol=1e-6).fit(rows, targets).decision_function(rows) for c in STRENGTHS]
    assert min(np.abs(found - (outputs[:, 1] - outputs[:, 0])).max() for found in odds) < 1e-2


def test_classes_without_an_example_get_laplace_s_share_at_the_mean():
    features, targets = blobs(3, size=30)
    probe = fit_probe(features, 2 * targets, 6)
    outputs = probe.outputs(features.mean(0, keepdims=True))
    probabilities = torch.softmax(torch.from_numpy(outputs), 1)[0]
    np.testing.assert_allclose(probabilities[[1, 3, 5]], 1 / (30 + 6), rtol=1e-3)
    assert accuracy(probe.outputs(features), 2 * targets) > 0.7


def test_one_class_alone_is_always_predicted():
    features, _ = blobs(2)
    probe = fit_probe(features, np.full(len(features), 2), 4)
    assert (probe.outputs(features * 100).argmax(1) == 2).all()


def test_one_example_of_each_class_is_enough():
    features = np.eye(3, dtype=np.float32)
    assert fit_probe(features, np.arange(3), 3).outputs(features).argmax(1).tolist() == [0, 1, 2]


def test_a_class_with_one_example_beside_frequent_ones_is_kept():
    features, targets = blobs(2)
    features, targets = np.vstack([features, np.full((1, 5), 50.0, np.float32)]), np.append(targets, 2)
    assert fit_probe(features, targets, 3).outputs(features)[-1].argmax() == 2


def test_a_constant_feature_changes_nothing():
    features, targets = blobs(3)
    constant = np.full((len(features), 1), 3.0, np.float32)
    without, beside = fit_probe(features, targets, 3), fit_probe(np.hstack([features, constant]), targets, 3)
    np.testing.assert_allclose(
        beside.outputs(np.hstack([features, constant])), without.outputs(features), rtol=1e-3, atol=1e-3
    )


def test_the_scale_of_a_feature_changes_nothing():
    features, targets = blobs(3)
    scales = np.array([1e-3, 1, 1e3, 10, 0.1], np.float32)
    plain, scaled = fit_probe(features, targets, 3), fit_probe(features * scales + 5, targets, 3)
    np.testing.assert_allclose(scaled.outputs(features * scales + 5), plain.outputs(features), rtol=1e-2, atol=1e-2)


def test_a_head_takes_the_probe_s_weights():
    features, targets = blobs(3)
    probe, head = fit_probe(features, targets, 3), nn.Linear(5, 3)
    probe.copy_into(head)
    np.testing.assert_allclose(apply_head(head, features), probe.outputs(features), rtol=1e-4, atol=1e-5)


def test_a_head_of_another_make_is_refused():
    features, targets = blobs(3)
    with pytest.raises(TypeError, match="fits a Linear head, not Sequential"):
        fit_probe(features, targets, 3).copy_into(nn.Sequential(nn.Linear(5, 3)))


def line(size, noise, seed=0):
    """Features, and two numbers of very different units that depend on them."""
    random = np.random.default_rng(seed)
    features = random.normal(3, [1, 10, 0.1], (size, 3)).astype(np.float32)
    exact = features @ np.array([[1.0, 2e4], [0.5, -1e3], [0.0, 1e5]]) + [1e-3, 7e5]
    return features, (exact + noise * exact.std(0) * random.normal(size=exact.shape)).astype(np.float32)


def test_ridge_finds_a_line_whatever_the_unit():
    features, targets = line(200, 1e-3)
    error = fit_ridge(features[:150], targets[:150]).outputs(features[150:]) - targets[150:]
    assert (error.std(0) < 0.01 * targets.std(0)).all()


def test_ridge_is_no_worse_than_plain_least_squares_where_examples_are_few():
    features, targets = line(400, 1.0)
    design = np.hstack([features, np.ones((400, 1))])
    plain = design[20:] @ np.linalg.lstsq(design[:20], targets[:20], rcond=None)[0] - targets[20:]
    ridge = fit_ridge(features[:20], targets[:20]).outputs(features[20:]) - targets[20:]
    assert (np.square(ridge).mean(0) < 1.02 * np.square(plain).mean(0)).all()


@pytest.mark.parametrize("size", [1, 2, 5])
def test_ridge_of_numbers_that_do_not_vary_is_their_mean(size):
    features, _ = line(size, 0)
    probe = fit_ridge(features, np.full((size, 1), 4.0, np.float32))
    np.testing.assert_allclose(probe.outputs(features * 10), 4.0)


def test_a_scaled_head_takes_ridge_s_weights_and_keeps_its_scale_in_later_fits():
    features, targets = line(100, 0.1)
    probe, head = fit_ridge(features, targets), ScaledLinear(3, 2)
    probe.copy_into(head)
    head.settle(targets * 1000)
    np.testing.assert_allclose(apply_head(head, features), probe.outputs(features), rtol=1e-3)
    np.testing.assert_allclose(head.scale, targets.std(0), rtol=1e-5)


def test_each_of_several_labels_has_the_log_odds_of_its_own_probe():
    features, classes = blobs(3)
    outputs = fit_probes(features, np.eye(3, dtype=int)[classes]).outputs(features)
    alone = fit_probe(features, (classes == 2).astype(int), 2).outputs(features)
    np.testing.assert_allclose(outputs[:, 2], alone[:, 1] - alone[:, 0], rtol=1e-3, atol=1e-4)


def test_distances_from_what_is_normal_are_those_of_scikit_learn_and_a_head_gives_them_too():
    random = np.random.default_rng(0)
    features = (random.normal(size=(80, 4)) @ random.normal(size=(4, 4)) + 7).astype(np.float32)
    probe, head = fit_gaussian(features), Distance(4)
    expected = LedoitWolf().fit(features).mahalanobis(features * 2)
    np.testing.assert_allclose(probe.outputs(features * 2)[:, 1], expected, rtol=1e-3)
    assert not probe.outputs(features)[:, 0].any()
    probe.copy_into(head)
    np.testing.assert_allclose(apply_head(head, features * 2)[:, 1], expected, rtol=1e-3)


@pytest.mark.parametrize("size", [1, 3])
def test_features_that_never_vary_give_the_distance_itself(size):
    probe = fit_gaussian(np.ones((size, 2), np.float32))
    np.testing.assert_allclose(probe.outputs(np.array([[4.0, 5.0]]))[:, 1], 25.0)


def test_a_distribution_needs_a_head_of_its_own():
    with pytest.raises(TypeError, match="fits a Distance head, not Linear"):
        fit_gaussian(np.eye(3, dtype=np.float32)).copy_into(nn.Linear(3, 2))
