"""Experience replay with a small memory (Chaudhry et al. 2019)."""

from __future__ import annotations

import torch
from torch import Tensor

from tlbench.learning import AdaptRequest, Outputs, TransferModel, concatenate


def replay(request: AdaptRequest) -> TransferModel:
    """Minimise the loss of a target batch + the loss of a batch from a memory of source examples.

    The memory is drawn once, at random. Both batches go through the encoder as one, so BatchNorm sees the mixture; each
    then has the head of its domain, and both heads are trained.
    """
    model, source = request.model, request.source.train
    kept = torch.randperm(len(source), generator=request.generator)[: request.options["memory"]]
    new, old = request.batches(request.target.train), request.batches(source.select(kept.numpy()))

    def loss(progress: float) -> Tensor:
        inputs, targets, _ = next(new)
        old_inputs, old_targets, _ = next(old)
        outputs = model(*concatenate(inputs, old_inputs))
        rest = outputs[len(targets) :]
        remembered = Outputs(model.heads["source"](rest.features), rest.mask, rest.shape, rest.features)
        error = request.target.kind.loss(outputs[: len(targets)], targets)
        return error + request.source.kind.loss(remembered, old_targets)

    request.train([model], loss)
    return model
