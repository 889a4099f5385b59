"""Scores of numbers `(M, C)` against numbers."""

from __future__ import annotations

import numpy as np

from tlbench.contract.task_data import Array
from tlbench.learning.metrics.metric import PartlyDefined, Weighted
from tlbench.learning.targets import Predictions, Targets


def r2(predictions: Predictions, targets: Targets) -> Weighted:
    """Coefficient of determination, the mean over the numbers; 0 for a number that is the same in all examples."""

    def weighted(weights: Array) -> float:
        mean = np.average(targets.values, axis=0, weights=weights)
        lost = weights @ np.square(predictions.values - targets.values, dtype=np.float64)
        there = weights @ np.square(targets.values - mean)
        return float(np.where(there > 0, 1 - lost / np.where(there > 0, there, 1), 0).mean())

    return PartlyDefined(weighted, lambda weights: bool((np.ptp(targets.values[weights > 0], axis=0) > 0).all()))


def rmse(predictions: Predictions, targets: Targets) -> Weighted:
    """Root of the mean squared error in the unit of the targets, the mean over the numbers."""
    squares = np.square(predictions.values - targets.values, dtype=np.float64)
    return lambda weights: float(np.sqrt(np.average(squares, axis=0, weights=weights)).mean())


def mae(predictions: Predictions, targets: Targets) -> Weighted:
    """Mean absolute error in the unit of the targets, the mean over the numbers."""
    errors = np.abs(predictions.values - targets.values, dtype=np.float64)
    return lambda weights: float(np.average(errors, axis=0, weights=weights).mean())
