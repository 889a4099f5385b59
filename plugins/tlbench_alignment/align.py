"""What the methods of this package share: the source loss with a distance between both domains."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from tlbench import NotApplicable
from tlbench.learning import AdaptRequest, Outputs, TransferModel, concatenate


def align(request: AdaptRequest, distance: Callable[[Outputs, Outputs], Tensor]) -> TransferModel:
    """Minimise the source loss plus the option `weight` times a distance.

    `distance` takes the outputs of the head `source` for the source examples and for the target examples of a batch.
    Both share one batch, so BatchNorm sees the mixture. Raises `NotApplicable` if a batch has fewer than two units of a
    domain: neither a covariance nor a pair can be taken of one.
    """
    model, weight = request.model, float(request.options["weight"])
    source, target = request.batches(request.source.train), request.batches(request.target.unlabelled)

    def loss(progress: float) -> Tensor:
        inputs, targets, _ = next(source)
        outputs = model(*concatenate(inputs, next(target).inputs), head="source")
        known, unknown = outputs[: len(targets)], outputs[len(targets) :]
        if min(len(known.units), len(unknown.units)) < 2:
            raise NotApplicable(
                "It compares units within a batch, and a batch has fewer than two units of a domain: raise batch_size."
            )
        return request.source.kind.loss(known, targets) + weight * distance(known, unknown)

    request.train([model.encoder, model.heads["source"]], loss)
    model.heads["target"].load_state_dict(model.heads["source"].state_dict())
    return model
