"""SimCLR (Chen et al. 2020) on unlabelled target inputs, then fine-tuning."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from tlbench.learning import AdaptRequest, TransferModel, device_of


def simclr(request: AdaptRequest) -> TransferModel:
    """Train encoder and projector to find, among all views of a batch, the other view of the same input.

    Then fine-tune encoder and head on the label budget. The projector is dropped.
    """
    model, target, options = request.model, request.target, request.options
    batches = request.batches(target.unlabelled, views=2, augment="strong", aligned=False)
    width = model.encoder.feature_dim
    projector = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, options["projection"]))
    projector.to(device_of(model))

    def loss(progress: float) -> Tensor:
        first, second = next(batches).inputs
        return nt_xent(projector(model.pooled(*first)), projector(model.pooled(*second)), options["temperature"])

    request.train([model.encoder, projector], loss, steps=options["pretext_steps"])
    request.fit(model, target.train)
    return model


def nt_xent(first: Tensor, second: Tensor, temperature: float) -> Tensor:
    """Return the normalised temperature-scaled cross-entropy of two views `(N, P)` of N inputs (equation 1)."""
    views = functional.normalize(torch.cat([first, second]).float(), dim=1)
    similarity = views @ views.T / temperature
    itself = torch.eye(len(views), dtype=torch.bool, device=views.device)
    twins = torch.arange(len(views), device=views.device).roll(len(first))
    return functional.cross_entropy(similarity.masked_fill(itself, float("-inf")), twins)
