"""A raw example is an image `(H, W, C)` uint8 of any size, C 3 for RGB or 1 for grey, pixels 0 to 255.

This module scales it to the size of the network, whatever its shape, and imports numpy and Pillow alone: it prepares
training data, and goes with an exported model to where that is served. Boxes are parts of width and height, so that
they stay right. The network normalises by itself.
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
    """Return the function from an image to `(3, H, W)` uint8. It raises `ValueError` for another shape or type."""
    size = int(fitted["width"]), int(fitted["height"])

    def image(example: Any) -> tuple[NDArray[np.uint8]]:
        pixels = np.asarray(example)
        if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] not in (1, 3):
            raise ValueError(f"Invalid image {pixels.shape} {pixels.dtype}: expected (H, W, 1 or 3) uint8.")
        picture = Image.fromarray(np.ascontiguousarray(np.broadcast_to(pixels, (*pixels.shape[:2], 3))))
        scaled = picture if picture.size == size else picture.resize(size, Image.Resampling.BILINEAR)
        return (np.ascontiguousarray(np.asarray(scaled).transpose(2, 0, 1)),)

    return image
