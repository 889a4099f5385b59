"""A small feature pyramid (Lin et al. 2017, Feature pyramid networks, arXiv:1612.03144) of timm's own blocks."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from timm.layers.conv_bn_act import ConvNormAct
from torch import Tensor, nn
from torch.nn import functional

from tlbench import BadInputError, BuildRequest, FitRequest, PrepareRequest
from tlbench.learning import Columns, Encoder, prepare_each
from tlbench_detection.photo import preprocessor

STEP = 16
"""Width and height of inputs are multiples of it: the smallest scale is a sixteenth."""
LARGEST = 128
"""Side of the square that images are scaled to the area of at the most, unless the option `size` says otherwise."""


def fit(request: FitRequest) -> dict[str, Any]:
    """Return the size of the inputs, and mean and standard deviation of each channel, in 0..1.

    The inputs have the median shape and area of the images, or the area of the option `size`.
    """
    sides, sums, squares = [], np.zeros(3), np.zeros(3)
    for image in request.inputs:
        pixels = np.asarray(image)
        if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] not in (1, 3):
            raise BadInputError(f"Invalid image {pixels.shape} {pixels.dtype}: expected (H, W, 1 or 3) uint8.")
        sides.append(pixels.shape[:2])
        sums += (pixels.mean((0, 1), dtype=np.float64) / 255) * np.ones(3)
        squares += ((pixels.astype(np.float32) / 255) ** 2).mean((0, 1), dtype=np.float64)
    mean = sums / len(sides)
    std = np.sqrt(np.maximum(squares / len(sides) - mean**2, 0))
    height, width = input_size(np.array(sides), int(request.options["size"]))
    return {"height": height, "width": width, "mean": mean.tolist(), "std": np.maximum(std, 1e-2).tolist()}


def input_size(sides: Any, size: int) -> tuple[int, int]:
    """Return height and width of inputs, multiples of `STEP`, for images of heights and widths `(N, 2)`."""
    ratio = math.sqrt(float(np.median(sides[:, 0] / sides[:, 1])))
    side = size or min(LARGEST, float(np.median(np.sqrt(sides.prod(1)))))
    height, width = (max(STEP, STEP * round(length / STEP)) for length in (side * ratio, side / ratio))
    return height, width


def prepare(request: PrepareRequest) -> Columns:
    """Return images `(N, 3, H, W)` uint8."""
    (images,) = prepare_each(preprocessor, request)
    return (np.stack(images),)


def build(request: BuildRequest) -> Encoder:
    """Return the encoder."""
    return SmallPyramid(request.fitted, width=int(request.options["width"]))


class SmallPyramid(Encoder):
    """uint8 images `(N, 3, H, W)` -> features `(N, H/4, W/4, 4 * width)` of cells of 4 x 4 pixels."""

    mean: Tensor
    std: Tensor

    def __init__(self, fitted: Any, width: int) -> None:
        super().__init__()
        self.feature_dim = joined = 4 * width
        self.register_buffer("mean", torch.tensor(fitted["mean"], dtype=torch.float32).view(1, -1, 1, 1))
        self.register_buffer("std", torch.tensor(fitted["std"], dtype=torch.float32).view(1, -1, 1, 1))
        self.stem = ConvNormAct(3, width, kernel_size=3, stride=2)
        self.down = nn.ModuleList([_block(width, 2 * width), _block(2 * width, 4 * width), _block(4 * width, joined)])
        self.up = nn.ModuleList([Join(channels, joined) for channels in (4 * width, 2 * width)])
        self.last = ConvNormAct(joined, joined, kernel_size=3)

    def forward(self, images: Tensor) -> Tensor:
        features: Tensor = self.stem((images.float() / 255 - self.mean) / self.std)
        passed = []
        for block in self.down:
            features = block(features)
            passed.append(features)
        for join, beside in zip(self.up, passed[-2::-1], strict=True):
            features = join(features, beside)
        features = self.last(features)
        return features.permute(0, 2, 3, 1)

    def blocks(self) -> list[nn.Module]:
        """Return the stem, the scales going down, and what joins them going up."""
        return [self.stem, *self.down, *self.up, self.last]


class Join(nn.Module):
    """Enlarged features of a coarse scale, plus those of the next finer one behind a 1 x 1 convolution."""

    def __init__(self, channels: int, joined: int) -> None:
        super().__init__()
        self.lateral = nn.Conv2d(channels, joined, 1)

    def forward(self, coarse: Tensor, fine: Tensor) -> Tensor:
        own: Tensor = self.lateral(fine)
        return functional.interpolate(coarse, size=fine.shape[2:], mode="nearest") + own


def _block(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        ConvNormAct(inputs, outputs, kernel_size=3, stride=2), ConvNormAct(outputs, outputs, kernel_size=3)
    )
