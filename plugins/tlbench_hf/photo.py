"""A raw example is an image `(H, W, C)` uint8 of any size, C 3 for RGB or 1 for grey, pixels 0 to 255.

This module resizes and crops it as the image processors of transformers do, and imports numpy and Pillow alone: it
prepares training data, and goes with an exported model to where that is served. The network normalises by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def preprocessor(
    fitted: Mapping[str, Any], options: Mapping[str, Any], layout: str
) -> Callable[[Any], tuple[NDArray[np.uint8]]]:
    """Return the function from an image to `(3, H, W)` uint8. It raises `ValueError` for another shape or type.

    `fitted` has a processor's settings: `resize`, either `height` and `width` or the `shortest_edge`, or None;
    `resample`, Pillow's number of the interpolation; and `crop`, `height` and `width`, or None.
    """
    resize, crop = fitted["resize"], fitted["crop"]
    resample = Image.Resampling(fitted["resample"])

    def image(example: Any) -> tuple[NDArray[np.uint8]]:
        pixels = np.asarray(example)
        if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] not in (1, 3):
            raise ValueError(f"Invalid image {pixels.shape} {pixels.dtype}: expected (H, W, 1 or 3) uint8.")
        picture = Image.fromarray(np.ascontiguousarray(np.broadcast_to(pixels, (*pixels.shape[:2], 3))))
        if resize:
            picture = picture.resize(size_of(picture.width, picture.height, resize), resample)
        if crop:
            left, top = (picture.width - crop["width"]) // 2, (picture.height - crop["height"]) // 2
            # What lies outside becomes black.
            picture = picture.crop((left, top, left + crop["width"], top + crop["height"]))
        return (np.ascontiguousarray(np.asarray(picture).transpose(2, 0, 1)),)

    return image


def size_of(width: int, height: int, resize: Mapping[str, int]) -> tuple[int, int]:
    """Return the width and height to which an image is resized."""
    if "height" in resize:
        return resize["width"], resize["height"]
    shorter = resize["shortest_edge"]
    longer = int(shorter * max(width, height) / min(width, height))
    return (shorter, longer) if width <= height else (longer, shorter)
