"""Partial fine-tuning: which weights are trained, when, and how fast.

What is not trained is in evaluation mode: frozen BatchNorm keeps the statistics of the source, and frozen dropout drops
nothing.
"""

from __future__ import annotations

from torch import nn

from tlbench import NotApplicable
from tlbench.learning import AdaptRequest, TransferModel, encode
from tlbench_partial.parts import biases_of, layers_of, normalisation_of


def lp_ft(request: AdaptRequest) -> TransferModel:
    """LP-FT (Kumar et al. 2022).

    1. Linear probing: fit the head to features of the frozen encoder, as the strategy `frozen` does.
    2. Fine-tuning: train encoder and head from there.
    """
    model, target = request.model, request.target
    features = encode(model, target.train.inputs)
    probe = target.kind.probe(features, target.train.targets.values, len(target.labels))
    probe.copy_into(model.heads["target"])
    request.fit(model, target.train)
    return model


def partial(request: AdaptRequest) -> TransferModel:
    """Partial fine-tuning (He et al. 2022): train the last k blocks and the head; with all blocks it is fine-tuning."""
    model, k = request.model, request.options["blocks"]
    layers = layers_of(model.encoder)
    # The encoder as a whole also has what belongs to no block, such as a class token.
    trained = [model.encoder] if k >= len(layers) else _joined(layers[len(layers) - k :])
    request.fit(model, request.target.train, modules=[*trained, model.heads["target"]])
    return model


def gradual(request: AdaptRequest) -> TransferModel:
    """Gradual unfreezing (Howard & Ruder 2018).

    1. Train the head; the head and the last block; ... the head and all blocks but the first, for equal parts of the
       first steps. Each phase has a learning rate that rises and falls.
    2. Train the whole model for the remaining steps.
    """
    model, examples, options = request.model, request.target.train, request.options
    layers, head = layers_of(model.encoder), model.heads["target"]
    steps = int(options["steps"] * options["unfreezing"]) // len(layers)
    for first in range(len(layers), 0, -1):
        request.fit(model, examples, modules=[*_joined(layers[first:]), head], steps=steps)
    request.fit(model, examples, steps=options["steps"] - steps * len(layers))
    return model


def discriminative(request: AdaptRequest) -> TransferModel:
    """Discriminative fine-tuning (Howard & Ruder 2018).

    Block l of L has the learning rate eta * decay^(L - l + 1), and the head eta.
    """
    model, decay = request.model, request.options["decay"]
    layers = layers_of(model.encoder)
    rated = [(block, decay ** (len(layers) - place)) for place, layer in enumerate(layers) for block in layer]
    # What belongs to no block acts at the input: it learns like the first block, and comes last here because a module
    # has only what those before it have not.
    rest = (model.encoder, decay ** len(layers))
    request.fit(model, request.target.train, modules=[*rated, rest, model.heads["target"]])
    return model


def bitfit(request: AdaptRequest) -> TransferModel:
    """BitFit (Ben Zaken et al. 2022): train the biases of the encoder and the head.

    Raises `NotApplicable` if the encoder has no bias.
    """
    if not (biases := biases_of(request.model.encoder)):
        raise NotApplicable("The encoder has no biases.")
    return _fit_fast(request, [nn.ParameterList(biases)])


def norm_only(request: AdaptRequest) -> TransferModel:
    """Train scale and shift of the encoder's normalisation layers, and the head (Frankle et al. 2021).

    BatchNorm among them takes the statistics of the target. Raises `NotApplicable` if there are no such layers.
    """
    if not (layers := normalisation_of(request.model.encoder)):
        raise NotApplicable("The encoder has no normalisation layers with weights.")
    return _fit_fast(request, layers)


def _fit_fast(request: AdaptRequest, modules: list[nn.Module]) -> TransferModel:
    """Train modules and the head with a multiple of the rate of full fine-tuning: few weights have far to go."""
    factor = request.options["rate_factor"]
    trained = [(module, factor) for module in (*modules, request.model.heads["target"])]
    request.fit(request.model, request.target.train, modules=trained)
    return request.model


def _joined(layers: list[list[nn.Module]]) -> list[nn.Module]:
    return [block for layer in layers for block in layer]
