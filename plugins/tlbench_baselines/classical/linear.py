"""Linear models of scikit-learn over sparse features."""

from __future__ import annotations

from typing import Any

import numpy as np

from tlbench import Array
from tlbench.learning import Linear, choose_strength

STRENGTHS = np.array([1.0, 10.0, 100.0])
"""Inverse L2 strengths of logistic regression, and inverse penalties of ridge regression, that are tried."""
FOLDS = 4
TOLERANCE = 1e-5
"""Gradient at which fits for the choice end: a coarser one would stop stronger models where weaker ones end."""


def fit_linear(features: Any, targets: Array, outputs: int, groups: Array | None = None) -> Linear:
    """Fit logistic regression to sparse features `(M, D)` and labels `(M,)`; one for each label of `(M, L)` 0/1; ridge
    regression to numbers `(M, C)`. The strength is chosen on folds that keep `groups` `(M,)` together.
    """
    if targets.dtype.kind == "f":
        return fit_numbers(features, targets, np.arange(len(targets)) if groups is None else groups)
    if targets.ndim == 1:
        return fit_classes(features, targets, outputs, groups)
    pairs = [fit_classes(features, column, 2, groups) for column in targets.T]
    return Linear(
        np.stack([pair.weight[1] - pair.weight[0] for pair in pairs]),
        np.stack([pair.bias[1] - pair.bias[0] for pair in pairs]),
    )


def fit_numbers(features: Any, targets: Array, groups: Array) -> Linear:
    """Fit ridge regression; with too few groups for folds the middle penalty."""
    from sklearn.linear_model import Ridge, RidgeCV
    from sklearn.model_selection import GroupKFold

    model = Ridge(1 / STRENGTHS[len(STRENGTHS) // 2])
    if len(np.unique(groups)) >= 2 * FOLDS:
        model = RidgeCV(1 / STRENGTHS, cv=list(GroupKFold(FOLDS).split(features, groups=groups)))
    model.fit(features, targets)
    return Linear(np.atleast_2d(model.coef_), np.atleast_1d(model.intercept_))


def fit_classes(features: Any, targets: Array, outputs: int, groups: Array | None = None) -> Linear:
    """Fit logistic regression; a label without an example has the bias of one of M + C."""
    from sklearn.linear_model import LogisticRegression

    seen, size = np.unique(targets), len(targets)
    weight = np.zeros((outputs, features.shape[1]), np.float32)
    bias = np.full(outputs, -np.log(size + outputs), np.float32)
    if len(seen) == 1:
        bias[seen] = 0
        return Linear(weight, bias)
    used = np.unique(features.indices)  # The weights of all others are 0.
    features = features[:, used]
    strength = choose_strength(features, targets, STRENGTHS, groups, TOLERANCE)
    model = LogisticRegression(C=strength, max_iter=1000).fit(features, targets)
    coef, intercept = model.coef_, model.intercept_
    if len(seen) == 2:  # One row for two classes: the log-odds.
        coef, intercept = np.concatenate([-coef, coef]) / 2, np.concatenate([-intercept, intercept]) / 2
    weight[np.ix_(seen, used)], bias[seen] = coef, intercept
    return Linear(weight, bias)
