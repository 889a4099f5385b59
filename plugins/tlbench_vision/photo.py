"""A raw example is an image `(H, W, C)` uint8 of any size, C 3 for RGB or 1 for grey, pixels 0 to 255.

This module brings it to the size of a network as timm does for evaluation, and imports numpy and Pillow alone: it
prepares training data, and goes with an exported model to where that is served. The network normalises by itself.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def preprocessor(
    fitted: Mapping[str, Any], options: Mapping[str, Any], layout: str
) -> Callable[[Any], tuple[NDArray[np.uint8]]]:
    """Return the function from an image to `(3, H, W)` uint8, given a data config of timm.

    For the layout `cells` the whole image is scaled and nothing is cut, so that boxes stay right as parts of it. It
    raises `ValueError` for an image of another shape or type.
    """
    height, width = fitted["input_size"][-2:]
    scaled = [math.floor(side / fitted["crop_pct"]) for side in (height, width)]
    mode, resample = fitted["crop_mode"], Image.Resampling[str(fitted["interpolation"]).upper()]
    if layout == "cells":
        mode, scaled = "squash", [height, width]
    border = tuple(round(255 * value) for value in fitted["mean"]) if mode == "border" else (0, 0, 0)

    def image(example: Any) -> tuple[NDArray[np.uint8]]:
        picture = rgb(example)
        rows, columns = size_of(picture.height, picture.width, scaled, mode)
        cropped = center_crop(picture.resize((columns, rows), resample), height, width, border)
        return (np.ascontiguousarray(np.asarray(cropped).transpose(2, 0, 1)),)

    return image


def rgb(example: Any) -> Image.Image:
    """Return an image as an RGB picture."""
    pixels = np.asarray(example)
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] not in (1, 3):
        raise ValueError(f"Invalid image {pixels.shape} {pixels.dtype}: expected (H, W, 1 or 3) uint8.")
    return Image.fromarray(np.ascontiguousarray(np.broadcast_to(pixels, (*pixels.shape[:2], 3))))


def size_of(height: int, width: int, scaled: list[int], mode: str) -> tuple[int, int]:
    """Return the height and width to which an image is scaled before it is cropped to the middle.

    `center` keeps its shape and fills the size `scaled`, `border` keeps it and stays within, `squash` changes it.
    """
    if mode == "squash":
        return scaled[0], scaled[1]
    if mode != "border" and scaled[0] == scaled[1]:
        longer = int(scaled[0] * max(height, width) / min(height, width))
        return (longer, scaled[0]) if width <= height else (scaled[0], longer)
    ratio = (max if mode == "border" else min)(height / scaled[0], width / scaled[1])
    return round(height / ratio), round(width / ratio)


def center_crop(picture: Image.Image, height: int, width: int, border: tuple[int, ...]) -> Image.Image:
    """Return the middle of a picture; where it is too small, its border is filled."""
    canvas = Image.new("RGB", (width, height), border)
    canvas.paste(picture, (-offset(picture.width, width), -offset(picture.height, height)))
    return canvas


def offset(length: int, wanted: int) -> int:
    """Return where the middle begins; negative if it is longer than the picture."""
    return round((length - wanted) / 2) if length >= wanted else -((wanted - length) // 2)
