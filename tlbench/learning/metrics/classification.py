"""Scores of probabilities `(M, C)` against one label for each unit."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tlbench.contract.task_data import Array
from tlbench.learning.metrics.metric import (
    Metric,
    PartlyDefined,
    Vectorised,
    Weighted,
    divided,
    example_of_units,
    mean_of_units,
    proportion,
    sums_by_example,
)
from tlbench.learning.metrics.ranking import Scores, areas_under_roc, average_precisions
from tlbench.learning.targets import Predictions, Targets


def accuracy(predictions: Predictions, targets: Targets) -> Weighted:
    """Part of the units whose most probable label is the target: a proportion, if each example is one unit."""
    correct = predictions.values.argmax(1) == targets.values
    return proportion(correct) if (targets.counts == 1).all() else mean_of_units(correct, targets)


def _label_counts(predictions: Predictions, targets: Targets) -> Callable[[Array], tuple[Array, Array, Array]]:
    """Return how often each label is found right, found and there, `(D, C)` each, as a function of weights `(D, N)`."""
    from scipy.sparse import csr_array

    labels, example = predictions.values.shape[1], example_of_units(targets)
    found = predictions.values.argmax(1)
    right = found == targets.values
    # A unit counts in no more than three of the 3 C columns, whatever the number of labels.
    rows = np.concatenate([example[right], example, example])
    columns = np.concatenate([found[right], labels + found, 2 * labels + targets.values])
    table = csr_array((np.ones(len(rows)), (rows, columns)), shape=(len(targets), 3 * labels))

    def counts(weights: Array) -> tuple[Array, Array, Array]:
        right, found, there = np.split(weights @ table, 3, axis=1)
        return right, found, there

    return counts


def _macro(formula: Callable[[Array, Array, Array], tuple[Array, Array, Array]]) -> Metric:
    """Mean of a ratio over the classes that count; 0 / 0 counts as 0."""

    def metric(predictions: Predictions, targets: Targets) -> Weighted:
        counts = _label_counts(predictions, targets)

        def weighted(weights: Array) -> Array:
            above, below, counted = formula(*counts(weights))
            means: Array = np.where(counted, divided(above, below), 0.0).sum(1) / counted.sum(1)
            return means

        return Vectorised(weighted)

    return metric


macro_precision = _macro(lambda right, found, there: (right, found, found + there > 0))
macro_recall = _macro(lambda right, found, there: (right, there, found + there > 0))
macro_f1 = _macro(lambda right, found, there: (2 * right, found + there, found + there > 0))
balanced_accuracy = _macro(lambda right, found, there: (right, there, there > 0))


def negative_log_likelihood(predictions: Predictions, targets: Targets) -> Weighted:
    """Mean of -log p(target), in nats; probabilities below 1e-12 count as 1e-12."""
    chosen = np.take_along_axis(predictions.values, targets.values[:, None], 1)[:, 0]
    loss = -np.log(np.maximum(chosen.astype(np.float64), 1e-12))
    return mean_of_units(loss, targets)


def calibration_error(predictions: Predictions, targets: Targets, bins: int = 15) -> Weighted:
    """Expected calibration error over equal-width bins of confidence (Guo et al. 2017, arXiv:1706.04599, eq. 3)."""
    confidence = predictions.values.max(1).astype(np.float64)
    correct = predictions.values.argmax(1) == targets.values
    # Bin m is ((m - 1) / bins, m / bins].
    place = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    cells = example_of_units(targets) * bins + place
    excess = np.bincount(cells, correct - confidence, len(targets) * bins).reshape(-1, bins)
    return Vectorised(lambda weights: np.abs(weights @ excess).sum(1) / (weights @ targets.counts))


def _ranking(of: Callable[[Array, Array, Array], Scores]) -> Metric:
    """A score that ranks units by the probability of label 1; 0 if there is no unit of a label."""

    def metric(predictions: Predictions, targets: Targets) -> Weighted:
        positive = targets.values == 1
        ranked = of(predictions.values[:, 1], positive, example_of_units(targets))
        of_label = [sums_by_example(values, targets) for values in (positive, targets.values == 0)]

        def present(weights: Array) -> Array:
            return np.logical_and(*(weights @ number > 0 for number in of_label))

        return PartlyDefined(
            Vectorised(lambda weights: np.where(present(weights), ranked(weights), 0.0)),
            Vectorised(present),
            by_targets=True,
        )

    return metric


average_precision = _ranking(average_precisions)
area_under_roc = _ranking(areas_under_roc)
