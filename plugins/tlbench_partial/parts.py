"""The parts of an encoder that partial fine-tuning tells apart: layers, biases, normalisation."""

from __future__ import annotations

import re

from torch import nn

from tlbench.learning import Encoder


def layers_of(encoder: Encoder) -> list[list[nn.Module]]:
    """Return the blocks of an encoder from input to output, each with the normalisation behind it.

    A block without a matrix, such as the last normalisation of a transformer, counts as a part of the block before it:
    otherwise "the last block" would be a few scales.
    """
    layers = list[list[nn.Module]]()
    for block in encoder.blocks():
        if not layers or any(parameter.dim() > 1 for parameter in block.parameters()):
            layers.append([block])
        else:
            layers[-1].append(block)
    return layers


def biases_of(encoder: nn.Module) -> list[nn.Parameter]:
    """Return the vectors named `bias`, `in_proj_bias`, `bias_ih_l0` and the like.

    A matrix such as `relative_position_bias_table` does not count: it is indexed, not added to the output of a
    layer.
    """
    named = encoder.named_parameters()
    return [value for name, value in named if "bias" in name.split(".")[-1].split("_") and value.dim() == 1]


def normalisation_of(encoder: nn.Module) -> list[nn.Module]:
    """Return the layers with scales that normalise features: BatchNorm, LayerNorm, GroupNorm, RMSNorm and the like.

    They are known by the names of their classes and base classes, because libraries have many of their own.
    """
    return [layer for layer in encoder.modules() if _normalises(layer) and list(layer.parameters(recurse=False))]


def _normalises(layer: nn.Module) -> bool:
    return any(re.search(r"Norm(\dd)?$", base.__name__) for base in type(layer).__mro__)
