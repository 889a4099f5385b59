"""What a metric is, its score over all examples and the score's bootstrap interval.

A metric takes the predictions of M units and their targets, does the costly part once, and returns the score
as a function of example weights `(N,)`: all ones for the score itself, resampled counts for its interval.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tlbench.contract.task_data import Array
from tlbench.learning.data import Predictions, Targets

Weighted = Callable[[Array], float]
"""Example weights `(N,)` -> score."""
Metric = Callable[[Predictions, Targets], Weighted]
"""Predictions and targets -> score as a function of example weights."""


def score(metric: Metric, predictions: Predictions, targets: Targets) -> float:
    """Return a metric over all examples alike."""
    return metric(predictions, targets)(np.ones(len(targets)))


def bootstrap_interval(weighted: Weighted, size: int, draws: int = 200) -> tuple[float, float]:
    """Return the central 95 % of a score over test sets of `size` drawn anew, with replacement.

    The draws are the same for every model, so that intervals of one test set can be compared.
    """
    weights = np.random.default_rng(0).multinomial(size, np.full(size, 1 / size), draws)
    low, high = np.quantile([weighted(weight.astype(np.float64)) for weight in weights], [0.025, 0.975])
    return float(low), float(high)
