"""Detectors of anomalies against scikit-learn, on the features of a run."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import StandardScaler

from tlbench import NotApplicable
from tlbench.learning.model import apply_head, encode
from tlbench_outliers import strategies
from tlbench_outliers.strategies import Nearest

TASK = "anomaly/flows-normal"
SHORT = {"source.steps": 20}


def features_of(adapted, strategy, **options):
    """Return features of the normal examples and of the test split in float64, and the served scores of the latter."""
    seen = {}

    def watched(request):
        seen["train"] = encode(request.model, request.target.train.inputs).astype(np.float64)
        return original(request)

    original = getattr(strategies, strategy.replace("-", "_"))
    overrides = {**SHORT, **{f"{strategy}.{name}": value for name, value in options.items()}}
    made = adapted(strategy, TASK, function=watched, overrides=overrides)
    test = encode(made.model, made.prepared.split("target-test").inputs)
    outputs = apply_head(made.model.heads["target"], test)
    assert not outputs[:, 0].any()
    return seen["train"], test.astype(np.float64), outputs[:, 1]


def test_centroid_distance_is_that_of_standardised_features(adapted):
    train, test, scores = features_of(adapted, "centroid-distance")
    varying = train.std(0) > 1e-8
    scaler = StandardScaler().fit(train[:, varying])
    flat = np.square(test[:, ~varying] - train[:, ~varying].mean(0)).sum(1)
    expected = np.square(scaler.transform(test[:, varying])).sum(1) + flat
    np.testing.assert_allclose(scores, expected, rtol=1e-3, atol=1e-3)


def test_pca_reconstruction_is_the_error_of_scikit_learn(adapted):
    train, test, scores = features_of(adapted, "pca-reconstruction", standardise=False, variance=0.8)
    components = PCA(0.8, svd_solver="full").fit(train)
    expected = np.square(test - components.inverse_transform(components.transform(test))).sum(1)
    np.testing.assert_allclose(scores, expected, rtol=1e-3, atol=1e-4)


def test_nearest_neighbours_are_those_of_scikit_learn(adapted):
    train, test, scores = features_of(adapted, "nearest-neighbours", standardise=False, neighbours=3, bank=1000)
    distances, _ = NearestNeighbors(n_neighbors=3).fit(train).kneighbors(test)
    np.testing.assert_allclose(scores, np.square(distances).mean(1), rtol=1e-3, atol=1e-3)


def test_a_small_bank_holds_some_of_the_examples():
    torch.manual_seed(0)
    head = Nearest(4, size=6, neighbours=2)
    kept = np.random.default_rng(0).normal(size=(3, 4))
    head.fill(kept, np.zeros(4), np.ones(4))
    outputs = head(torch.from_numpy(kept.astype(np.float32)))
    others = np.square(kept[:, None] - kept[None]).sum(-1)
    expected = np.sort(others, 1)[:, :2].mean(1)
    np.testing.assert_allclose(outputs[:, 1].numpy(), expected, rtol=1e-4, atol=1e-5)


def test_more_neighbours_than_examples_are_refused(adapted):
    with pytest.raises(NotApplicable, match="fewer than the 900 neighbours"):
        features_of(adapted, "nearest-neighbours", neighbours=900)
