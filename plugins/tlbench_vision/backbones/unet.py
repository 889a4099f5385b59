"""A small U-Net (Ronneberger et al. 2015, arXiv:1505.04597): features of every pixel, for images of any size."""

from __future__ import annotations

from typing import Any

import torch
from timm.layers.conv_bn_act import ConvNormAct
from torch import Tensor, nn
from torch.nn import functional

from tlbench import BuildRequest
from tlbench.learning import Encoder


def build(request: BuildRequest) -> Encoder:
    """Return the encoder."""
    return SmallUnet(request.fitted, width=int(request.options["width"]))


class SmallUnet(Encoder):
    """uint8 images `(N, C, H, W)` -> features `(N, H, W, width)`; for any width and height."""

    free_axes = ((2, 3),)
    mean: Tensor
    std: Tensor

    def __init__(self, fitted: Any, width: int) -> None:
        super().__init__()
        self.feature_dim = width
        self.register_buffer("mean", torch.tensor(fitted["mean"], dtype=torch.float32).view(1, -1, 1, 1))
        self.register_buffer("std", torch.tensor(fitted["std"], dtype=torch.float32).view(1, -1, 1, 1))
        self.down = nn.ModuleList(
            [
                _block(fitted["shape"][2], width),
                _block(width, 2 * width, stride=2),
                _block(2 * width, 4 * width, stride=2),
            ]
        )
        self.up = nn.ModuleList([_block(6 * width, 2 * width), _block(3 * width, width)])

    def forward(self, images: Tensor) -> Tensor:
        features: Tensor = (images.float() / 255 - self.mean) / self.std
        passed = []
        for block in self.down:
            features = block(features)
            passed.append(features)
        for block, beside in zip(self.up, passed[-2::-1], strict=True):
            larger = functional.interpolate(features, size=beside.shape[2:], mode="bilinear")
            features = block(torch.cat([larger, beside], 1))
        return features.permute(0, 2, 3, 1)

    def blocks(self) -> list[nn.Module]:
        """Return the two convolutions of each scale together, down and up again."""
        return [*self.down, *self.up]


def _block(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        ConvNormAct(inputs, outputs, kernel_size=3, stride=stride), ConvNormAct(outputs, outputs, kernel_size=3)
    )
