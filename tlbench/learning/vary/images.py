"""Transformations of images. Those with a range draw uniformly from both sides of no change."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from tlbench.contract.requests import AugmentRequest
from tlbench.errors import UsageError
from tlbench.learning.vary.named import named

GREY = (0.2989, 0.587, 0.114)
"""How bright red, green and blue are (ITU-R BT.601), as in torchvision."""


@dataclass(frozen=True)
class Ranges:
    """How far the transformations go."""

    angle: float
    """Rotation, in radians."""
    scale: float
    """Change of the width, and of both sides in `zoom`, as a fraction."""
    shear: float
    """Shear, as a fraction."""
    shift: float
    """Shift, as a fraction of width and height."""
    noise: float
    """Standard deviation of the noise, as a fraction of the range of a pixel."""
    cut: float
    """The largest part of the area that `crop` cuts off."""
    colour: float
    """Change of brightness, contrast and saturation, as a fraction."""


RANGES = {
    "weak": Ranges(angle=0.25, scale=0.15, shear=0.3, shift=0.125, noise=0.05, cut=0.3, colour=0.2),
    # Rotation, shear and shift are the limits of RandAugment (Cubuk et al. 2020, arXiv:1909.13719), which FixMatch uses
    # too; the scale, which neither has, is twice the weak one. The noise is the middle one of the five severities of
    # Hendrycks & Dietterich 2019, arXiv:1903.12261; colours change half as far as in SimCLR (arXiv:2002.05709).
    "strong": Ranges(angle=math.pi / 6, scale=0.3, shear=0.3, shift=0.3, noise=0.18, cut=0.7, colour=0.4),
}


class Moved(NamedTuple):
    """Images, and how they were moved."""

    images: Tensor
    """`(N, C, H, W)` uint8."""
    matrix: Tensor
    """`(N, 2, 3)`, as `AugmentRequest.moves` has it."""


def vary_images(request: AugmentRequest) -> tuple[Tensor, ...]:
    """Return uint8 images `(N, C, H, W)`, each changed by the named transformations in their order.

    `affine` (rotate, change the width, shear, shift), `rotate`, `zoom`, `crop`, `rot90`, `flip`, `flip-vertical`;
    `noise`; `light` (brightness and contrast) and `colour` (saturation). `BackboneSpec.augment` takes it, with
    `augments_on_device`. What moves images appends to `request.moves`. Raises `UnknownNameError`.
    """
    (images,) = request.inputs
    for transform in named(request, TRANSFORMATIONS):
        moved = transform(images, request.generator, RANGES[request.strength])
        if isinstance(moved, Moved):
            request.moves.append(moved.matrix)
        images = moved.images if isinstance(moved, Moved) else moved
    return (images,)


def _uniform(size: int, generator: torch.Generator) -> Tensor:
    """Return values in -1..1, one an image."""
    return torch.rand(size, generator=generator, device=generator.device) * 2 - 1


def affine(images: Tensor, generator: torch.Generator, ranges: Ranges) -> Moved:
    """Rotate, scale the width, shear and shift."""
    size = len(images)
    angle, scale = ranges.angle * _uniform(size, generator), 1 + ranges.scale * _uniform(size, generator)
    shear = ranges.shear * _uniform(size, generator)
    cosine, sine = angle.cos(), angle.sin()
    # The grid of torch is two units wide.
    shift = 2 * ranges.shift * torch.stack([_uniform(size, generator), _uniform(size, generator)], 1)
    return _moved(images, [[scale * cosine, shear - sine, shift[:, 0]], [sine, cosine, shift[:, 1]]])


def rotate(images: Tensor, generator: torch.Generator, ranges: Ranges) -> Moved:
    """Rotate about the middle."""
    angle = ranges.angle * _uniform(len(images), generator)
    zero = torch.zeros_like(angle)
    return _moved(images, [[angle.cos(), -angle.sin(), zero], [angle.sin(), angle.cos(), zero]])


def zoom(images: Tensor, generator: torch.Generator, ranges: Ranges) -> Moved:
    """Scale width and height alike about the middle."""
    scale = 1 + ranges.scale * _uniform(len(images), generator)
    zero = torch.zeros_like(scale)
    return _moved(images, [[scale, zero, zero], [zero, scale, zero]])


def crop(images: Tensor, generator: torch.Generator, ranges: Ranges) -> Moved:
    """Cut out a part of the same shape that lies within the image, and scale it to the image's size."""
    size = len(images)
    area = 1 - ranges.cut * torch.rand(size, generator=generator, device=generator.device)
    side, zero = area.sqrt(), torch.zeros_like(area)
    right, down = ((1 - side) * _uniform(size, generator) for _ in range(2))
    return _moved(images, [[side, zero, right], [zero, side, down]])


