"""The blocks of encoders: the default of `Encoder.blocks`, and what it gives for common architectures."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from tlbench.learning import Encoder, blocks_of, outside_blocks


class Residual(nn.Module):
    """A block with a shortcut: a container of layers that is no stack."""

    def __init__(self):
        super().__init__()
        self.first = nn.Linear(4, 4)
        self.shortcut = nn.Sequential(nn.Linear(4, 4), nn.LayerNorm(4))


class Stages(nn.Module):
    """A module with a stack, and something before it."""

    def __init__(self):
        super().__init__()
        self.down = nn.Linear(4, 4)
        self.layers = nn.ModuleList([Residual(), Residual()])


def named(encoder):
    names = {id(module): name for name, module in encoder.named_modules()}
    return [names[id(block)] for block in encoder.blocks()]


def encoder_of(**children):
    encoder = Encoder()
    for name, child in children.items():
        encoder.add_module(name, child)
    return encoder


def test_containers_and_modules_with_a_stack_are_opened_and_other_modules_are_not():
    encoder = encoder_of(
        norm=nn.Identity(),
        stem=nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Sequential(nn.LayerNorm(4))),
        stages=nn.Sequential(Residual(), Stages()),
        head=Residual(),
    )
    assert named(encoder) == [
        "stem.0", "stem.2.0", "stages.0", "stages.1.down", "stages.1.layers.0", "stages.1.layers.1", "head"
    ]  # fmt: skip


def test_a_wrapper_of_one_composite_module_is_opened():
    assert named(encoder_of(model=encoder_of(inner=Stages()))) == [
        "model.inner.down", "model.inner.layers.0", "model.inner.layers.1"
    ]  # fmt: skip
    assert named(encoder_of(only=nn.Linear(2, 2))) == ["only"]


def test_parameters_outside_of_blocks_are_found():
    encoder = encoder_of(first=nn.Linear(2, 2), second=nn.Linear(2, 2))
    encoder.token = nn.Parameter(torch.zeros(3))
    assert [parameter.numel() for parameter in outside_blocks(encoder, encoder.blocks())] == [3]
    assert outside_blocks(encoder, [encoder]) == []


def test_a_submodule_named_blocks_is_refused():
    with pytest.raises(AttributeError, match="use another name"):
        Encoder().blocks = nn.Linear(2, 2)


def _timm(name):
    import timm

    return timm.create_model(name, num_classes=0)


def _transformers(kind):
    import transformers

    small = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
    if kind == "GPT2":
        return transformers.GPT2Model(transformers.GPT2Config(n_embd=16, n_layer=2, n_head=2))
    return getattr(transformers, f"{kind}Model")(getattr(transformers, f"{kind}Config")(**small))


@pytest.mark.parametrize(
    ("make", "name", "size", "first", "last"),
    [
        (_timm, "resnet18", 10, "conv1", "layer4.1"),
        (_timm, "vit_tiny_patch16_224", 14, "patch_embed", "norm"),
        (_timm, "convnext_atto", 21, "stem.0", "head"),
        (_transformers, "Bert", 4, "embeddings", "pooler"),
        (_transformers, "GPT2", 5, "wte", "ln_f"),
        (_transformers, "Wav2Vec2", 12, "feature_extractor.conv_layers.0", "encoder.layers.1"),
    ],
)
def test_the_default_opens_common_architectures_down_to_their_layers(make, name, size, first, last):
    encoder = encoder_of(model=make(name))
    blocks = named(encoder)
    assert (len(blocks), blocks[0], blocks[-1]) == (size, f"model.{first}", f"model.{last}")
    inside = [parameter for block in encoder.blocks() for parameter in block.parameters()]
    outside = outside_blocks(encoder, encoder.blocks())
    assert len(inside) + len(outside) == len(list(encoder.parameters()))
    assert blocks_of(encoder) == blocks_of(encoder.model)
