"""Learning without Forgetting (Li & Hoiem 2016)."""

from __future__ import annotations

import copy

import torch
from torch import Tensor
from torch.nn import functional

from tlbench.learning import AdaptRequest, TransferModel


def lwf(request: AdaptRequest) -> TransferModel:
    """Minimise the target loss + lambda_o times the distillation of the source model's answers to target inputs.

    Encoder and both heads are trained: the head `source` follows the encoder.
    """
    model, options = request.model, request.options
    teacher = copy.deepcopy(model).eval()
    batches = request.batches(request.target.train)

    def loss(progress: float) -> Tensor:
        inputs, targets, _ = next(batches)
        with torch.no_grad():
            old = teacher(*inputs, head="source").units
        outputs = model(*inputs)
        kept = model.heads["source"](outputs.features)
        error = request.target.kind.loss(outputs, targets)
        joint: Tensor = error + options["weight"] * distillation(old, kept, options["temperature"])
        return joint

    request.train([model], loss)
    return model


def distillation(old: Tensor, new: Tensor, temperature: float) -> Tensor:
    """Return the mean over units of -sum_i y_i' log z_i', of answers `(M, C)` softened by the temperature.

    Equations 2 and 3 of the paper: without the factor T^2 of Hinton et al. 2015.
    """
    return functional.cross_entropy(new / temperature, (old / temperature).softmax(-1))
