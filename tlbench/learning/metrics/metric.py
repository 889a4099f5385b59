"""What a metric is, and its score over all examples.

A metric takes the predictions of M units and their targets, does the costly part once, and returns the score
as a function of example weights `(N,)`: all ones for the score itself, resampled counts for its interval.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from tlbench.contract.task_data import Array
from tlbench.errors import ContractError
from tlbench.learning.targets import Predictions, Targets

Weighted = Callable[[Array], float]
"""Example weights `(N,)` -> score."""
Metric = Callable[[Predictions, Targets], Weighted]
"""Predictions and targets -> score as a function of example weights."""


def score(metric: Metric, predictions: Predictions, targets: Targets) -> float:
    """Return a metric over all examples alike. Raises `ContractError` if that is no finite number."""
    return score_of_all(metric(predictions, targets), len(targets))


def score_of_all(weighted: Weighted, size: int) -> float:
    """Return the score of all examples alike, `size` of them. Raises `ContractError` if that is no finite number."""
    value = float(weighted(np.ones(size)))
    if not math.isfinite(value):
        raise ContractError(f"A metric of the kind returned {value}; it must return a finite number.")
    return value


@dataclass(frozen=True)
class Vectorised:
    """A function of example weights that is computed for many sets of weights at once."""

    many: Callable[[Array], Array]
    """Weights `(D, N)` -> values `(D,)`. What cannot be divided is NaN, without a warning."""
    holds: Array | None = None
    """`(N,)` bool, if the score is the share of examples for which something holds."""

    def __call__(self, weights: Array) -> Any:
        """Return the value for one set of weights `(N,)`."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return self.many(weights[None])[0].item()


def for_many(function: Callable[[Array], Any], weights: Array) -> Array:
    """Return the values `(D,)` of a function of example weights for weights `(D, N)`."""
    if isinstance(function, Vectorised):
        with np.errstate(divide="ignore", invalid="ignore"):
            return function.many(weights)
    return np.array([function(each) for each in weights])


@dataclass(frozen=True)
class PartlyDefined:
    """A score that some sets of examples do not have, such as the AUROC of examples of one class alone.

    It is a number for them too, by a convention of the metric; but no group of such examples is the worst one, and no
    draw of groups that has no score counts for an interval.
    """

    score: Weighted
    """Example weights `(N,)` -> score, whether it is defined or not."""
    defined: Callable[[Array], bool]
    """Example weights `(N,)` -> whether these examples have a score."""
    by_targets: bool = False
    """Whether targets alone decide that, and the score of all models is the same without it: it can choose none."""

    def __call__(self, weights: Array) -> float:
        """Return the score."""
        return self.score(weights)


def score_if_defined(weighted: Weighted, weights: Array) -> float | None:
    """Return the score of weighted examples, or None if they have none: `PartlyDefined` says so, or it is NaN."""
    if isinstance(weighted, PartlyDefined) and not weighted.defined(weights):
        return None
    value = float(weighted(weights))
    return None if math.isnan(value) else value


def scores_of(weighted: Weighted, weights: Array) -> Array:
    """Return the scores `(D,)` of examples with weights `(D, N)`; NaN where they have none, or one that is infinite."""
    if isinstance(weighted, PartlyDefined):
        scores = np.where(for_many(weighted.defined, weights), for_many(weighted.score, weights), np.nan)
    else:
        scores = for_many(weighted, weights).astype(np.float64)
    return np.where(np.isfinite(scores), scores, np.nan)


def proportion(holds: Array) -> Weighted:
    """Return the share of examples for which something holds, such as that the answer is right.

    `holds` is `(N,)` bool, one an example. The interval of such a score is Wilson's. Raises `ContractError` for an
    array of another shape or type.
    """
    if holds.ndim != 1 or holds.dtype != np.bool_:
        raise ContractError(f"A proportion is of {holds.dtype} {holds.shape}; expected bool (N,), one an example.")
    return Vectorised(lambda weights: weights @ holds / weights.sum(1), holds)


def mean_of_units(values: Array, targets: Targets) -> Weighted:
    """Return the mean of a value `(M,)` for each unit as a function of example weights."""
    sums = sums_by_example(values, targets)
    return Vectorised(lambda weights: weights @ sums / (weights @ targets.counts))


def sums_by_example(values: Array, targets: Targets) -> Array:
    """Return the sum `(N,)` of a value `(M,)` for each unit over the units of each example."""
    return np.bincount(example_of_units(targets), values, len(targets))


def example_of_units(targets: Targets) -> Array:
    """Return the position of the example that each unit belongs to, `(M,)` int64."""
    return np.repeat(np.arange(len(targets)), targets.counts)


def divided(above: Array, below: Array) -> Array:
    """Return a ratio of arrays of one shape; 0 where `below` is 0."""
    ratios: Array = np.divide(above, below, out=np.zeros(above.shape), where=below != 0)
    return ratios


def from_statistics(statistics: Array, formula: Callable[[Array], float]) -> Weighted:
    """Return a score that is a formula of sums over the examples, such as counts of what was found right.

    `statistics` is `(N, S)`: S numbers for each example; `formula` takes their weighted sums `(S,)`. Raises
    `ContractError` if the statistics have another number of axes.
    """
    if statistics.ndim != 2:
        raise ContractError(f"Statistics have the shape {statistics.shape}; expected (N, S), a row for each example.")
    return Vectorised(lambda weights: np.array([formula(sums) for sums in weights @ statistics], np.float64))


def from_positions(score: Callable[[Array], float], size: int) -> Weighted:
    """Return the score of a metric that takes no weights: an example of weight 2 is there twice.

    `score` takes the positions of examples, int64 `(K,)`, each from 0 to `size` - 1, and returns their score. The
    weights must be whole numbers, as those of every score and interval are: others raise `ContractError`.
    """

    def weighted(weights: Array) -> float:
        if weights.shape != (size,):
            raise ContractError(f"The weights have the shape {weights.shape}; expected ({size},), one an example.")
        if not (weights == np.floor(weights)).all() or weights.min(initial=0) < 0:
            raise ContractError(
                "A metric made by `from_positions` repeats examples: their weights must be whole numbers from 0 on. "
                "Use whole weights, or a metric that takes weights."
            )
        return float(score(np.repeat(np.arange(size), weights.astype(np.int64))))

    return weighted
