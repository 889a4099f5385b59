"""Plugins of the first edition of the plugin API that are listed, and fail when they are run."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
from torch.nn import functional

from tlbench import CLASSIFICATION, Access, StrategySpec, hookimpl, training_options
from tlbench.learning import Classification
from tlbench.testing.toy.tasks import toy_tasks

BLOBS = next(task for task in toy_tasks() if task.name == "toy/blobs")


def _reads_kind(request: Any) -> Any:
    return request.kind.loss and request.model


def _fits_to_the_target(request: Any) -> Any:
    request.fit(request.model, request.target)
    return request.model


def _reads_inputs(request: Any) -> Any:
    return len(request.target.inputs) and request.model


def _draws_from_the_target(request: Any) -> Any:
    return next(request.batches(request.target)) and request.model


def _takes_pairs(request: Any) -> Any:
    inputs, targets = next(request.batches(request.target.train))
    return inputs and targets and request.model


def _reads_target_inputs(request: Any) -> Any:
    return request.target_inputs and request.model


def _draws_unlabelled(request: Any) -> Any:
    return next(request.unlabelled_batches()) and request.model


class LossOfTensors(Classification):
    def loss(self, outputs: Any, targets: Any) -> Any:
        return functional.cross_entropy(outputs, targets)


class LossOfTargets(Classification):
    def loss(self, outputs: Any, targets: Any) -> Any:
        return functional.cross_entropy(outputs.units, targets)


class MetricOfArrays(Classification):
    def metrics(self, labels: Any) -> Any:
        def right(predictions: Any, targets: Any) -> Any:
            return lambda weights: float((predictions.argmax(1) == targets.values).mean())

        return {"accuracy": right}


class OfArrays(type(Classification.postprocess)):  # type: ignore[misc]
    def predict(self, outputs: Any, targets: Any = None) -> Any:
        return np.exp(outputs) / np.exp(outputs).sum(-1, keepdims=True)


class PredictsArrays(Classification):
    postprocess = OfArrays()


STRATEGIES: dict[str, Callable[[Any], Any]] = {
    "reads-kind": _reads_kind,
    "fits-to-the-target": _fits_to_the_target,
    "reads-inputs": _reads_inputs,
    "draws-from-the-target": _draws_from_the_target,
    "takes-pairs": _takes_pairs,
    "reads-target-inputs": _reads_target_inputs,
    "draws-unlabelled": _draws_unlabelled,
}
KINDS = {
    "loss-of-tensors": LossOfTensors,
    "loss-of-targets": LossOfTargets,
    "metric-of-arrays": MetricOfArrays,
    "predicts-arrays": PredictsArrays,
}


@hookimpl
def tlbench_strategies() -> list[StrategySpec]:
    return [
        StrategySpec(
            name=name,
            title="Old",
            summary="Written for the first edition.",
            paper="unpublished",
            access=frozenset({Access.TARGET_LABELS, Access.TARGET_INPUTS}),
            trains_encoder=True,
            options=training_options(steps=2, learning_rate=1e-3),
            adapt=adapt,
        )
        for name, adapt in STRATEGIES.items()
    ]


@hookimpl
def tlbench_tasks() -> Any:
    return [
        dataclasses.replace(BLOBS, name=f"toy/{name}", kind=dataclasses.replace(CLASSIFICATION, create=kind))
        for name, kind in KINDS.items()
    ]
