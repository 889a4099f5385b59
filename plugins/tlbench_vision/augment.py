"""Transformations of training images that keep the label; a task names those that suit it."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from tlbench import AugmentRequest


def augment(request: AugmentRequest) -> tuple[Tensor, ...]:
    """Return uint8 images `(N, C, H, W)`, each changed by the named transformations in their order."""
    (images,) = request.inputs
    for name in request.names:
        images = TRANSFORMATIONS[name](images, request.generator)
    return (images,)


def _uniform(size: int, generator: torch.Generator) -> Tensor:
    """Return values in -1..1, one an image."""
    return torch.rand(size, generator=generator) * 2 - 1


def affine(images: Tensor, generator: torch.Generator) -> Tensor:
    """Rotate by up to 0.25 rad, scale the width by up to 15 %, shear by up to 0.3, shift by up to an eighth."""
    size = len(images)
    angle, scale = 0.25 * _uniform(size, generator), 1 + 0.15 * _uniform(size, generator)
    shear = 0.3 * _uniform(size, generator)
    cosine, sine = angle.cos(), angle.sin()
    shift = 0.25 * torch.stack([_uniform(size, generator), _uniform(size, generator)], 1)
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


def noise(images: Tensor, generator: torch.Generator) -> Tensor:
    """Add Gaussian noise with a standard deviation of 5 % of the range."""
    drawn = torch.randn(images.shape, generator=generator) * (0.05 * 255)
    return (images.float() + drawn).round().clamp(0, 255).to(torch.uint8)


def rot90(images: Tensor, generator: torch.Generator) -> Tensor:
    """Turn each square image by none to three right angles."""
    turns = torch.randint(4, (len(images),), generator=generator)
    return torch.stack([image.rot90(int(turn), (1, 2)) for image, turn in zip(images, turns, strict=True)])


def flip(images: Tensor, generator: torch.Generator) -> Tensor:
    """Mirror each image left to right with probability 1/2."""
    mirrored = torch.rand(len(images), generator=generator) < 0.5
    return torch.where(mirrored[:, None, None, None], images.flip(3), images)


TRANSFORMATIONS = {"affine": affine, "noise": noise, "rot90": rot90, "flip": flip}
