"""The networks that are measured: random weights, made of configurations, nothing is downloaded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from tlbench.learning.data import Examples, Inputs
from tlbench.learning.kinds import Classification
from tlbench.learning.model import Encoder, TransferModel
from tlbench.learning.targets import Targets


class Network(Encoder):
    """A network as an encoder: what it returns, or one of its outputs, is the features."""

    def __init__(self, network: nn.Module, feature_dim: int, read: Callable[[Any], Tensor]) -> None:
        super().__init__()
        self.network, self.feature_dim, self.read = network, feature_dim, read

    def forward(self, inputs: Tensor) -> Tensor:
        return self.read(self.network(inputs))


@dataclass(frozen=True, kw_only=True)
class Case:
    """A network, and examples of the shape that it takes."""

    name: str
    build: Callable[[bool], Network]
    """Takes whether the network is to be small."""
    labels: int
    batch: int
    shape: tuple[int, ...]
    """Of one example."""
    vocabulary: int = 0
    """Tokens that an example is made of; 0: uint8 pixels."""
    each: bool = False
    """Whether each position has a label, as in a language model."""
    small_shape: tuple[int, ...] = ()

    def model(self, device: str, small: bool) -> TransferModel:
        torch.manual_seed(0)
        encoder = self.build(small)
        return TransferModel(encoder, {"target": nn.Linear(encoder.feature_dim, self.classes(small))}).to(device)

    def classes(self, small: bool) -> int:
        return min(self.labels, 100) if small else self.labels

    def examples(self, size: int, small: bool) -> Examples:
        random, shape = np.random.default_rng(0), self.small_shape if small else self.shape
        high, kind = (
            (self.classes(small) if self.each else min(self.vocabulary, 100), np.int64)
            if self.vocabulary
            else (255, np.uint8)
        )
        inputs = random.integers(1, high, size=(size, *shape)).astype(kind)
        counts = np.full(size, shape[0] if self.each else 1)
        return Examples(Inputs((inputs,)), Targets(random.integers(self.classes(small), size=counts.sum()), counts))


class Pixels(nn.Module):
    """uint8 images to what a network of images takes."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        return self.network(images.float() / 255)


def resnet(small: bool) -> Network:
    from torchvision.models.resnet import BasicBlock, Bottleneck, ResNet

    network = ResNet(BasicBlock, [1, 1, 1, 1]) if small else ResNet(Bottleneck, [3, 4, 6, 3])
    width, network.fc = network.fc.in_features, nn.Identity()
    for part in network.modules():  # Untrained gains of 1 and means of 0 fold away.
        if isinstance(part, nn.BatchNorm2d):
            nn.init.normal_(part.weight, 1.0, 0.1)
    return Network(Pixels(network), width, lambda outputs: outputs)


def vit(small: bool) -> Network:
    from torchvision.models import VisionTransformer

    size = {"image_size": 32, "num_layers": 1, "num_heads": 2, "hidden_dim": 16, "mlp_dim": 32}
    large = {"image_size": 224, "num_layers": 12, "num_heads": 12, "hidden_dim": 768, "mlp_dim": 3072}
    network = VisionTransformer(patch_size=16, **(size if small else large))
    network.heads = nn.Identity()
    return Network(Pixels(network), network.hidden_dim, lambda outputs: outputs)


def bert(small: bool) -> Network:
    from transformers import BertConfig, BertModel

    size = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    config = BertConfig(**(size if small else {}))
    return Network(BertModel(config, add_pooling_layer=False), config.hidden_size, first_token)


def gpt2(small: bool) -> Network:
    from transformers import GPT2Config, GPT2Model

    config = GPT2Config(**({"n_embd": 16, "n_layer": 1, "n_head": 2, "vocab_size": 100} if small else {}))
    config.use_cache = False
    return Network(GPT2Model(config), config.n_embd, lambda outputs: outputs.last_hidden_state)


def first_token(outputs: Any) -> Tensor:
    return outputs.last_hidden_state[:, 0]


CASES = (
    Case(name="ResNet-50", build=resnet, labels=1000, batch=128, shape=(3, 224, 224), small_shape=(3, 32, 32)),
    Case(name="ViT-B/16", build=vit, labels=1000, batch=64, shape=(3, 224, 224), small_shape=(3, 32, 32)),
    Case(name="BERT-base", build=bert, labels=2, batch=64, shape=(128,), vocabulary=30522, small_shape=(8,)),
    Case(name="GPT-2", build=gpt2, labels=50257, batch=8, shape=(512,), vocabulary=50257, each=True, small_shape=(8,)),
)
KIND = Classification()
