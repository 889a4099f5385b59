"""Baselines: the scores that strategies are compared with."""

from __future__ import annotations

import numpy as np
from torch import nn

from tlbench import NotApplicable
from tlbench.learning import AdaptRequest, Linear, TransferModel


def predict_constant(request: AdaptRequest) -> TransferModel:
    """Make the head `target` predict the same for every input: the best constant prediction for the label budget."""
    target, head = request.target, request.model.heads["target"]
    if not isinstance(head, nn.Linear):
        raise NotApplicable("A constant prediction is the bias of a linear head, which this kind lacks.")
    constant = target.kind.constant(target.train.targets.values, head.out_features)
    weight = np.zeros((len(constant), request.model.encoder.feature_dim))
    Linear(weight, constant).copy_into(head)
    return request.model


def source_only(request: AdaptRequest) -> TransferModel:
    """Change nothing: the head `target` starts as a copy of `source`."""
    return request.model


def scratch(request: AdaptRequest) -> TransferModel:
    """Train a new model on the label budget."""
    model = request.fresh()
    request.fit(model, request.target.train)
    return model


def train_on_all_labels(request: AdaptRequest) -> TransferModel:
    """Fine-tune the source model on all target training labels."""
    request.fit(request.model, request.target.all)
    return request.model
