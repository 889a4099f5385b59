"""Scores of whole entities, each one or more words with BIO tags."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from tlbench.contract.task_data import Array
from tlbench.learning.metrics.metric import Metric, PartlyDefined, Vectorised, Weighted, divided
from tlbench.learning.targets import Predictions, Targets


def entity_counts(predictions: Predictions, targets: Targets, labels: Sequence[str]) -> Array:
    """Return `(N, 3)`: entities found right, found at all, and there, for each sentence."""
    from seqeval.metrics.sequence_labeling import get_entities

    predicted = targets.split(predictions.values.argmax(1))
    counts = np.zeros((len(targets), 3))
    for row, (guess, truth) in enumerate(zip(predicted, targets.split(), strict=True)):
        found = set(get_entities([labels[i] for i in guess]))
        there = set(get_entities([labels[i] for i in truth]))
        counts[row] = len(found & there), len(found), len(there)
    return counts


def entity_metrics(labels: Sequence[str]) -> Mapping[str, Metric]:
    """Micro-averaged precision, recall and F1 of whole entities, as seqeval (and conlleval) counts them; 0 / 0 is 0."""

    def metric(ratio: Callable[[Array, Array, Array], tuple[Array, Array]]) -> Metric:
        def of(predictions: Predictions, targets: Targets) -> Weighted:
            counts = entity_counts(predictions, targets, labels)

            return PartlyDefined(
                Vectorised(lambda weights: divided(*ratio(*(weights @ counts).T))),
                Vectorised(lambda weights: ratio(*(weights @ counts).T)[1] > 0),
            )

        return of

    return {
        "entity-f1": metric(lambda right, found, there: (2 * right, found + there)),
        "entity-precision": metric(lambda right, found, there: (right, found)),
        "entity-recall": metric(lambda right, found, there: (right, there)),
    }
