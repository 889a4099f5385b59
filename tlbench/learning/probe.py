"""Linear heads on frozen features."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import nn

from tlbench.contract.task_data import Array
from tlbench.learning.data import Examples
from tlbench.learning.heads import Distance, ScaledLinear
from tlbench.learning.model import TransferModel, encode_split
from tlbench.learning.targets import Targets

STRENGTHS = np.logspace(-4, 4, 9)
"""Inverse L2 strengths C that are tried, on standardised features."""
PENALTIES = np.logspace(-3, 6, 19)
"""L2 penalties of ridge regression that are tried, on standardised features and targets."""
FOLDS = 4
MOST_UNITS = 20_000
"""Units that a probe is fitted to at the most, where there are many more of them than examples, as of pixels."""
FEW = 1000
"""Up to so many units every fold is a validation part in turn; above, one fold is enough."""


@dataclass(frozen=True)
class Linear:
    """Weights `(C, D)` and bias `(C,)` of a linear head on raw features."""

    weight: Array
    """`(C, D)`."""
    bias: Array
    """`(C,)`."""
    scale: Array | None = None
    """Spread of the targets `(C,)`, for a head that has one."""

    def outputs(self, features: Array) -> Array:
        """Return `(M, C)`."""
        return np.asarray(features @ self.weight.T + self.bias, np.float32)

    def copy_into(self, head: nn.Module) -> None:
        """Set a head that is one `nn.Linear`."""
        if not isinstance(head, nn.Linear):
            raise TypeError(f"A linear probe fits a Linear head, not {type(head).__name__}.")
        if isinstance(head, ScaledLinear):
            scale = np.ones(len(self.bias)) if self.scale is None else self.scale
            head.put(self.weight / scale[:, None], self.bias, scale)
            return
        with torch.no_grad():
            head.weight.copy_(torch.from_numpy(self.weight))
            head.bias.copy_(torch.from_numpy(self.bias))


@dataclass(frozen=True)
class Gaussian(Linear):
    """A normal distribution of features: outputs are 0 and the squared Mahalanobis distance from its mean."""

    center: Array = field(kw_only=True)
    """`(D,)`."""
    root: Array = field(kw_only=True)
    """A root of the inverse covariance, `(D, D)`."""

    def outputs(self, features: Array) -> Array:
        distance = np.square((features - self.center) @ self.root).sum(1)
        return np.stack([np.zeros_like(distance), distance], 1).astype(np.float32)

    def copy_into(self, head: nn.Module) -> None:
        """Set a head that is a `Distance`."""
        if not isinstance(head, Distance):
            raise TypeError(f"A Gaussian fits a Distance head, not {type(head).__name__}.")
        head.place(self.center, self.root)


def some_units(size: int) -> Array:
    """Return the positions of at most `MOST_UNITS` of `size` units, in order, always the same."""
    if size <= MOST_UNITS:
        return np.arange(size)
    return np.sort(np.random.default_rng(0).choice(size, MOST_UNITS, replace=False))


def encode_some(model: TransferModel, examples: Examples) -> Array:
    """Return the features `(M, D)` of `some_units` of examples: an image has thousands of pixels, too many to keep."""
    kept = np.zeros(len(examples.targets.values), bool)
    kept[some_units(len(kept))] = True
    return encode_split(model, examples.inputs, Targets(kept, examples.targets.counts)).values


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
        weight, bias = _fit(standard, targets, choose_strength(standard, targets))
    weight = weight / scale
    return _with_unseen(weight, bias - weight @ mean, seen, mean, len(targets), classes)


def fit_probes(features: Array, targets: Array) -> Linear:
    """Fit a probe as `fit_probe` does to each label of targets `(M, L)` 0/1 for itself; outputs are log-odds."""
    fitted = [fit_probe(features, of.astype(np.int64), 2) for of in targets.T]
    odds = np.array([-1.0, 1.0])
    return Linear(
        np.stack([odds @ one.weight for one in fitted]).astype(np.float32),
        np.stack([odds @ one.bias for one in fitted]).astype(np.float32),
    )


def fit_gaussian(features: Array) -> Gaussian:
    """Fit a normal distribution to features `(M, D)`, its covariance shrunk as Ledoit & Wolf 2004 say."""
    from sklearn.covariance import LedoitWolf

    width = features.shape[1]
    weight, bias = np.zeros((2, width)), np.zeros(2)
    if not features.std(0).any():  # One example, or features that never vary: the Euclidean distance.
        return Gaussian(weight, bias, center=features.mean(0), root=np.eye(width))
    fitted = LedoitWolf().fit(features.astype(np.float64))
    return Gaussian(weight, bias, center=fitted.location_, root=np.linalg.cholesky(fitted.precision_))


def fit_ridge(features: Array, targets: Array) -> Linear:
    """Fit ridge regression to features `(M, D)`, standardised, and targets `(M, C)`.

    Each output has the strength of the least leave-one-out error, which one eigendecomposition gives for all of them.
    """
    from sklearn.linear_model import RidgeCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    spread = targets.std(0, dtype=np.float64)
    scale = np.where(spread > 0, spread, 1.0)
    if len(targets) < 3 or not spread.any():
        return Linear(np.zeros((targets.shape[1], features.shape[1])), targets.mean(0, dtype=np.float64), scale)
    standardise, ridge = StandardScaler(), RidgeCV(PENALTIES, alpha_per_target=True)
    make_pipeline(standardise, ridge).fit(features.astype(np.float64), targets / scale)
    weight = scale[:, None] * np.atleast_2d(ridge.coef_) / standardise.scale_
    return Linear(weight, scale * ridge.intercept_ - weight @ standardise.mean_, scale)


def choose_strength(
    features: Any,
    targets: Array,
    strengths: Array = STRENGTHS,
    groups: Array | None = None,
    tolerance: float = 1e-3,
) -> float:
    """Return the inverse L2 strength of logistic regression whose mean validation loss over folds is least.

    `features` are `(M, D)`, dense or sparse, `targets` `(M,)`, `strengths` ascending; ties go to the stronger penalty.
    Units of one of `groups` `(M,)` are in the same fold. A label in one group alone has no part in the choice; if fewer
    than two others are left, it is the middle one. Fits end at gradients of `tolerance`, which must be smaller for
    features that are not standardised but small.
    """
    from sklearn.linear_model import LogisticRegression

    of_group = targets if groups is None else np.unique(np.stack([targets, groups]), axis=1)[0]
    counts = np.bincount(of_group)
    frequent = np.isin(targets, np.flatnonzero(counts >= 2))
    features, targets = features[frequent], targets[frequent]
    several = len(np.unique(targets)) > 1
    folds = _folds(targets, counts[counts >= 2].min(), None if groups is None else groups[frequent]) if several else []
    if not folds:
        return float(strengths[len(strengths) // 2])
    losses = np.zeros(len(strengths))
    for train, validation in folds if len(targets) <= FEW else folds[:1]:
        model = LogisticRegression(max_iter=200, tol=tolerance, warm_start=True)
        for position, strength in enumerate(strengths):
            model.set_params(C=strength).fit(features[train], targets[train])
            with np.errstate(divide="ignore"):  # A probability of 0 is cut below.
                log_probability = model.predict_log_proba(features[validation])
            column = np.searchsorted(model.classes_, targets[validation])
            losses[position] -= np.maximum(log_probability[np.arange(len(column)), column], -50.0).mean()
    return float(strengths[int(losses.argmin())])


def _fit(features: Array, targets: Array, strength: float) -> tuple[Array, Array]:
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=strength, max_iter=1000, tol=1e-5).fit(features, targets)
    if len(model.classes_) == 2:  # One row for two classes: the log-odds.
        return np.concatenate([-model.coef_, model.coef_]) / 2, np.concatenate(
            [-model.intercept_, model.intercept_]
        ) / 2
    return model.coef_, model.intercept_


def _folds(targets: Array, most: int, groups: Array | None) -> list[tuple[Array, Array]]:
    """Return the positions of training and validation parts, always the same; labels of the second are in the first."""
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    fold = StratifiedKFold if groups is None else StratifiedGroupKFold
    parts = fold(min(FOLDS, most), shuffle=True, random_state=0).split(targets, targets, groups)
    # Groups may leave a label in the validation part alone, or one label in the training part.
    known = [(train, validation[np.isin(targets[validation], targets[train])]) for train, validation in parts]
    return [part for part in known if len(part[1]) and len(np.unique(targets[part[0]])) > 1]


def _with_unseen(weight: Array, bias: Array, seen: Array, mean: Array, size: int, classes: int) -> Linear:
    """Give classes without an example the probability 1 / (size + classes) at the mean feature (Laplace's rule)."""
    full_weight = np.zeros((classes, weight.shape[1]), np.float32)
    total = np.logaddexp.reduce(weight @ mean + bias)
    full_bias = np.full(classes, total - np.log(size + len(seen)), np.float32)
    full_weight[seen], full_bias[seen] = weight, bias
    return Linear(full_weight, full_bias)
