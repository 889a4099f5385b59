"""Features of images: pooled pixels with gradients by direction; or of each pixel, its neighbourhood."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from tlbench.learning import Encoder
from tlbench_baselines.classical.pooling import cells

GRID, COARSE = 8, 4
"""Cells on each side in which pixels, and gradients, are averaged."""
DIRECTIONS = 8
FAINT = 0.01
"""Gradients of an image that are less than this on average are not scaled up."""
WINDOWS = (3, 7, 15)
"""Pixels on a side of the neighbourhoods of a pixel."""


class Pooled(Encoder):
    """Images `(N, C, H, W)` -> features `(N, D)`: means of pixels in cells, and of gradients by direction.

    Gradients are those of a histogram of oriented gradients (Dalal & Triggs 2005, doi:10.1109/CVPR.2005.177), but each
    counts for every direction by its projection: in a histogram, a rounding error could move it to the next bin.
    """

    fine_rows: Tensor
    fine_columns: Tensor
    coarse_rows: Tensor
    coarse_columns: Tensor
    across: Tensor
    down: Tensor

    def __init__(self, channels: int, height: int, width: int) -> None:
        super().__init__()
        for name, size, count in (("fine", (height, width), GRID), ("coarse", (height - 2, width - 2), COARSE)):
            self.register_buffer(f"{name}_rows", cells(max(size[0], 1), count), persistent=False)
            self.register_buffer(f"{name}_columns", cells(max(size[1], 1), count).T.contiguous(), persistent=False)
        angles = torch.arange(DIRECTIONS) * (2 * math.pi / DIRECTIONS)
        self.register_buffer("across", angles.cos().view(1, -1, 1, 1), persistent=False)
        self.register_buffer("down", angles.sin().view(1, -1, 1, 1), persistent=False)
        fine, coarse = min(height, GRID) * min(width, GRID), min(height - 2, COARSE) * min(width - 2, COARSE)
        self.feature_dim = channels * fine + DIRECTIONS * coarse

    def forward(self, images: Tensor) -> Tensor:
        pixels = images.float() / 255
        grey = pixels.mean(1, keepdim=True)
        across, down = grey[:, :, 1:-1, 2:] - grey[:, :, 1:-1, :-2], grey[:, :, 2:, 1:-1] - grey[:, :, :-2, 1:-1]
        edges = torch.relu(across * self.across + down * self.down)
        edges = edges / (edges.mean((1, 2, 3), keepdim=True) + FAINT)
        means = self.fine_rows @ pixels @ self.fine_columns
        directions = self.coarse_rows @ edges @ self.coarse_columns
        return torch.cat([means.flatten(1), directions.flatten(1)], 1)


class Pixels(Encoder):
    """Images `(N, C, H, W)` -> features `(N, H, W, D)`: each pixel, means and spreads of its windows, and squares."""

    free_axes = ((2, 3),)

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.feature_dim = channels * 2 * (1 + 2 * len(WINDOWS))

    def forward(self, images: Tensor) -> Tensor:
        pixels = images.float() / 255
        parts = [pixels]
        for size in WINDOWS:
            mean, square = _mean(pixels, size), _mean(pixels.square(), size)
            parts += [mean, (square - mean.square()).clamp(min=0).add(1e-4).sqrt()]
        features = torch.cat(parts, 1)
        return torch.cat([features, features.square()], 1).permute(0, 2, 3, 1)


def _mean(values: Tensor, size: int) -> Tensor:
    return functional.avg_pool2d(values, size, stride=1, padding=size // 2, count_include_pad=False)
