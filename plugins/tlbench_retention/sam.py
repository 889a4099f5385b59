"""Sharpness-aware minimisation (Foret et al. 2021)."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.func import functional_call

from tlbench.learning import AdaptRequest, TransferModel, device_of


def sam(request: AdaptRequest) -> TransferModel:
    """Fine-tune by the gradient at w + e, where e = rho g / |g| and g is the gradient of the batch at w."""
    model, rho = request.model, request.options["rho"]
    head = model.heads["target"]
    trained = {id(weight) for part in (model.encoder, head) for weight in part.parameters() if weight.requires_grad}
    weights = {name: weight for name, weight in model.named_parameters() if id(weight) in trained}
    batches = request.batches(request.target.train)
    device = device_of(model)

    def loss(progress: float) -> Tensor:
        inputs, targets, _ = next(batches)
        # Both passes drop the same units, so that they differ by the weights alone.
        with torch.random.fork_rng([device] if device.type == "cuda" else []):
            error = request.target.kind.loss(model(*inputs), targets)
        worst = climb(weights, torch.autograd.grad(error, list(weights.values()), allow_unused=True), rho)
        # The running statistics of BatchNorm are those of w: what the second pass makes of their copies is dropped.
        copies = {name: buffer.clone() for name, buffer in model.named_buffers()}
        return request.target.kind.loss(functional_call(model, {**worst, **copies}, inputs), targets)

    request.train([model.encoder, head], loss)
    return model


def climb(weights: dict[str, Any], gradients: tuple[Tensor | None, ...], rho: float) -> dict[str, Tensor]:
    """Return w + rho g / |g| by name; the gradient at these weights flows back to w unchanged."""
    norm = torch.stack([gradient.norm() for gradient in gradients if gradient is not None]).norm()
    scale = rho / (norm + 1e-12)
    steps = zip(weights.items(), gradients, strict=True)
    return {name: weight if step is None else weight + scale * step for (name, weight), step in steps}
