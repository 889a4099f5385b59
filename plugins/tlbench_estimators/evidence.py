"""LogME (You et al. 2021): the evidence of a Bayesian linear model."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tlbench import EstimateRequest

ROUNDS = 200
"""Maximum number of steps of the fixed-point iteration, which needs some ten."""
CLOSE = 1e-9
"""Relative change of both precisions at which it has converged."""
SMALLEST = 1e-12
"""A sum of squares is at least this: targets that a line hits exactly have no finite evidence."""


def logme(request: EstimateRequest) -> float:
    """Return the mean log evidence for each unit over the outputs: one for each class that is there, or value."""
    features, targets = request.features.astype(np.float64), request.targets
    # A class without an example would have nearly infinite evidence: nothing is predicted without an error.
    named = targets.dtype.kind in "iu" and targets.ndim == 1
    columns = targets[:, None] == np.unique(targets) if named else targets
    columns = columns.reshape(len(features), -1).astype(np.float64)
    left, singular, _ = np.linalg.svd(features, full_matrices=False)
    return float(np.mean([log_evidence(left, singular, column) for column in columns.T]))


def log_evidence(left: NDArray[np.float64], singular: NDArray[np.float64], targets: NDArray[np.float64]) -> float:
    """Return the largest log evidence of `targets = features @ weights + noise`, divided by the number of units M.

    Weights have precision alpha and noise has precision beta, chosen by MacKay's fixed-point iteration. The features
    `(M, D)` come as the first two parts of their singular value decomposition, `(M, K)` and `(K,)`.
    """
    units, squares = len(targets), singular**2
    projected = left.T @ targets
    outside = max(float(targets @ targets - projected @ projected), 0.0)
    alpha = beta = 1.0

    def moments() -> tuple[float, float]:
        """Squared norm of the mean weights, and squared error of their predictions."""
        mean = beta * singular * projected / (alpha + beta * squares)
        return float(mean @ mean), float(np.square(projected - singular * mean).sum()) + outside

    for _ in range(ROUNDS):
        effective = float((beta * squares / (alpha + beta * squares)).sum())
        norm, error = moments()
        before = alpha, beta
        alpha = max(effective, SMALLEST) / max(norm, SMALLEST)
        beta = max(units - effective, SMALLEST) / max(error, SMALLEST)
        if np.allclose(before, (alpha, beta), rtol=CLOSE, atol=0):
            break
    norm, error = moments()
    # log |alpha I + beta F'F| - D log(alpha): directions without features cancel.
    volume = float(np.log1p(beta * squares / alpha).sum())
    return (units * float(np.log(beta / (2 * np.pi))) - volume - beta * error - alpha * norm) / (2 * units)
