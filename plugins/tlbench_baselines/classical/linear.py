"""Linear models of scikit-learn over sparse features."""

from __future__ import annotations

from typing import Any

import numpy as np

from tlbench import Array
from tlbench.learning import Linear

STRENGTH = 10.0
"""Inverse L2 strength of logistic regression, and inverse penalty of ridge regression."""


def fit_linear(features: Any, targets: Array, outputs: int) -> Linear:
    """Fit logistic regression to sparse features `(M, D)` and labels `(M,)`; one for each label of `(M, L)` 0/1; ridge
    regression to numbers `(M, C)`.
    """
    from sklearn.linear_model import Ridge

    if targets.dtype.kind == "f":
        ridge = Ridge(1 / STRENGTH).fit(features, targets)
        return Linear(np.atleast_2d(ridge.coef_), np.atleast_1d(ridge.intercept_))
    if targets.ndim == 1:
        return fit_classes(features, targets, outputs)
    pairs = [fit_classes(features, column, 2) for column in targets.T]
    return Linear(
        np.stack([pair.weight[1] - pair.weight[0] for pair in pairs]),
        np.stack([pair.bias[1] - pair.bias[0] for pair in pairs]),
    )


def fit_classes(features: Any, targets: Array, outputs: int) -> Linear:
    """Fit logistic regression; a label without an example has the bias of one of M + C."""
    from sklearn.linear_model import LogisticRegression

    seen, size = np.unique(targets), len(targets)
    weight = np.zeros((outputs, features.shape[1]), np.float32)
    bias = np.full(outputs, -np.log(size + outputs), np.float32)
    if len(seen) == 1:
        bias[seen] = 0
        return Linear(weight, bias)
    used = np.unique(features.indices)  # The weights of all others are 0.
    model = LogisticRegression(C=STRENGTH, max_iter=1000).fit(features[:, used], targets)
    coef, intercept = model.coef_, model.intercept_
    if len(seen) == 2:  # One row for two classes: the log-odds.
        coef, intercept = np.concatenate([-coef, coef]) / 2, np.concatenate([-intercept, intercept]) / 2
    weight[np.ix_(seen, used)], bias[seen] = coef, intercept
    return Linear(weight, bias)
