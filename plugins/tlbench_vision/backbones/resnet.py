"""A small residual network (He et al. 2015, arXiv:1512.03385) made of timm's own blocks."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from timm.layers.conv_bn_act import ConvNormAct
from timm.models.resnet import BasicBlock
from torch import Tensor, nn

from tlbench import BadInputError, BuildRequest, FitRequest, PrepareRequest
from tlbench.learning import Columns, Encoder, prepare_each
from tlbench_vision.preprocess import preprocessor

LEVELS = 256


def fit(request: FitRequest) -> dict[str, Any]:
    """Return the image shape and the mean and standard deviation of each channel, in 0..1.

    One image is in memory at a time: what is kept is how often each channel has each value, and so nothing is rounded.
    """
    first = np.asarray(request.inputs[0])
    if first.dtype != np.uint8 or first.ndim != 3:
        raise BadInputError(f"Invalid image {first.shape} {first.dtype}: expected (H, W, C) uint8.")
    channels = first.shape[2]
    counts = np.zeros(channels * LEVELS, np.int64)
    for image in request.inputs:
        if np.shape(image) != first.shape:
            raise BadInputError(
                f"Images have different shapes, {first.shape} and {np.shape(image)}: scale them with "
                f"--set task.size=32 or use a backbone that scales images, such as timm/resnet18."
            )
        counts += np.bincount((image + LEVELS * np.arange(channels)).ravel(), minlength=len(counts))
    values, weights = np.arange(LEVELS) / (LEVELS - 1), counts.reshape(channels, LEVELS) / (counts.sum() / channels)
    mean = weights @ values
    std = np.sqrt((weights * np.square(values - mean[:, None])).sum(1))
    return {"shape": list(first.shape), "mean": mean.tolist(), "std": np.maximum(std, 1e-3).tolist()}


def prepare(request: PrepareRequest) -> Columns:
    """Return images `(N, C, H, W)` uint8."""
    (images,) = prepare_each(preprocessor, request)
    return (np.stack(images),)


def build(request: BuildRequest) -> Encoder:
    """Return the encoder."""
    options = request.options
    return SmallResNet(request.fitted, width=int(options["width"]), stem_stride=int(options["stem_stride"]))


class SmallResNet(Encoder):
    """uint8 images `(N, C, H, W)` -> features `(N, 4 * width)`."""

    mean: Tensor
    std: Tensor

    def __init__(self, fitted: Any, width: int, stem_stride: int) -> None:
        super().__init__()
        self.feature_dim = 4 * width
        self.register_buffer("mean", torch.tensor(fitted["mean"], dtype=torch.float32).view(1, -1, 1, 1))
        self.register_buffer("std", torch.tensor(fitted["std"], dtype=torch.float32).view(1, -1, 1, 1))
        self.stem = ConvNormAct(fitted["shape"][2], width, kernel_size=3, stride=stem_stride)
        self.stages = nn.Sequential(
            _block(width, width, 1), _block(width, 2 * width, 2), _block(2 * width, 4 * width, 2)
        )

    def forward(self, images: Tensor) -> Tensor:
        pixels = (images.float() / 255 - self.mean) / self.std
        features: Tensor = self.stages(self.stem(pixels))
        return features.mean((2, 3))


def _block(inputs: int, outputs: int, stride: int) -> BasicBlock:
    shortcut = None
    if stride > 1 or inputs != outputs:
        shortcut = ConvNormAct(inputs, outputs, kernel_size=1, stride=stride, apply_act=False)
    return BasicBlock(inputs, outputs, stride=stride, downsample=shortcut)
