"""L2-SP (Li, Grandvalet & Davoine 2018): the source model as the starting point of a weight decay."""

from __future__ import annotations

from torch import Tensor

from tlbench.learning import AdaptRequest, TransferModel


def l2_sp(request: AdaptRequest) -> TransferModel:
    """Minimise the target loss + alpha / 2 |w - w_source|^2 over the encoder + beta / 2 |w|^2 over the head."""
    model, options = request.model, request.options
    encoder, head = model.encoder, model.heads["target"]
    start = [weight.detach().clone() for weight in encoder.parameters()]
    batches = request.batches(request.target.train)

    def loss(progress: float) -> Tensor:
        inputs, targets, _ = next(batches)
        moved = sum(((now - was) ** 2).sum() for now, was in zip(encoder.parameters(), start, strict=True))
        size = sum((weight**2).sum() for weight in head.parameters())
        error = request.target.kind.loss(model(*inputs), targets)
        penalised: Tensor = error + options["alpha"] / 2 * moved + options["beta"] / 2 * size
        return penalised

    request.train([encoder, head], loss)
    return model
