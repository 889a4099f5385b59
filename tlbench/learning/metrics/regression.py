"""Scores of numbers `(M, C)` against numbers."""

from __future__ import annotations

import numpy as np

from tlbench.contract.task_data import Array
from tlbench.learning.metrics.metric import PartlyDefined, Vectorised, Weighted
from tlbench.learning.targets import Predictions, Targets


def r2(predictions: Predictions, targets: Targets) -> Weighted:
    """Coefficient of determination, the mean over the numbers; 0 for a number that is the same in all examples."""
    squares = np.square(predictions.values - targets.values, dtype=np.float64)
    columns = targets.values.astype(np.float64).T

    def weighted(weights: Array) -> Array:
        lost, varies = (weights @ squares).T, _varies(weights)
        # Each draw has its own mean: sums of squares alone would lose the digits of targets far from 0.
        there = np.array(
            [(weights * np.square(column - (weights @ column / weights.sum(1))[:, None])).sum(1) for column in columns]
        )
        means: Array = np.where(varies, 1 - lost / there, 0.0).mean(0)
        return means

    def _varies(weights: Array) -> Array:
        present = weights > 0
        return np.array([np.where(present, c, -np.inf).max(1) > np.where(present, c, np.inf).min(1) for c in columns])

    return PartlyDefined(
        Vectorised(weighted),
        Vectorised(lambda weights: np.asarray(_varies(weights).all(0))),
        by_targets=len(columns) == 1,  # of several numbers, others may vary
    )


def rmse(predictions: Predictions, targets: Targets) -> Weighted:
    """Root of the mean squared error in the unit of the targets, the mean over the numbers."""
    squares = np.square(predictions.values - targets.values, dtype=np.float64)
    return Vectorised(lambda weights: np.sqrt(weights @ squares / weights.sum(1, keepdims=True)).mean(1))


def mae(predictions: Predictions, targets: Targets) -> Weighted:
    """Mean absolute error in the unit of the targets, the mean over the numbers."""
    errors = np.abs(predictions.values - targets.values, dtype=np.float64).mean(1)
    return Vectorised(lambda weights: weights @ errors / weights.sum(1))