def _moved(images: Tensor, matrix: list[list[Tensor]]) -> Moved:
    """Return each image seen through its matrix `(2, 3)`, of coordinates from -1 to 1."""
    stacked = _stacked(matrix)
    grid = functional.affine_grid(stacked, list(images.shape), align_corners=False)
    moved = functional.grid_sample(images.float(), grid, padding_mode="border", align_corners=False)
    return Moved(_pixels(moved), stacked)


def _stacked(matrix: list[list[Tensor]]) -> Tensor:
    """Return `(N, 2, 3)` from the values `(N,)` of each place."""
    return torch.stack([torch.stack(row, 1) for row in matrix], 1)


def _pixels(values: Tensor) -> Tensor:
    return values.round().clamp(0, 255).to(torch.uint8)


def noise(images: Tensor, generator: torch.Generator, ranges: Ranges) -> Tensor:
    """Add Gaussian noise."""
    drawn = torch.randn(images.shape, generator=generator, device=generator.device) * (ranges.noise * 255)
    return _pixels(images.float() + drawn)


def rot90(images: Tensor, generator: torch.Generator, ranges: Ranges) -> Moved:
    """Turn each square image by none to three right angles. Raises `UsageError` for images of another shape."""
    height, width = images.shape[2:]
    if height != width:
        raise UsageError(
            f'Invalid augmentation "rot90" for images of {height} x {width} pixels: they must be square. Use "rotate" '
            f"or flip-vertical, or scale images to a square, such as with --set task.size=64."
        )
    turns = torch.randint(4, (len(images),), generator=generator, device=generator.device)
    # All four of each image: to read which one is wanted would wait for the GPU.
    turned = torch.stack([images.rot90(count, (2, 3)) for count in range(4)])
    cosine, sine = (turns == 0).float() - (turns == 2).float(), (turns == 1).float() - (turns == 3).float()
    zero = torch.zeros_like(sine)
    matrix = _stacked([[cosine, -sine, zero], [sine, cosine, zero]])
    return Moved(turned[turns, torch.arange(len(images), device=images.device)], matrix)


def flip(images: Tensor, generator: torch.Generator, ranges: Ranges) -> Moved:
    """Mirror each image left to right with probability 1/2."""
    return _mirrored(images, generator, 3)


def flip_vertical(images: Tensor, generator: torch.Generator, ranges: Ranges) -> Moved:
    """Mirror each image upside down with probability 1/2."""
    return _mirrored(images, generator, 2)


def _mirrored(images: Tensor, generator: torch.Generator, axis: int) -> Moved:
    mirrored = torch.rand(len(images), generator=generator, device=generator.device) < 0.5
    matrix = torch.eye(2, 3, device=images.device).repeat(len(images), 1, 1)
    matrix[:, 3 - axis, 3 - axis] -= 2 * mirrored.float()
    return Moved(torch.where(mirrored[:, None, None, None], images.flip(axis), images), matrix)


def light(images: Tensor, generator: torch.Generator, ranges: Ranges) -> Tensor:
    """Change the brightness, then the contrast about the mean."""
    brightness, contrast = (1 + ranges.colour * _uniform(len(images), generator) for _ in range(2))
    brighter = _pixels(_blended(torch.zeros_like(images), images, brightness))
    return _pixels(_blended(_grey(brighter).mean((1, 2, 3), keepdim=True), brighter, contrast))


def colour(images: Tensor, generator: torch.Generator, ranges: Ranges) -> Tensor:
    """Change the saturation; grey images stay as they are."""
    saturation = 1 + ranges.colour * _uniform(len(images), generator)
    return images if images.shape[1] == 1 else _pixels(_blended(_grey(images), images, saturation))


def _grey(images: Tensor) -> Tensor:
    """Return the brightness of each pixel, `(N, 1, H, W)` whole numbers."""
    if images.shape[1] != len(GREY):
        return images.float().mean(1, keepdim=True)
    # Numbers one by one: a tensor of them would wait for the GPU.
    red, green, blue = (part * images[:, place : place + 1] for place, part in enumerate(GREY))
    return (red + green + blue).floor()


def _blended(other: Tensor, images: Tensor, factor: Tensor) -> Tensor:
    """Return `factor` of each image and the rest of another one; beyond 1 it moves away from the other."""
    part = factor[:, None, None, None]
    return part * images.float() + (1 - part) * other


TRANSFORMATIONS: dict[str, Callable[[Tensor, torch.Generator, Ranges], Tensor | Moved]] = {
    "affine": affine,
    "rotate": rotate,
    "zoom": zoom,
    "crop": crop,
    "rot90": rot90,
    "flip": flip,
    "flip-vertical": flip_vertical,
    "noise": noise,
    "light": light,
    "colour": colour,
}
MOVES = frozenset({"affine", "rotate", "zoom", "crop", "rot90", "flip", "flip-vertical"})
"""Those that move what is in an image."""
