"""What all backbones for photographs do to pixels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from tlbench import BadInputError


def rgb(image: Any) -> Image.Image:
    """Return an image `(H, W, C)` uint8, C 1 for grey or 3, as an RGB picture. Raises `BadInputError` for others."""
    pixels = np.asarray(image)
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] not in (1, 3):
        raise BadInputError(f"Invalid image {pixels.shape} {pixels.dtype}: expected (H, W, 1 or 3) uint8.")
    return Image.fromarray(pixels if pixels.shape[2] == 3 else pixels.repeat(3, axis=2))


class Normalise(nn.Module):
    """uint8 pixels `(N, 3, H, W)` -> float32 of the mean and standard deviation that a network was trained with."""

    mean: Tensor
    std: Tensor

    def __init__(self, mean: Sequence[float], std: Sequence[float]) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(mean, dtype=torch.float32).view(1, -1, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std, dtype=torch.float32).view(1, -1, 1, 1), persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        return (images.float() / 255 - self.mean) / self.std
