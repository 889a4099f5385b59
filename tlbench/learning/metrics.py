"""Scores as pure functions of predictions and targets.

A metric takes probabilities `(M, C)` of M units and their targets, does the costly part once, and returns the score
as a function of example weights `(N,)`: all ones for the score itself, resampled counts for its interval.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from tlbench.contract.task_data import Array
from tlbench.learning.data import Targets

Weighted = Callable[[Array], float]
"""Example weights `(N,)` -> score."""
Metric = Callable[[Array, Targets], Weighted]
"""Predictions `(M, C)` and targets -> score as a function of example weights."""


def score(metric: Metric, probabilities: Array, targets: Targets) -> float:
    """Return a metric over all examples alike."""
    return metric(probabilities, targets)(np.ones(len(targets)))


def accuracy(probabilities: Array, targets: Targets) -> Weighted:
    """Part of the units whose most probable label is the target."""
    correct = probabilities.argmax(1) == targets.values
    return lambda weights: float(np.average(correct, weights=np.repeat(weights, targets.counts)))


def _confusion(probabilities: Array, targets: Targets) -> Callable[[Array], Array]:
    """Return the `(C, C)` confusion matrix, rows the truth, as a function of example weights."""
    size = probabilities.shape[1]
    cells = targets.values * size + probabilities.argmax(1)
    return lambda weights: np.bincount(cells, np.repeat(weights, targets.counts), size * size).reshape(size, size)


def _macro(formula: Callable[[Array, Array, Array], tuple[Array, Array]]) -> Metric:
    """Mean of a ratio over the classes that occur among targets or predictions; 0 / 0 counts as 0."""

    def metric(probabilities: Array, targets: Targets) -> Weighted:
        confusion = _confusion(probabilities, targets)

        def weighted(weights: Array) -> float:
            cells = confusion(weights)
            found, there = cells.sum(0), cells.sum(1)
            above, below = formula(np.diag(cells), found, there)
            occurs = (found + there) > 0
            return float(np.divide(above, below, out=np.zeros_like(above), where=below > 0)[occurs].mean())

        return weighted

    return metric


macro_precision = _macro(lambda right, found, there: (right, found))
macro_recall = _macro(lambda right, found, there: (right, there))
macro_f1 = _macro(lambda right, found, there: (2 * right, found + there))


def balanced_accuracy(probabilities: Array, targets: Targets) -> Weighted:
    """Mean recall over the classes that occur among the targets."""
    confusion = _confusion(probabilities, targets)

    def weighted(weights: Array) -> float:
        cells = confusion(weights)
        there = cells.sum(1)
        return float((np.diag(cells)[there > 0] / there[there > 0]).mean())

    return weighted


def negative_log_likelihood(probabilities: Array, targets: Targets) -> Weighted:
    """Mean of -log p(target), in nats; probabilities below 1e-12 count as 1e-12."""
    chosen = np.take_along_axis(probabilities, targets.values[:, None], 1)[:, 0]
    loss = -np.log(np.maximum(chosen.astype(np.float64), 1e-12))
    return lambda weights: float(np.average(loss, weights=np.repeat(weights, targets.counts)))


def log_likelihood(logs: Array, targets: Targets) -> Weighted:
    """Mean log-probability of a unit's target in nats, of logs `(M,)`."""
    return lambda weights: float(np.average(logs.astype(np.float64), weights=np.repeat(weights, targets.counts)))


def perplexity(logs: Array, targets: Targets) -> Weighted:
    """exp of the mean negative log-probability (Jelinek et al. 1977), of logs `(M,)` in nats."""
    mean = log_likelihood(logs, targets)
    return lambda weights: float(np.exp(-mean(weights)))


def calibration_error(probabilities: Array, targets: Targets, bins: int = 15) -> Weighted:
    """Expected calibration error over equal-width bins of confidence (Guo et al. 2017, arXiv:1706.04599, eq. 3)."""
    confidence = probabilities.max(1).astype(np.float64)
    correct = probabilities.argmax(1) == targets.values
    # Bin m is ((m - 1) / bins, m / bins].
    place = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)

    def weighted(weights: Array) -> float:
        unit = np.repeat(weights, targets.counts)
        return float(np.abs(np.bincount(place, unit * (correct - confidence), bins)).sum() / unit.sum())

    return weighted


def _ranking(function: str) -> Metric:
    """A score of scikit-learn that ranks units by the probability of label 1."""

    def metric(probabilities: Array, targets: Targets) -> Weighted:
        import sklearn.metrics

        def weighted(weights: Array) -> float:
            unit = np.repeat(weights, targets.counts)
            present = unit[targets.values == 1].sum() > 0 and unit[targets.values == 0].sum() > 0
            ranked = getattr(sklearn.metrics, function)
            return float(ranked(targets.values, probabilities[:, 1], sample_weight=unit)) if present else 0.0

        return weighted

    return metric


average_precision = _ranking("average_precision_score")
area_under_roc = _ranking("roc_auc_score")


def entity_counts(probabilities: Array, targets: Targets, labels: Sequence[str]) -> Array:
    """Return `(N, 3)`: entities found right, found at all, and there, for each sentence."""
    from seqeval.metrics.sequence_labeling import get_entities

    predicted = targets.split(probabilities.argmax(1))
    counts = np.zeros((len(targets), 3))
    for row, (guess, truth) in enumerate(zip(predicted, targets.split(), strict=True)):
        found = set(get_entities([labels[i] for i in guess]))
        there = set(get_entities([labels[i] for i in truth]))
        counts[row] = len(found & there), len(found), len(there)
    return counts


def entity_metrics(labels: Sequence[str]) -> Mapping[str, Metric]:
    """Micro-averaged precision, recall and F1 of whole entities, as seqeval (and conlleval) counts them."""

    def metric(ratio: Callable[[float, float, float], tuple[float, float]]) -> Metric:
        def of(probabilities: Array, targets: Targets) -> Weighted:
            counts = entity_counts(probabilities, targets, labels)

            def weighted(weights: Array) -> float:
                above, below = ratio(*(weights @ counts))
                return float(above / below) if below else 0.0

            return weighted

        return of

    return {
        "entity-f1": metric(lambda right, found, there: (2 * right, found + there)),
        "entity-precision": metric(lambda right, found, there: (right, found)),
        "entity-recall": metric(lambda right, found, there: (right, there)),
    }


def bootstrap_interval(weighted: Weighted, size: int, draws: int = 200) -> tuple[float, float]:
    """Return the central 95 % of a score over test sets of `size` drawn anew, with replacement.

    The draws are the same for every model, so that intervals of one test set can be compared.
    """
    weights = np.random.default_rng(0).multinomial(size, np.full(size, 1 / size), draws)
    low, high = np.quantile([weighted(weight.astype(np.float64)) for weight in weights], [0.025, 0.975])
    return float(low), float(high)


def forgetting(before: float, after: float) -> float:
    """Return the loss of source score, R[0, S] - R[1, S]; positive is loss, never clipped.

    At two stages it equals the forgetting of Chaudhry et al. 2018 (arXiv:1801.10112) and the negated backward
    transfer of Lopez-Paz & Ranzato 2017 (arXiv:1706.08840).
    """
    return before - after
