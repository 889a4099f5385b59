"""Bottleneck adapters (Houlsby et al. 2019), one in each block (Pfeiffer et al. 2021), on any encoder."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from tlbench import NotApplicable
from tlbench.learning import AdaptRequest, TransferModel
from tlbench_peft.layers import adaptable, by_output, is_linear, last_layers


class Bottleneck(nn.Module):
    """h -> h + up(relu(down(h))) on the outputs of a layer; the identity at the start."""

    def __init__(self, layer: nn.Module, width: int) -> None:
        super().__init__()
        make: Any = nn.Linear if is_linear(layer) else functools.partial(type(layer), kernel_size=1)
        channels = len(by_output(layer))
        self.down, self.up = make(channels, width), make(width, channels)
        nn.init.zeros_(self.up.weight)
        nn.init.zeros_(self.up.bias)

    def forward(self, states: Tensor) -> Tensor:
        added: Tensor = self.up(self.down(states).relu())
        return states + added


def extend(model: TransferModel, options: Mapping[str, Any]) -> TransferModel:
    """Put a bottleneck behind the last linear layer or convolution of each block, before its residual connection.

    Raises `NotApplicable` if no block has one.
    """
    layers = adaptable(model.encoder)
    last = last_layers(model.encoder, layers)
    if not last:
        raise NotApplicable("No block of the encoder has a linear layer or a convolution.")
    for name in last:
        device = layers[name].weight.device
        layers[name].bottleneck = Bottleneck(layers[name], options["width"]).to(device)
        layers[name].register_forward_hook(_through_bottleneck)
    return model


def adapters(request: AdaptRequest) -> TransferModel:
    """Train the bottlenecks and the head. Weights of the encoder stay; BatchNorm takes the target's statistics."""
    model = request.model
    model.encoder.requires_grad_(False)
    for part in model.encoder.modules():
        if isinstance(part, Bottleneck):
            part.requires_grad_(True)
    request.fit(model, request.target.train)
    return model


def _through_bottleneck(layer: Any, inputs: Any, outputs: Tensor) -> Tensor:
    # A function of the layer alone: a copy of the layer then goes through its own bottleneck.
    states: Tensor = layer.bottleneck(outputs)
    return states
