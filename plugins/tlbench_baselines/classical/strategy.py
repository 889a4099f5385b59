"""A model without pre-training and without a source: features of the modality, and a linear model or trees over them.

What is computed of the inputs is the encoder, in which nothing is learnt; what scikit-learn fits to the label budget is
the head. Both are exported as any other model.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from torch import nn

from tlbench import Array, NotApplicable
from tlbench.learning import AdaptRequest, Distance, Encoder, ScaledLinear, Signature, TransferModel, encode
from tlbench_baselines.classical.contexts import Asked, SpelledAsked
from tlbench_baselines.classical.images import Pixels, Pooled
from tlbench_baselines.classical.series import Statistics
from tlbench_baselines.classical.sound import Cepstrum
from tlbench_baselines.classical.texts import Counts, SpelledCounts, TfIdf, fit_counts
from tlbench_baselines.classical.trees import Rows, Trees, fit_trees
from tlbench_baselines.classical.words import SpelledWords, SumOfWeights, Words, fit_words

HEADS = (nn.Linear, ScaledLinear, Distance)
"""Heads of kinds that scikit-learn has a model for."""
NOISE = 1e-5
"""Spread of a column, as a part of its largest value, that float32 may have come to by rounding."""


def extend(model: TransferModel, options: Mapping[str, Any]) -> TransferModel:
    """Replace the encoder by features of the modality, and the head `target` by what is fitted to them.

    Raises `NotApplicable` for a modality, a layout or a head that there is no classical model for.
    """
    head = model.heads["target"]
    if type(head) not in HEADS:
        raise NotApplicable("It fits linear heads; the kind has another head.")
    assert isinstance(head, nn.Linear)
    signature = model.encoder.signature
    assert signature is not None
    model.encoder = features_of(signature, model.encoder)
    model.encoder.signature = signature
    model.heads["target"] = head_of(model.encoder, head)
    return model


def features_of(signature: Signature, replaced: Encoder) -> Encoder:
    """Return the encoder for what a backbone takes; words and their places are those of the one that it replaces."""
    modality, layout = signature.modality, signature.layout
    shape = signature.inputs[0].shape
    if modality == "text" and shape is None:
        count, texts = len(signature.inputs), replaced.token_texts
        if layout == "sequence":
            return Words(count, replaced) if texts is None else SpelledWords(count, replaced, texts)
        if layout == "context":
            return Asked(count, replaced) if texts is None else SpelledAsked(count, replaced, texts)
        if layout == "pooled":
            return Counts() if texts is None else SpelledCounts(texts)
    if modality == "image" and shape is not None and len(shape) == 3:
        if layout == "map":
            return Pixels(shape[0])
        if layout == "pooled":
            return Pooled(*shape)
    if layout == "pooled" and shape is not None:
        if modality == "audio" and len(shape) == 1:
            return Cepstrum(shape[0], signature.sample_rate)
        if modality == "series" and len(shape) == 2:
            return Statistics(*shape)
        if modality == "tabular" and len(shape) == 1:
            return Rows(shape[0])
    raise NotApplicable(f"There is no classical model for {modality} inputs of this shape with {layout} features.")


def head_of(encoder: Encoder, head: nn.Linear) -> nn.Module:
    """Return what is fitted to an encoder's features, with as many outputs as `head`."""
    one_class, outputs = isinstance(head, Distance), head.out_features
    if isinstance(encoder, Rows):
        return Trees(outputs, isolating=one_class)
    if isinstance(encoder, Words):
        return SumOfWeights(outputs)
    if one_class:
        if isinstance(encoder, Counts):
            raise NotApplicable("There is no classical model for texts of one class.")
        return Distance(encoder.feature_dim)
    linear = type(head)(encoder.feature_dim, outputs)
    return nn.Sequential(TfIdf(), linear) if isinstance(encoder, Counts) else linear


def classical(request: AdaptRequest) -> TransferModel:
    """Fit the head to the features of the label budget."""
    model, target = request.model, request.target
    encoder, head = model.encoder, model.heads["target"]
    features, targets = encode(model, target.train.inputs), target.train.targets.values
    if isinstance(encoder, Rows):
        fit_trees(head, features, targets)
    elif isinstance(encoder, Counts):
        fit_counts(head, features, targets)
    elif isinstance(encoder, Words):
        fit_words(head, features, targets, target.train.targets.counts)
    else:
        target.kind.probe(without_noise(features), targets, len(target.labels)).copy_into(head)
    return model


def without_noise(features: Array) -> Array:
    """Return features in which columns that are constant but for rounding are constant, so as not to be scaled up."""
    noise = features.std(0, dtype=np.float64) <= NOISE * np.abs(features).max(0)
    return np.where(noise, features[0], features)
