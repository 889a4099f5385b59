"""Prototypical networks (Snell et al. 2017)."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from tlbench import Array
from tlbench.learning import AdaptRequest, Linear, TransferModel, encode
from tlbench_few_labels.episodes import draw_episode, examples_of_classes


def prototypes(request: AdaptRequest) -> TransferModel:
    """Train the encoder on episodes of the source; then each class is the mean feature of its labelled examples.

    1. Draw classes, and of each class some examples as support and others as queries.
    2. Minimise the negative log-probability of the queries' classes: a softmax over minus the squared distances from
       the means of the support.
    3. After training, the means of the label budget are the head `target`, those of the source the head `source`.
    """
    model, source, target, options = request.model, request.source, request.target, request.options
    present, shots = examples_of_classes(source), options["shots"]

    def loss(progress: float) -> Tensor:
        drawn = draw_episode(present, options["ways"], shots + options["queries"], request.generator).values()
        # A class of few examples keeps one as a query.
        sizes = [min(shots, max(0, len(places) - 1)) for places in drawn]
        support = np.concatenate([places[:size] for places, size in zip(drawn, sizes, strict=True)])
        queries = np.concatenate([places[size:] for places, size in zip(drawn, sizes, strict=True)])
        episode = source.train.select(np.concatenate([support, queries]))
        inputs, targets, places = next(request.batches(episode, size=len(episode)))
        known = (places.to(targets.counts.device) < len(support)).repeat_interleave(targets.counts)
        return episode_loss(model.features(*inputs), targets.values, known)

    request.train([model.encoder], loss)
    for name, domain in (("source", source), ("target", target)):
        features = encode(model, domain.train.inputs)
        nearest_mean(features, domain.train.targets.values, len(domain.labels)).copy_into(model.heads[name])
    return model


def episode_loss(features: Tensor, labels: Tensor, support: Tensor) -> Tensor:
    """Return the mean negative log-probability of the queries.

    Args:
        features: `(M, D)`, one for each unit of the episode.
        labels: `(M,)` int64.
        support: `(M,)` bool; the other units are queries, and count if their class has a unit in the support.
    """
    classes = labels[support].bincount().nonzero()[:, 0]
    members = (labels[support] == classes[:, None]).to(features.dtype)
    means = members @ features[support] / members.sum(1, keepdim=True)
    queries = ~support & torch.isin(labels, classes)
    # -|f - m|^2 without -|f|^2, which is the same for all classes.
    outputs = functional.linear(features[queries], 2 * means, -means.square().sum(1))
    return functional.cross_entropy(outputs, torch.searchsorted(classes, labels[queries]))


def nearest_mean(features: Array, labels: Array, classes: int) -> Linear:
    """Return the linear head whose softmax is that of minus the squared distances from the classes' means.

    `features` are `(M, D)`, `labels` `(M,)`. A class m has the weights 2 m and the bias -|m|^2. A class without an
    example has the mean output of the others less 1, so that it is never the answer.
    """
    seen = np.unique(labels)
    means = np.stack([features[labels == label].mean(0, dtype=np.float64) for label in seen])
    weight, bias = 2 * means, -np.square(means).sum(1)
    all_weights, all_biases = np.tile(weight.mean(0), (classes, 1)), np.full(classes, bias.mean() - 1)
    all_weights[seen], all_biases[seen] = weight, bias
    return Linear(all_weights.astype(np.float32), all_biases.astype(np.float32))
