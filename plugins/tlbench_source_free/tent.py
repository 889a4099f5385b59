"""TENT (Wang et al. 2021), offline: over the target training inputs, before the test."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from tlbench import NotApplicable
from tlbench.learning import EVALUATION_BATCH, AdaptRequest, TransferModel, device_of


def tent(request: AdaptRequest) -> TransferModel:
    """Minimise the entropy of predictions on target inputs by scale and shift of normalisation layers.

    Each batch is normalised by its own statistics in BatchNorm. The tests of the paper are normalised so too; here an
    example counts for itself, so the statistics of all target inputs are put in at the end. Raises `NotApplicable` for
    an encoder without such layers.
    """
    model, batches = request.model, request.batches(request.target.unlabelled, augment="none")
    layers = normalisations(model.encoder)
    if not layers:
        raise NotApplicable("The encoder has no normalisation layers with scale and shift, which TENT trains.")

    def loss(progress: float) -> Tensor:
        return entropy(model(*next(batches).inputs).units)

    # Only these layers are switched to training mode: dropout stays off.
    request.train(layers, loss)
    _estimate_statistics(request)
    return model


def entropy(logits: Tensor) -> Tensor:
    """Return the mean entropy in nats of predictions with logits `(M, C)`."""
    log = logits.log_softmax(1)
    return -(log.exp() * log).sum(1).mean()


def normalisations(encoder: nn.Module) -> list[nn.Module]:
    """Return the layers that scale and shift what they normalise, those of libraries such as RMSNorm among them."""
    return [
        layer
        for layer in encoder.modules()
        if "Norm" in type(layer).__name__
        and any(True for _ in layer.parameters())
        and all(parameter.ndim == 1 for parameter in layer.parameters())
    ]


@torch.no_grad()
def _estimate_statistics(request: AdaptRequest) -> None:
    """Put the average of mean and variance over the target inputs into every BatchNorm, as AdaBN does."""
    model = request.model.eval()
    for layer in model.encoder.modules():
        if isinstance(layer, _BatchNorm):
            layer.reset_running_stats()
            layer.momentum = None  # A plain average over batches in place of a moving one.
            layer.train()
    for _, batch in request.target.unlabelled.by_length(EVALUATION_BATCH):
        model.encoder(*(part.to(device_of(model)) for part in batch))
    model.eval()
