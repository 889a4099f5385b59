"""H-score and GBC: how far apart the features of the classes lie."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tlbench import EstimateRequest

COMPONENTS = 64
"""Main components of the features that GBC looks at, as in the paper."""
FLOOR = 1e-6
"""Least variance of a class, as a part of the variance of all features: a class with one example has none."""


def h_score(request: EstimateRequest) -> float:
    """Return the trace of cov(f)^-1 cov(E[f | y]), both shrunk as Ledoit and Wolf do (Ibrahim et al. 2021)."""
    from sklearn.covariance import ledoit_wolf

    features = _centred(request)
    shrunk, shrinkage = ledoit_wolf(features, assume_centered=True)
    _, index, counts = np.unique(request.targets, return_inverse=True, return_counts=True)
    means = (np.eye(len(counts))[index].T @ features) / counts[:, None]
    between = (1 - shrinkage) * (means.T * counts) @ means / len(features)
    return float(np.trace(np.linalg.pinv(shrunk, hermitian=True) @ between))


def gbc(request: EstimateRequest) -> float:
    """Return minus the sum of the Bhattacharyya coefficients of all pairs of classes, spherical Gaussians."""
    from sklearn.decomposition import PCA

    features = request.features.astype(np.float64)
    features = PCA(min(COMPONENTS, *features.shape), svd_solver="full").fit_transform(features)
    least = FLOOR * float(features.var(0).mean())
    classes = [features[request.targets == label] for label in np.unique(request.targets)]
    means = np.stack([members.mean(0) for members in classes])
    variances = np.array([max(float(members.var(0).mean()), least) for members in classes])
    first, second = np.triu_indices(len(classes), 1)
    return -2 * float(overlap(means[first], means[second], variances[first], variances[second]).sum())


def overlap(
    first: NDArray[np.float64],
    second: NDArray[np.float64],
    variance: NDArray[np.float64],
    other: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return the Bhattacharyya coefficients, 0 to 1, of P pairs of Gaussians: means `(P, D)`, variances `(P,)`."""
    mean = (variance + other) / 2
    distance = np.square(first - second).sum(1) / (8 * mean)
    distance += first.shape[1] / 2 * np.log(mean / np.sqrt(variance * other))
    coefficients: NDArray[np.float64] = np.exp(-distance)
    return coefficients


def _centred(request: EstimateRequest) -> NDArray[np.float64]:
    features = request.features.astype(np.float64)
    centred: NDArray[np.float64] = features - features.mean(0)
    return centred
