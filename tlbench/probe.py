"""Linear heads on frozen features."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from tlbench.data import Array

STRENGTHS = np.logspace(-4, 4, 9)
"""Inverse L2 strengths C that are tried, on standardised features."""
FOLDS = 4
FEW = 1000
"""Up to so many units every fold is a validation part in turn; above, one fold is enough."""


@dataclass(frozen=True)
class Linear:
    """Weights `(C, D)` and bias `(C,)` of a softmax classifier on raw features."""

    weight: Array
    """`(C, D)`."""
    bias: Array
    """`(C,)`."""

    def outputs(self, features: Array) -> Array:
        """Return `(M, C)`."""
        return np.asarray(features @ self.weight.T + self.bias, np.float32)

    def copy_into(self, head: nn.Module) -> None:
        """Set a head that is one `nn.Linear`."""
        if not isinstance(head, nn.Linear):
            raise TypeError(f"A linear probe fits a Linear head, not {type(head).__name__}.")
        with torch.no_grad():
            head.weight.copy_(torch.from_numpy(self.weight))
            head.bias.copy_(torch.from_numpy(self.bias))


def fit_probe(features: Array, targets: Array, classes: int) -> Linear:
    """Fit L2-regularised multinomial logistic regression to features `(M, D)` and targets `(M,)`.

    The strength with the least validation loss is taken, ties to the stronger, and refitted on everything. The
    standardisation of the features is folded into the weights, so that serving needs one matrix product.
    """
    mean = features.mean(0, dtype=np.float64)
    scale = features.std(0, dtype=np.float64)
    scale = np.where(scale > 1e-8, scale, 1.0)
    standard = (features - mean) / scale
    seen = np.unique(targets)
    if len(seen) == 1:
        weight, bias = np.zeros((1, features.shape[1])), np.zeros(1)
    else:
        weight, bias = _fit(standard, targets, _choose_strength(standard, targets))
    weight = weight / scale
    return _with_unseen(weight, bias - weight @ mean, seen, mean, len(targets), classes)


def _fit(features: Array, targets: Array, strength: float) -> tuple[Array, Array]:
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=strength, max_iter=1000, tol=1e-5).fit(features, targets)
    if len(model.classes_) == 2:  # One row for two classes: the log-odds.
        return np.concatenate([-model.coef_, model.coef_]) / 2, np.concatenate(
            [-model.intercept_, model.intercept_]
        ) / 2
    return model.coef_, model.intercept_


def _choose_strength(features: Array, targets: Array) -> float:
    """Return the strength whose mean validation loss over the folds is least."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold

    counts = np.bincount(targets)
    frequent = np.isin(targets, np.flatnonzero(counts >= 2))
    features, targets = features[frequent], targets[frequent]
    if len(np.unique(targets)) < 2:
        return 1.0
    folds = list(
        StratifiedKFold(min(FOLDS, counts[counts >= 2].min()), shuffle=True, random_state=0).split(features, targets)
    )
    losses = np.zeros(len(STRENGTHS))
    for train, validation in folds if len(targets) <= FEW else folds[:1]:
        model = LogisticRegression(max_iter=200, tol=1e-3, warm_start=True)
        for position, strength in enumerate(STRENGTHS):
            model.set_params(C=strength).fit(features[train], targets[train])
            with np.errstate(divide="ignore"):  # A probability of 0 is cut below.
                log_probability = model.predict_log_proba(features[validation])
            column = np.searchsorted(model.classes_, targets[validation])
            losses[position] -= np.maximum(log_probability[np.arange(len(column)), column], -50.0).mean()
    return float(STRENGTHS[int(losses.argmin())])


def _with_unseen(weight: Array, bias: Array, seen: Array, mean: Array, size: int, classes: int) -> Linear:
    """Give classes without an example the probability 1 / (size + classes) at the mean feature (Laplace's rule)."""
    full_weight = np.zeros((classes, weight.shape[1]), np.float32)
    total = np.logaddexp.reduce(weight @ mean + bias)
    full_bias = np.full(classes, total - np.log(size + len(seen)), np.float32)
    full_weight[seen], full_bias[seen] = weight, bias
    return Linear(full_weight, full_bias)
