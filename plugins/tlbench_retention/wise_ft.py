"""WiSE-FT (Wortsman et al. 2022): between the source model and the fine-tuned one."""

from __future__ import annotations

import copy

import torch
from torch import nn

from tlbench.learning import AdaptRequest, TransferModel


def wise_ft(request: AdaptRequest) -> TransferModel:
    """Fine-tune, then take (1 - alpha) w_source + alpha w_tuned for every weight.

    Running statistics of BatchNorm are interpolated as weights are. A head `target` that is new has no start to go back
    to: it stays as it was trained.
    """
    model, alpha = request.model, request.options["alpha"]
    parts: list[nn.Module] = [model.encoder]
    if starts_from_source(model.heads):
        parts.append(model.heads["target"])
    starts = [copy.deepcopy(part.state_dict()) for part in parts]
    request.fit(model, request.target.train)
    with torch.no_grad():
        for part, start in zip(parts, starts, strict=True):
            for name, value in part.state_dict().items():
                if value.is_floating_point():  # Others count batches.
                    value.copy_(torch.lerp(start[name], value, alpha))
    return model


def starts_from_source(heads: nn.ModuleDict) -> bool:
    """Return whether the head `target` is a copy of the head `source`."""
    if "source" not in heads:
        return False
    source, target = heads["source"].state_dict(), heads["target"].state_dict()
    return source.keys() == target.keys() and all(torch.equal(source[name], value) for name, value in target.items())
