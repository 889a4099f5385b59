"""What a metric is, its score over all examples and the score's bootstrap interval.

A metric takes the predictions of M units and their targets, does the costly part once, and returns the score
as a function of example weights `(N,)`: all ones for the score itself, resampled counts for its interval.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

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
    value = float(metric(predictions, targets)(np.ones(len(targets))))
    if not math.isfinite(value):
        raise ContractError(f"A metric of the kind returned {value}; it must return a finite number.")
    return value


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

    def __call__(self, weights: Array) -> float:
        """Return the score."""
        return self.score(weights)


def score_if_defined(weighted: Weighted, weights: Array) -> float | None:
    """Return the score of weighted examples, or None if they have none: `PartlyDefined` says so, or it is NaN."""
    if isinstance(weighted, PartlyDefined) and not weighted.defined(weights):
        return None
    value = float(weighted(weights))
    return None if math.isnan(value) else value


def from_statistics(statistics: Array, formula: Callable[[Array], float]) -> Weighted:
    """Return a score that is a formula of sums over the examples, such as counts of what was found right.

    `statistics` is `(N, S)`: S numbers for each example; `formula` takes their weighted sums `(S,)`. Raises
    `ContractError` if the statistics have another number of axes.
    """
    if statistics.ndim != 2:
        raise ContractError(f"Statistics have the shape {statistics.shape}; expected (N, S), a row for each example.")
    return lambda weights: float(formula(weights @ statistics))


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


def bootstrap_interval(
    weighted: Weighted, size: int, groups: Array | None = None, draws: int = 200
) -> tuple[float, float]:
    """Return the central 95 % of a score over test sets of `size` drawn anew, with replacement.

    With `groups`, a name `(N,)` for each example, whole groups are drawn: the examples of a speaker or of a patient are
    alike, and the interval of examples drawn one by one would be too narrow. Draws that have no score are left out.
    The draws are the same for every model, so that intervals of one test set can be compared.
    """
    random = np.random.default_rng(0)
    if groups is None:
        weights = random.multinomial(size, np.full(size, 1 / size), draws)
        scores = [weighted(weight.astype(np.float64)) for weight in weights]
    else:
        names, place = np.unique(groups, return_inverse=True)
        weights = random.multinomial(len(names), np.full(len(names), 1 / len(names)), draws)[:, place]
        scores = _defined(weighted, weights)
    low, high = np.quantile(scores, [0.025, 0.975])
    return float(low), float(high)


def _defined(weighted: Weighted, weights: Array) -> list[float]:
    """Return the scores of those draws that have one; if none has, what the metric gives by convention."""
    draws = [weight.astype(np.float64) for weight in weights]
    found = [score_if_defined(weighted, draw) for draw in draws]
    return [value for value in found if value is not None] or [weighted(draw) for draw in draws]
