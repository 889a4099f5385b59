"""Nearest class mean: a strategy in closed form."""

from __future__ import annotations

import torch
from torch import nn

from tlbench.learning import AdaptRequest, TransferModel, encode

ABSENT = -1e4
"""Output of a class that no example shows: below any other."""


def nearest_mean(request: AdaptRequest) -> TransferModel:
    """Set the head `target` to minus the squared distance to each class's mean feature.

    -|f - m|^2 = 2 m f - |m|^2 - |f|^2, and |f|^2 is the same for every class. Targets that are no classes get their
    kind's own probe.
    """
    model, domain, classes = request.model, request.target, len(request.target.labels)
    targets = torch.from_numpy(domain.train.targets.values)
    head = model.heads["target"]
    embeds = not domain.kind.has_classes and isinstance(head, nn.Linear) and head.out_features != classes
    if targets.ndim > 1 or embeds:
        probe = domain.kind.probe(encode(model, domain.train.inputs), targets.numpy(), classes)
        probe.copy_into(head)
        return model
    features = torch.from_numpy(encode(model, domain.train.inputs))
    members = nn.functional.one_hot(targets, classes).float()
    counts = members.sum(0)
    means = members.T @ features / counts.clamp(min=1)[:, None]
    assert isinstance(head, nn.Linear)
    with torch.no_grad():
        head.weight.copy_(2 * means)
        head.bias.copy_(torch.where(counts > 0, -means.square().sum(1), ABSENT))
    return model
