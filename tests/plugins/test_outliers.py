"""Detectors of anomalies against scikit-learn, on the features of a run."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.stats import ecdf, skew
from sklearn.decomposition import PCA
from sklearn.neighbors import LocalOutlierFactor, NearestNeighbors
from sklearn.preprocessing import StandardScaler

from tlbench import NotApplicable
from tlbench.learning.model import apply_head, encode
from tlbench_outliers import densities, strategies
from tlbench_outliers.densities import Tails
from tlbench_outliers.strategies import Nearest

TASK = "anomaly/flows-normal"
SHORT = {"source.steps": 20}


def features_of(adapted, strategy, **options):
    """Return features of the normal examples and of the test split in float64, and the served scores of the latter."""
    seen = {}

    def watched(request):
        seen["train"] = encode(request.model, request.target.train.inputs).astype(np.float64)
        return original(request)

    name = strategy.replace("-", "_")
    original = getattr(strategies, name, None) or getattr(densities, name)
    overrides = {**SHORT, **{f"{strategy}.{option}": value for option, value in options.items()}}
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


def ecod_of_the_paper(bank, one):
    """Return the score of Algorithm 1 of arXiv:2201.00382 for an example among kept ones and itself, in loops."""
    left = right = auto = 0.0
    for kept, value in zip(bank.T, one, strict=True):
        column = np.append(kept, value)
        of_left = -np.log(ecdf(column).cdf.evaluate(value))
        of_right = -np.log(ecdf(-column).cdf.evaluate(-value))
        left, right = left + of_left, right + of_right
        auto += of_left if np.ptp(kept) > 0 and skew(kept) < 0 else of_right
    return max(left, right, auto)


def test_ecod_is_algorithm_1_of_its_paper(adapted):
    train, test, scores = features_of(adapted, "ecod", bank=2000)
    expected = [ecod_of_the_paper(train, one) for one in test[:40]]
    np.testing.assert_allclose(scores[:40], expected, rtol=5e-2)  # Values within the ramp count in part.
    assert np.median(np.abs(scores[:40] / expected - 1)) < 1e-3


def test_each_of_the_three_sums_of_ecod_is_the_largest_for_some_example():
    random = np.random.default_rng(0)
    kept = np.exp(random.normal(size=(200, 3))) * [1, -1, 1]
    seen = np.array([[30.0, -30.0, 30.0], [-9.0, -30.0, -9.0], [30.0, 9.0, 30.0], [1.0, -1.0, 1.0]])
    head = Tails(3, 200)
    head.fill(kept, np.full(3, 1e-6))
    assert head.skewed_left.tolist() == [0, 1, 0]
    scores = head(torch.from_numpy(seen.astype(np.float32)))[:, 1].numpy()
    np.testing.assert_allclose(scores, [ecod_of_the_paper(kept, one) for one in seen], rtol=1e-4)


@pytest.mark.parametrize("standardise", [True, False])
def test_the_local_outlier_factor_is_that_of_scikit_learn(adapted, standardise):
    train, test, scores = features_of(adapted, "local-outlier-factor", neighbours=7, standardise=standardise)
    deviation = train.std(0)
    scale = np.where(deviation > 1e-8, deviation, 1.0) if standardise else np.ones(train.shape[1])
    known = LocalOutlierFactor(n_neighbors=7, novelty=True).fit((train - train.mean(0)) / scale)
    expected = -known.score_samples((test - train.mean(0)) / scale)
    np.testing.assert_allclose(scores, expected, rtol=2e-2)


def test_repeated_normal_examples_are_no_outliers():
    """Beside scikit-learn, whose densities of repeated examples are 1e10: any rounding makes its copies outliers."""
    random = np.random.default_rng(0)
    repeated = np.repeat(5 + random.normal(size=(2, 6)), 9, 0)
    kept = np.vstack([random.normal(size=(60, 6)), repeated]).astype(np.float32)
    mean, deviation = kept.mean(0), kept.std(0)
    standard = ((kept - mean) / deviation).astype(np.float64)
    head = densities.Densities(6, 100, 5)
    densities.fill_with_neighbours(head, standard, mean, deviation)
    known = LocalOutlierFactor(n_neighbors=5, novelty=True).fit(standard)
    inside, copies = random.normal(size=(20, 6)).astype(np.float32), kept[60:]
    expected = -known.score_samples((inside - mean) / deviation)
    np.testing.assert_allclose(head(torch.from_numpy(inside))[:, 1].numpy(), expected, rtol=1e-3)
    np.testing.assert_allclose(-known.score_samples(standard[60:]), 1, rtol=1e-6)
    for rounding in (0.0, 1e-6):
        np.testing.assert_allclose(head(torch.from_numpy(copies + np.float32(rounding)))[:, 1].numpy(), 1, rtol=0.05)


def test_densities_are_estimated_among_the_examples_that_are_kept(adapted):
    train, _, _ = features_of(adapted, "local-outlier-factor", neighbours=3, bank=4)
    assert len(train) > 4
    made = adapted(
        "local-outlier-factor",
        TASK,
        overrides={**SHORT, "local-outlier-factor.neighbours": 3, "local-outlier-factor.bank": 4},
    )
    assert len(made.model.heads["target"].bank) == 4
    assert (made.model.heads["target"].density > 0).all()


def test_rounding_moves_no_score_of_tails_by_a_whole_count():
    random = np.random.default_rng(0)
    kept = random.normal(size=(400, 8)).astype(np.float32)
    head = Tails(8, 400)
    head.fill(kept, np.full(8, 1e-3))
    seen = torch.from_numpy(kept)
    moved = head(seen + 1e-6 * torch.randn(seen.shape, generator=torch.Generator().manual_seed(0)))
    assert float((moved - head(seen)).abs().max()) < 5e-3  # of one count in the tail: 0.69
    counted = (seen[:, None] >= seen[None]).sum(1), (seen[:, None] <= seen[None]).sum(1)
    left, right = (-((count + 1) / 401).log() for count in counted)
    by_skewness = torch.where(torch.from_numpy(skew(kept) < 0), left, right)
    exact = torch.stack([left, right, by_skewness]).sum(2).amax(0)
    torch.testing.assert_close(head(seen)[:, 1], exact, rtol=5e-3, atol=0)


def test_a_bank_that_is_not_full_changes_nothing():
    random = np.random.default_rng(0)
    kept, seen = random.normal(size=(30, 4)), torch.from_numpy(random.normal(size=(9, 4)).astype(np.float32))
    small, large = Tails(4, 30), Tails(4, 50)
    for head in (small, large):
        head.fill(kept, np.full(4, 1e-3))
    assert torch.equal(small(seen), large(seen))
    assert small(seen).shape == (9, 2)


def test_a_factor_of_more_neighbours_than_examples_is_refused(adapted):
    with pytest.raises(NotApplicable, match="not more than the 900 neighbours"):
        features_of(adapted, "local-outlier-factor", neighbours=900)
