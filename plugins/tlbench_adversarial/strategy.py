"""Domain-adversarial training: DANN (Ganin et al. 2016) and CDAN (Long et al. 2018)."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from tlbench.learning import (
    AdaptRequest,
    Outputs,
    Trained,
    TransferModel,
    concatenate,
    device_of,
    reverse_gradient,
)


def annealed(progress: float) -> float:
    """Learning rate of the paper, mu_0 / (1 + 10 p)^0.75, behind a warm-up of a tenth of the steps."""
    return min(1.0, 10 * progress + 0.05) / math.pow(1 + 10 * progress, 0.75)


def adversarial(request: AdaptRequest) -> TransferModel:
    """Train on source labels while encoder and domain discriminator play against each other.

    At progress p: minimise the source loss, and the domain loss of a discriminator behind a gradient reversed with
    strength lambda * (2 / (1 + exp(-10 p)) - 1). Source and target share one batch, so BatchNorm sees the mixture.

    The game need not settle: the encoder can move the target past the discriminator, to where one source class is. So
    the discriminator has a rate of its own, and the host chooses among models on the way (`class-shares`).
    """
    model, options = request.model, request.options
    source, target = request.batches(request.source.train), request.batches(request.target.unlabelled)
    width = model.encoder.feature_dim
    # Without a probability for each label there is nothing to condition on: both forms are DANN.
    probabilities = "class-probabilities" in request.target.traits
    conditional = options["conditional"] and probabilities
    seen = width * len(request.target.labels) if conditional else width
    discriminator = _discriminator(seen, options["hidden"]).to(device_of(model))

    def loss(progress: float) -> Tensor:
        inputs, targets, _ = next(source)
        outputs = model(*concatenate(inputs, next(target).inputs), head="source")
        known = outputs[: len(targets)]
        label_loss = request.source.kind.loss(known, targets)
        strength = options["weight"] * (2 / (1 + math.exp(-10 * progress)) - 1)
        guess = discriminator(reverse_gradient(_seen(outputs), strength))[:, 0]
        domain = (torch.arange(len(guess), device=guess.device) < len(known.units)).float()
        return label_loss + functional.binary_cross_entropy_with_logits(guess, domain)

    def _seen(outputs: Outputs) -> Tensor:
        """What the discriminator sees: features, in CDAN their outer product with the predictions."""
        features: Tensor = outputs.features
        if not conditional:
            return features
        return torch.einsum("nc,nd->ncd", outputs.units.softmax(1).detach(), features).flatten(1)

    players: list[Trained] = [model.encoder, model.heads["source"], (discriminator, options["discriminator_rate"])]
    request.train(players, loss, schedule=annealed)
    model.heads["target"].load_state_dict(model.heads["source"].state_dict())
    return model


def _discriminator(inputs: int, hidden: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(inputs, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, 1)
    )
