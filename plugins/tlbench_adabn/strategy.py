"""AdaBN (Li et al. 2016): the source model with the target's BatchNorm statistics."""

from __future__ import annotations

import torch
from torch.nn.modules.batchnorm import _BatchNorm

from tlbench.learning import EVALUATION_BATCH, AdaptRequest, TransferModel, device_of


def adabn(request: AdaptRequest) -> TransferModel:
    """Replace every running mean and variance by its average over one pass of the target inputs."""
    model, device = request.model.eval(), device_of(request.model)
    for layer in model.encoder.modules():
        if isinstance(layer, _BatchNorm):
            layer.reset_running_stats()
            layer.momentum = None  # A plain average over batches in place of a moving one.
            layer.train()
    with torch.no_grad():
        for _, batch in request.target.unlabelled.by_length(EVALUATION_BATCH):
            model.encoder(*(part.to(device) for part in batch))
    return model.eval()
