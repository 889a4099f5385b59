"""Which layers of an encoder can be adapted: chosen by type, whatever their names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from typing import Any

from torch import Tensor, nn

from tlbench import NotApplicable
from tlbench.learning import Encoder

TRANSPOSED = "transformers.pytorch_utils.Conv1D"
"""The linear layer of GPT-2, `(inputs, outputs)`; by its name, because transformers need not be installed."""
CONVOLUTIONS: tuple[type[nn.Module], ...] = (nn.Conv1d, nn.Conv2d)


def adaptable(encoder: Encoder, convolutions: Collection[type[nn.Module]] = CONVOLUTIONS) -> dict[str, Any]:
    """Return linear layers and convolutions by name. Raises `NotApplicable` if there are none.

    Left out are layers whose update could not be merged: those that share a weight with another part, convolutions
    with groups, dilation or padding other than by zeros, and subclasses, which may change their weights before use.
    """
    owners = Counter(id(weight) for _, weight in encoder.named_parameters(remove_duplicate=False))
    layers = {
        name: layer
        for name, layer in encoder.named_modules()
        if (is_linear(layer) or (type(layer) in convolutions and _is_plain(layer))) and owners[id(layer.weight)] == 1
    }
    if not layers:
        wanted = " or ".join(["nn.Linear", *(f"nn.{kind.__name__}" for kind in convolutions)])
        raise NotApplicable(f"The encoder has no layer of the type {wanted} that an update could be merged into.")
    return layers


def last_layers(encoder: Encoder, layers: Mapping[str, nn.Module]) -> list[str]:
    """Return the names of the last of these layers in each block, in the order of registration.

    In a transformer it belongs to the feed-forward network; in a residual block to its shortcut, if that has one.
    """
    names = {id(layer): name for name, layer in layers.items()}
    blocks = ([names[id(part)] for part in block.modules() if id(part) in names] for block in encoder.blocks())
    return [inside[-1] for inside in blocks if inside]


def is_linear(layer: nn.Module) -> bool:
    """Return whether a layer is linear, and of no subclass."""
    return type(layer) is nn.Linear or is_transposed(layer)


def is_transposed(layer: nn.Module) -> bool:
    """Return whether a linear layer has a row for each input, as those of GPT-2 have."""
    return f"{type(layer).__module__}.{type(layer).__name__}" == TRANSPOSED


def by_output(layer: Any) -> Tensor:
    """Return the weights `(outputs, ...)` of a layer."""
    weight: Tensor = layer.weight
    return weight.T if is_transposed(layer) else weight


def _is_plain(layer: Any) -> bool:
    return layer.groups == 1 and set(layer.dilation) == {1} and layer.padding_mode == "zeros"
