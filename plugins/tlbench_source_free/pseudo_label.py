"""Self-training on the labels that the source model gives (Lee 2013), with a threshold of its confidence."""

from __future__ import annotations

import copy

import torch
from torch import Tensor
from torch.nn import functional

from tlbench.learning import AdaptRequest, TransferModel, device_of


def pseudo_label(request: AdaptRequest) -> TransferModel:
    """Train on the target units to which the source model gives a probability of at least the threshold.

    If there are none, the source model is returned as it is.
    """
    model, inputs, threshold = request.model, request.target.unlabelled, request.options["threshold"]
    teacher, batches = copy.deepcopy(model), request.batches(inputs)
    sure = (
        confident(teacher(*(part.to(device_of(model)) for part in batch)).units, threshold)[1].any()
        for _, batch in inputs.by_length(request.options["batch_size"])
    )
    with torch.no_grad():
        if not any(sure):
            return model

    def loss(progress: float) -> Tensor:
        drawn = next(batches).inputs
        with torch.no_grad():
            labels, kept = confident(teacher(*drawn).units, threshold)
        errors = functional.cross_entropy(model(*drawn).units, labels, reduction="none")
        return (errors * kept).mean()  # Lee's weight of a unit, 0 or 1; a batch may have none that is kept

    request.train([model.encoder, model.heads["target"]], loss)
    return model


def confident(logits: Tensor, threshold: float) -> tuple[Tensor, Tensor]:
    """Return for logits `(M, C)` the likeliest labels `(M,)`, and which reach the threshold, `(M,)` bool."""
    probability, labels = logits.softmax(1).max(1)
    return labels, probability >= threshold
