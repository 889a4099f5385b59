"""Transformations of training images that keep the label; a task names those that suit it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from tlbench import AugmentRequest


@dataclass(frozen=True)
class Ranges:
    """How far the transformations go; each value is drawn uniformly from both sides of zero."""

    angle: float
    """Rotation, in radians."""
    scale: float
    """Change of the width, as a fraction."""
    shear: float
    """Shear, as a fraction."""
    shift: float
    """Shift, as a fraction of width and height."""
    noise: float
    """Standard deviation of the noise, as a fraction of the range of a pixel."""


RANGES = {
    "weak": Ranges(angle=0.25, scale=0.15, shear=0.3, shift=0.125, noise=0.05),
    # Rotation, shear and shift are the limits of RandAugment (Cubuk et al. 2020, arXiv:1909.13719), which FixMatch uses
    # too; the scale, which neither has, is twice the weak one. The noise is the middle one of the five severities of
    # Hendrycks & Dietterich 2019, arXiv:1903.12261.
    "strong": Ranges(angle=math.pi / 6, scale=0.3, shear=0.3, shift=0.3, noise=0.18),
}


def augment(request: AugmentRequest) -> tuple[Tensor, ...]:
    """Return uint8 images `(N, C, H, W)`, each changed by the named transformations in their order."""
    (images,) = request.inputs
    for name in request.names:
        images = TRANSFORMATIONS[name](images, request.generator, RANGES[request.strength])
    return (images,)


def _uniform(size: int, generator: torch.Generator) -> Tensor:
    """Return values in -1..1, one an image."""
    return torch.rand(size, generator=generator, device=generator.device) * 2 - 1


def affine(images: Tensor, generator: torch.Generator, ranges: Ranges) -> Tensor:
    """Rotate, scale the width, shear and shift."""
    size = len(images)
    angle, scale = ranges.angle * _uniform(size, generator), 1 + ranges.scale * _uniform(size, generator)
    shear = ranges.shear * _uniform(size, generator)
    cosine, sine = angle.cos(), angle.sin()
    # The grid of torch is two units wide.
    shift = 2 * ranges.shift * torch.stack([_uniform(size, generator), _uniform(size, generator)], 1)
    matrix = torch.stack(
        [
            torch.stack([scale * cosine, shear - sine, shift[:, 0]], 1),
            torch.stack([sine, cosine, shift[:, 1]], 1),
        ],
        1,
    )
    grid = functional.affine_grid(matrix, list(images.shape), align_corners=False)
    moved = functional.grid_sample(images.float(), grid, padding_mode="border", align_corners=False)
    return moved.round().clamp(0, 255).to(torch.uint8)


def noise(images: Tensor, generator: torch.Generator, ranges: Ranges) -> Tensor:
    """Add Gaussian noise."""
    drawn = torch.randn(images.shape, generator=generator, device=generator.device) * (ranges.noise * 255)
    return (images.float() + drawn).round().clamp(0, 255).to(torch.uint8)


def rot90(images: Tensor, generator: torch.Generator, ranges: Ranges) -> Tensor:
    """Turn each square image by none to three right angles."""
    turns = torch.randint(4, (len(images),), generator=generator, device=generator.device)
    # All four of each image: to read which one is wanted would wait for the GPU.
    turned = torch.stack([images.rot90(count, (2, 3)) for count in range(4)])
    return turned[turns, torch.arange(len(images), device=images.device)]


def flip(images: Tensor, generator: torch.Generator, ranges: Ranges) -> Tensor:
    """Mirror each image left to right with probability 1/2."""
    mirrored = torch.rand(len(images), generator=generator, device=generator.device) < 0.5
    return torch.where(mirrored[:, None, None, None], images.flip(3), images)


TRANSFORMATIONS = {"affine": affine, "noise": noise, "rot90": rot90, "flip": flip}
