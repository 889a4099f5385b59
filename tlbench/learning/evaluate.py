"""The score of a model's head on examples, by a metric of the kind."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

import numpy as np

from tlbench.contract.task_data import Array
from tlbench.errors import NotApplicable
from tlbench.learning.data import Examples
from tlbench.learning.generating import generate_split
from tlbench.learning.kinds.protocol import Kind
from tlbench.learning.metrics.metric import PartlyDefined, score, score_of_all
from tlbench.learning.model import Encoded, TransferModel, apply_head, encode_split
from tlbench.learning.targets import Predictions, Targets

SCORED_AT_ONCE = 4096
"""Units whose outputs are in memory at a time, fewer where these have more than `OUTPUTS_AT_ONCE` values."""
OUTPUTS_AT_ONCE = 2**24


def evaluate(
    model: TransferModel, head: str, kind: Kind, metric: str, labels: Sequence[str], examples: Examples
) -> float:
    """Return the score of one head on labelled examples."""
    scored, predictions = kind.metrics(labels)[metric], _predicted(model, head, kind, labels, examples)
    return score(scored, predictions, examples.targets)


def evaluate_held_out(
    model: TransferModel, head: str, kind: Kind, metric: str, labels: Sequence[str], examples: Examples
) -> float:
    """Return the score of one head on examples that are set aside for validation.

    Raises `NotApplicable` if their labels give no score, whatever the predictions: the score would choose nothing.
    """
    weighted = kind.metrics(labels)[metric](_predicted(model, head, kind, labels, examples), examples.targets)
    if isinstance(weighted, PartlyDefined) and weighted.by_targets and not weighted.defined(np.ones(len(examples))):
        raise NotApplicable(f"The labels set aside for validation have no {metric}: use more labels or groups.")
    return score_of_all(weighted, len(examples))


def _predicted(model: TransferModel, head: str, kind: Kind, labels: Sequence[str], examples: Examples) -> Predictions:
    encoded = encode_split(model, examples.inputs)
    outputs = functools.partial(apply_head, model.heads[head])
    generated = generate_split(model, head, kind, labels, examples.inputs)
    return _predictions(kind, labels, outputs, encoded, examples.targets, generated)


def score_outputs(
    kind: Kind,
    metric: str,
    labels: Sequence[str],
    head: Callable[[Array], Array],
    encoded: Encoded,
    targets: Targets,
    generated: Sequence[Array] | None = None,
) -> float:
    """Return the score of what a head makes of encoded examples, with what `generate_split` returned of them."""
    predictions = _predictions(kind, labels, head, encoded, targets, generated)
    return score(kind.metrics(labels)[metric], predictions, targets)


def _predictions(
    kind: Kind,
    labels: Sequence[str],
    head: Callable[[Array], Array],
    encoded: Encoded,
    targets: Targets,
    generated: Sequence[Array] | None,
) -> Predictions:
    size = max(1, min(SCORED_AT_ONCE, OUTPUTS_AT_ONCE // max(1, len(labels))))
    ends, start, parts = np.cumsum([0, *targets.counts]), 0, []
    for outputs in encoded.outputs(head, size):
        stop = start + len(outputs)
        wanted = targets.values[ends[start] : ends[stop]]
        predicted = Predictions.of(kind.postprocess.predict(outputs, wanted), outputs.counts)
        parts.append((np.arange(start, stop), predicted))
        start = stop
    predictions = Predictions.join(parts)
    return predictions if generated is None else predictions.followed_by(generated)
