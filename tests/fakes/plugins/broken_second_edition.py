"""Strategies and kinds that break what the second edition of the plugin API asks for; each in a way of its own."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from tlbench import CLASSIFICATION, Access, LoadRequest, NotApplicable, StrategySpec, TaskData, TaskSpec, hookimpl
from tlbench.learning import Classification
from tlbench.testing.toy.tasks import toy_tasks

if TYPE_CHECKING:
    from tlbench.learning import AdaptRequest

BLOBS = next(task for task in toy_tasks() if task.name == "toy/blobs")


def _as_given(request: AdaptRequest) -> Any:
    return request.target.train and request.model


def _scores(request: AdaptRequest) -> Any:
    return request.score(request.model, request.target.train) and request.model


def _keeps_the_old_head(request: AdaptRequest) -> Any:
    """Trains the head `source`, which does not predict the target."""
    for name, head in request.model.heads.items():
        head.bias.data += name == "source"
    return request.model


def _cannot(request: AdaptRequest) -> Any:
    raise NotApplicable("The encoder has no attention.")


def _not_for_words(request: AdaptRequest) -> Any:
    if "conv" in str(type(request.model.encoder.blocks()[-1])).lower():
        raise NotApplicable("The encoder has a convolution.")
    return _as_given(request)


def _grows_by_chance(model: Any, options: Any) -> Any:
    width = model.encoder.feature_dim
    model.heads["target"] = nn.Sequential(nn.Identity(), model.heads["target"])
    model.heads["target"][0] = nn.Linear(width, width)
    model.heads["target"][0].weight.data += float(np.random.default_rng().normal())
    return model


def _grows_by_weights(model: Any, options: Any) -> Any:
    odd = int(abs(float(next(model.encoder.parameters()).detach().sum())) * 1e4) % 97
    model.heads["target"].extra = nn.Parameter(torch.zeros(odd + 1))
    return model


def _grows_and_seeds(model: Any, options: Any) -> Any:
    np.random.seed(0)  # noqa: NPY002
    return model


def _returns_a_head(model: Any, options: Any) -> Any:
    return model.heads["target"]


def _spec(name: str, adapt: Callable[[AdaptRequest], Any] = _as_given, **more: Any) -> StrategySpec:
    fields = {"trains_encoder": True, "paper": "unpublished", "access": frozenset({Access.TARGET_LABELS}), **more}
    return StrategySpec(name=name, title=name, summary="Broken.", adapt=adapt, **fields)


class LossOfEach(Classification):
    def loss(self, outputs: Any, targets: Any) -> Any:
        return nn.functional.cross_entropy(outputs.units, targets.values, reduction="none")


class DetachedLoss(Classification):
    def loss(self, outputs: Any, targets: Any) -> Any:
        return super().loss(type(outputs)(outputs.units.detach(), outputs.mask, outputs.shape), targets)


class _TooFew(type(Classification.postprocess)):  # type: ignore[misc]
    def predict(self, outputs: Any, targets: Any = None) -> Any:
        return super().predict(outputs)[1:]


class _ListTooShort(type(Classification.postprocess)):  # type: ignore[misc]
    def predict(self, outputs: Any, targets: Any = None) -> Any:
        return list(super().predict(outputs)[:, None])[1:]


class _ByChance(type(Classification.postprocess)):  # type: ignore[misc]
    def predict(self, outputs: Any, targets: Any = None) -> Any:
        return np.random.default_rng().random(outputs.units.shape)


class _TwoDecisions(type(Classification.postprocess)):  # type: ignore[misc]
    def decide(self, outputs: Any) -> Any:
        return [0, 1]


class TooFew(Classification):
    postprocess = _TooFew()


class ListTooShort(Classification):
    postprocess = _ListTooShort()


class PredictsByChance(Classification):
    postprocess = _ByChance()


class TwoDecisions(Classification):
    postprocess = _TwoDecisions()


class WithoutWeights(Classification):
    def metrics(self, labels: Any) -> Any:
        def share(predictions: Any, targets: Any) -> Any:
            first = predictions.values[:, 0].mean()
            return lambda weights: float(first)

        return {"accuracy": share}


class Endless(Classification):
    def metrics(self, labels: Any) -> Any:
        return {"accuracy": lambda predictions, targets: lambda weights: float("inf")}


class WideConstant(Classification):
    def constant(self, targets: Any, outputs: int) -> Any:
        return np.zeros(outputs + 1)


KINDS = {
    "loss-of-each": LossOfEach,
    "detached-loss": DetachedLoss,
    "too-few": TooFew,
    "list-too-short": ListTooShort,
    "predicts-by-chance": PredictsByChance,
    "two-decisions": TwoDecisions,
    "without-weights": WithoutWeights,
    "endless": Endless,
    "wide-constant": WideConstant,
}


def _with_references(make: Callable[[int], Any]) -> Callable[[LoadRequest], TaskData]:
    def load(request: LoadRequest) -> TaskData:
        data = BLOBS.load(request)
        test = dataclasses.replace(data.target.test, references=make(len(data.target.test.inputs)))
        return dataclasses.replace(data, target=dataclasses.replace(data.target, test=test))

    return load


@hookimpl
def tlbench_tasks() -> list[TaskSpec]:
    kinds = [
        dataclasses.replace(BLOBS, name=f"toy/{name}", kind=dataclasses.replace(CLASSIFICATION, create=kind))
        for name, kind in KINDS.items()
    ]
    return [
        *kinds,
        dataclasses.replace(BLOBS, name="toy/sets", load=_with_references(lambda size: [{1, 2}] * size)),
        dataclasses.replace(BLOBS, name="toy/one-reference", load=_with_references(lambda size: ["a"])),
    ]


@hookimpl
def tlbench_strategies() -> list[StrategySpec]:
    return [
        _spec("grows-by-chance", extend=_grows_by_chance),
        _spec("grows-by-weights", extend=_grows_by_weights),
        _spec("grows-and-seeds", extend=_grows_and_seeds),
        _spec("returns-a-head", extend=_returns_a_head),
        _spec("sets-aside", selection="target-validation"),
        _spec("chooses-blindly", selection="target-inputs"),
        _spec("chooses-somehow", selection="best"),
        _spec("scores-undeclared", _scores),
        _spec("misspelt-needs", needs=("batch-norm",)),
        _spec("misspelt-modalities", modalities=("tabula",)),
        _spec("keeps-the-old-head", _keeps_the_old_head),
        _spec("cannot", _cannot),
        _spec("not-for-words", _not_for_words),
    ]
