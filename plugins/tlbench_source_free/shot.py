"""SHOT (Liang et al. 2020): source hypothesis transfer."""

from __future__ import annotations

import itertools
import math

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from tlbench.learning import EVALUATION_BATCH, AdaptRequest, Examples, Inputs, Targets, TransferModel, device_of

PRETRAINED = 0.1
"""The rate of what is trained already over that of new layers, in the paper."""


def shot(request: AdaptRequest) -> TransferModel:
    """Train the encoder on target inputs; the head, the hypothesis of the source, stays as it is.

    In each epoch:

    1. Give every unit the label of the nearest of the centroids that the model's predictions weight.
    2. Minimise entropy - diversity + beta * cross-entropy with these labels, batch by batch.
    """
    model, inputs, beta = request.model, request.target.unlabelled, request.options["pseudo_weight"]
    # As targets, labels of pixels move with their images.
    labelled = Examples(inputs, pseudo_labels(model, inputs)) if beta > 0 else None
    batches, steps = request.batches(labelled or inputs), itertools.count()
    epoch = max(1, len(inputs) // request.options["batch_size"])

    def loss(progress: float) -> Tensor:
        if (step := next(steps)) % epoch == 0 and labelled is not None:
            if step:
                labelled.targets.values[:] = pseudo_labels(model, inputs).values
            model.encoder.train()
        drawn, nearest, _ = next(batches)
        logits = model(*drawn).units
        total = -mutual_information(logits)
        return total if nearest is None else total + beta * functional.cross_entropy(logits, nearest.values)

    request.train([(model.encoder, PRETRAINED)], loss)
    return model


def mutual_information(logits: Tensor) -> Tensor:
    """Return H(mean of p) - mean of H(p) in nats, of the probabilities p of logits `(M, C)`: SHOT maximises it."""
    log = logits.log_softmax(1)
    entropy = -(log.exp() * log).sum(1).mean()
    # The logarithm of the mean without the mean: a class that has underflowed to 0 keeps finite gradients.
    log_mean = log.logsumexp(0) - math.log(len(log))
    return -(log_mean.exp() * log_mean).sum() - entropy


@torch.no_grad()
def pseudo_labels(model: TransferModel, inputs: Inputs) -> Targets:
    """Return the labels `(M,)` of all units, example by example; the model is in evaluation mode afterwards."""
    model.eval()
    places, features, probabilities, counts = [], [], [], list[int]()
    for positions, batch in inputs.by_length(EVALUATION_BATCH):
        outputs = model(*(part.to(device_of(model)) for part in batch))
        places.append(positions)
        features.append(outputs.features.cpu())
        probabilities.append(outputs.units.softmax(1).cpu())
        counts.extend(int(count) for count in outputs.counts)
    labels = nearest_centroids(torch.cat(features), torch.cat(probabilities)).numpy()
    return Targets(labels, np.array(counts, np.int64)).select(np.argsort(np.concatenate(places), kind="stable"))


def nearest_centroids(features: Tensor, probabilities: Tensor) -> Tensor:
    """Return the label `(M,)` of the nearest centroid by cosine, of features `(M, D)` and probabilities `(M, C)`.

    The centroids are means weighted by the probabilities, then once more means of the units that were nearest. A class
    without a unit takes no part in the second round.
    """
    weights = probabilities
    for _ in range(2):
        sums = weights.T @ features  # (C, D); a cosine does not change if a sum is divided by its weights
        cosine = functional.normalize(features) @ functional.normalize(sums).T
        labels = cosine.masked_fill(weights.sum(0) == 0, -torch.inf).argmax(1)
        weights = functional.one_hot(labels, probabilities.shape[1]).to(features.dtype)
    return labels
