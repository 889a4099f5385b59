"""Several fine-tuned copies of one source model, which differ in their learning rates and their draws."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import torch
from torch import Tensor

from tlbench.learning import AdaptRequest, ScaledLinear, TransferModel

SPREAD = 3.0
"""Learning rates are drawn between a third of the option and three times it. Draws of batches alone may make no
difference: a small label budget is one batch."""


def fine_tuned(request: AdaptRequest, count: int) -> list[TransferModel]:
    """Return copies of the source model, each fine-tuned by itself."""
    models = [copy.deepcopy(request.model) for _ in range(count)]
    fine_tune(request, models)
    return models


def fine_tune(request: AdaptRequest, models: Sequence[TransferModel]) -> None:
    """Train each model on the label budget: the first at the rate of the options, others at rates that are drawn."""
    exponents = 2 * torch.rand(len(models) - 1, generator=request.generator) - 1
    for model, factor in zip(models, [1.0, *(SPREAD**exponents).tolist()], strict=True):
        _fit(request, model, factor)


def _fit(request: AdaptRequest, model: TransferModel, factor: float) -> None:
    """Do what `request.fit` does, at a multiple of the learning rate."""
    target, head = request.target, model.heads["target"]
    batches = request.batches(target.train)
    if isinstance(head, ScaledLinear):
        head.settle(target.train.targets.values)

    def loss(progress: float) -> Tensor:
        inputs, targets, _ = next(batches)
        return target.kind.loss(model(*inputs), targets)

    request.train([(model.encoder, factor), (head, factor)], loss)
