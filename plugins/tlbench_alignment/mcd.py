"""Maximum classifier discrepancy (Saito et al. 2018)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.func import functional_call

from tlbench.learning import AdaptRequest, Outputs, TransferModel, concatenate, device_of, encode


def mcd(request: AdaptRequest) -> TransferModel:
    """Train two classifiers to disagree on target inputs, and the encoder to take the reason away.

    Each batch is used for 2 + n steps:

    A. Encoder and classifiers minimise the source loss.
    B. The classifiers minimise the source loss less their discrepancy on target inputs; the encoder is held.
    C. n times: the encoder minimises the discrepancy; the classifiers are held.

    The model keeps the mean of the two linear classifiers, whose outputs are the mean of theirs.
    """
    model, kind = request.model, request.source.kind
    classifiers = first, second = model.heads["source"], second_classifier(request)
    batches = zip(request.batches(request.source.train), request.batches(request.target.unlabelled), strict=True)
    steps = ((step, batch) for batch in batches for step in ["A", "B", *"C" * request.options["encoder_steps"]])

    def loss(progress: float) -> Tensor:
        step, ((inputs, targets, _), (others, _, _)) = next(steps)
        encoded = model.encoded(*concatenate(inputs, others))
        features = encoded.units.detach() if step == "B" else encoded.units
        outputs = [
            Outputs(held(one, features) if step == "C" else one(features), encoded.mask, encoded.shape)
            for one in classifiers
        ]
        apart = discrepancy(*(one[len(targets) :].units for one in outputs))
        if step == "C":
            return apart
        error = torch.stack([kind.loss(one[: len(targets)], targets) for one in outputs]).sum()
        return error if step == "A" else error - apart

    request.train([model.encoder, *classifiers], loss)
    with torch.no_grad():
        for one, other in zip(first.parameters(), second.parameters(), strict=True):
            one.lerp_(other, 0.5)
    model.heads["target"].load_state_dict(first.state_dict())
    return model


def second_classifier(request: AdaptRequest) -> nn.Module:
    """Return a logistic regression on source features: another classifier than the head, and as well trained."""
    model, source = request.model, request.source
    head = source.kind.head(model.encoder.feature_dim, source.labels)
    features = encode(model, source.train.inputs)
    source.kind.probe(features, source.train.targets.values, len(source.labels)).copy_into(head)
    return head.to(device_of(model))


def discrepancy(logits: Tensor, others: Tensor) -> Tensor:
    """Return the mean absolute difference of two classifiers' probabilities, `(M, C)`."""
    return (logits.softmax(1) - others.softmax(1)).abs().mean()


def held(module: nn.Module, features: Tensor) -> Tensor:
    """Return what a module makes of features; its own weights get no gradient."""
    outputs: Tensor = functional_call(module, module.state_dict(), (features,))
    return outputs
