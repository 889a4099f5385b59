"""Full fine-tuning."""

from __future__ import annotations

from torch import Tensor

from tlbench.model import TransferModel
from tlbench.request import AdaptRequest


def finetune(request: AdaptRequest) -> TransferModel:
    """Train encoder and head `target` on the label budget, from the source model's weights."""
    model = request.model
    batches = request.batches(request.target)

    def loss(progress: float) -> Tensor:
        inputs, targets = next(batches)
        return request.kind.loss(model(*inputs), targets)

    request.train([model.encoder, model.heads["target"]], loss)
    return model
