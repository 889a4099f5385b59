"""Elastic weight consolidation (Kirkpatrick et al. 2017)."""

from __future__ import annotations

import itertools

import torch
from torch import Tensor

from tlbench.learning import AdaptRequest, TransferModel


def ewc(request: AdaptRequest) -> TransferModel:
    """Minimise the target loss + lambda / 2 sum_i F_i (w_i - w_source,i)^2 over the weights of the encoder.

    F is the diagonal of the Fisher information of the source model on source examples.
    """
    model, options = request.model, request.options
    weights = list(model.encoder.parameters())
    start, fisher = [weight.detach().clone() for weight in weights], fisher_information(request)
    batches = request.batches(request.target.train)

    def loss(progress: float) -> Tensor:
        inputs, targets, _ = next(batches)
        drift = sum((held * (now - was) ** 2).sum() for held, now, was in zip(fisher, weights, start, strict=True))
        error = request.target.kind.loss(model(*inputs), targets)
        penalised: Tensor = error + options["strength"] / 2 * drift
        return penalised

    request.train([model.encoder, model.heads["target"]], loss)
    return model


def fisher_information(request: AdaptRequest) -> list[Tensor]:
    """Return for each weight of the encoder the mean square of the gradients that single source examples give it.

    This is the empirical Fisher information: of the true labels, not of labels that are drawn from the predictions.
    """
    model, weights = request.model, list(request.model.encoder.parameters())
    fisher = [torch.zeros_like(weight) for weight in weights]
    count = min(request.options["examples"], len(request.source.train))
    batches = request.batches(request.source.train, augment="none", size=1)
    for inputs, targets, _ in itertools.islice(batches, count):
        model.zero_grad()
        request.source.kind.loss(model(*inputs, head="source"), targets).backward()  # type: ignore[no-untyped-call]
        for total, weight in zip(fisher, weights, strict=True):
            if weight.grad is not None:  # None: the forward pass does not use it, or it is not trained.
                total += weight.grad**2 / count
    model.zero_grad()
    return fisher
