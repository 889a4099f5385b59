"""The rules by which the host chooses among candidates of a training: each scores a model without target test data."""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np

from tlbench.contract.task_data import Array
from tlbench.engine.given import Parts
from tlbench.engine.prepared import Prepared
from tlbench.learning import unsupervised
from tlbench.learning.choosing import Chooser
from tlbench.learning.data import Examples, Inputs
from tlbench.learning.evaluate import evaluate_held_out
from tlbench.learning.model import TransferModel, apply_head, encode
from tlbench.planning.plan import Pairing

MOST = 2000
"""Examples of a domain that a rule looks at; soft neighbourhood density compares all pairs."""
BY_INPUTS: dict[str, Callable[[Array], float]] = {
    "certainty": unsupervised.certainty,
    "information-maximisation": unsupervised.information_maximisation,
    "soft-neighbourhood-density": unsupervised.soft_neighbourhood_density,
}
BY_LOSSES: dict[str, Callable[[Array, Array], float]] = {
    "importance-weighted": unsupervised.importance_weighted,
    "deep-embedded-validation": unsupervised.deep_embedded_validation,
}


def chooser(pairing: Pairing, prepared: Prepared, parts: Parts, model: TransferModel) -> Chooser | None:
    """Return what chooses for the strategy; None if it chooses itself, or the last model is returned."""
    if not pairing.host_rule:
        return None
    if pairing.host_rule != "class-shares":
        return Chooser(model, functools.partial(_score, pairing, prepared, parts))
    # The shares of the source are what the source model says of it, before adaptation.
    source = _probabilities(model, "source", _examples(parts, "source.train").inputs).mean(0)
    target = _inputs(parts, "target.unlabelled")
    return Chooser(model, lambda one, head: unsupervised.class_shares(_probabilities(one, head, target), source))


def _score(pairing: Pairing, prepared: Prepared, parts: Parts, model: TransferModel, head: str) -> float:
    rule, task = pairing.host_rule, pairing.task
    if rule == "target-validation":
        held = _examples(parts, "target.validation")
        return evaluate_held_out(model, head, task.kind.create(), task.metric, prepared.target_labels, held)
    if rule == "source-validation":
        held, labels = _examples(parts, "source.validation"), prepared.source_labels or ()
        return evaluate_held_out(model, head, task.kind_of_source.create(), task.metric_of_source, labels, held)
    unlabelled = _inputs(parts, "target.unlabelled")
    if rule in BY_INPUTS:
        probabilities = _probabilities(model, head, unlabelled)
        # An example may have thousands of units, such as pixels, and this rule compares all pairs.
        return BY_INPUTS[rule](
            probabilities[_places(len(probabilities))] if rule == "soft-neighbourhood-density" else probabilities
        )
    held = _examples(parts, "source.validation")
    features = encode(model, held.inputs)
    probabilities = _softmax(apply_head(model.heads[head], features))
    losses = -np.log(np.maximum(probabilities[np.arange(len(features)), held.targets.values], 1e-12))
    source, target = (encode(model, some(one)) for one in (_examples(parts, "source.train").inputs, unlabelled))
    return BY_LOSSES[rule](losses, unsupervised.importance_weights(source, target, features))


def _probabilities(model: TransferModel, head: str, inputs: Inputs) -> Array:
    return _softmax(apply_head(model.heads[head], encode(model, some(inputs))))


def some(inputs: Inputs) -> Inputs:
    """Return examples at equal distances, `MOST` of them: data often comes sorted by label."""
    return inputs.select(_places(len(inputs)))


def _places(size: int) -> Array:
    return np.linspace(0, size - 1, min(MOST, size)).astype(np.int64)


def _softmax(outputs: Array) -> Array:
    powers = np.exp(outputs.astype(np.float64) - outputs.max(1, keepdims=True))
    probabilities: Array = powers / powers.sum(1, keepdims=True)
    return probabilities


def _examples(parts: Parts, name: str) -> Examples:
    found = parts[name]
    assert isinstance(found, Examples)
    return found


def _inputs(parts: Parts, name: str) -> Inputs:
    found = parts[name]
    assert isinstance(found, Inputs)
    return found
