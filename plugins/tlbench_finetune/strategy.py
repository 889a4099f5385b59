"""Full fine-tuning."""

from __future__ import annotations

from tlbench.learning import AdaptRequest, TransferModel


def finetune(request: AdaptRequest) -> TransferModel:
    """Train encoder and head `target` on the label budget, from the source model's weights."""
    request.fit(request.model, request.target.train)
    return request.model
