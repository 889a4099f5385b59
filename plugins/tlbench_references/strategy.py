"""Bounds: what a strategy is measured against."""

from __future__ import annotations

import torch
from torch import nn

from tlbench.model import TransferModel
from tlbench.request import AdaptRequest


def majority(request: AdaptRequest) -> TransferModel:
    """Let the head `target` answer the same to everything: what is best for the budget's labels."""
    head = request.model.heads["target"]
    assert isinstance(head, nn.Linear)
    with torch.no_grad():
        head.weight.zero_()
        head.bias.copy_(torch.from_numpy(request.kind.constant(request.target.targets.values, request.classes)))
    return request.model


def source_only(request: AdaptRequest) -> TransferModel:
    """Change nothing: the head `target` starts as a copy of `source`."""
    return request.model


def scratch(request: AdaptRequest) -> TransferModel:
    """Train a new model on the label budget."""
    model = request.fresh()
    request.fit(model, request.target)
    return model


def oracle(request: AdaptRequest) -> TransferModel:
    """Fine-tune the source model on all target training labels."""
    request.fit(request.model, request.target_all)
    return request.model
