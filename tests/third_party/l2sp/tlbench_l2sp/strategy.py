"""L2-SP (Li et al. 2018)."""

from __future__ import annotations

from torch import Tensor

from tlbench.model import TransferModel
from tlbench.request import AdaptRequest


def l2sp(request: AdaptRequest) -> TransferModel:
    """Fine-tune with the penalty alpha / 2 * |w - w_source|^2 on the encoder and beta / 2 * |w|^2 on the head."""
    model, options = request.model, request.options
    encoder, head = list(model.encoder.parameters()), list(model.heads["target"].parameters())
    start = [parameter.detach().clone() for parameter in encoder]
    batches = request.batches(request.target)

    def loss(progress: float) -> Tensor:
        inputs, targets = next(batches)
        moved = sum(((now - was) ** 2).sum() for now, was in zip(encoder, start, strict=True))
        size = sum((parameter**2).sum() for parameter in head)
        fit = request.kind.loss(model(*inputs), targets)
        return fit + options["alpha"] / 2 * moved + options["beta"] / 2 * size

    request.train([model.encoder, model.heads["target"]], loss)
    return model
