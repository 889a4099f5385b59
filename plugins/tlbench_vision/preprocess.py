"""A raw example is an image `(H, W, C)` uint8, pixels 0 to 255, of the size of the source's images; of any size where
every pixel has a prediction. One more channel is taken as alpha: the image is blended over white.

This module turns it into the model's input and imports numpy alone: it prepares training data, and goes with an
exported model to where that is served.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray


def preprocessor(
    fitted: Mapping[str, Any], options: Mapping[str, Any], layout: str
) -> Callable[[Any], tuple[NDArray[np.uint8]]]:
    """Return the function from an image to `(C, H, W)` uint8. It raises `ValueError` for an image of another shape."""
    shape, free = tuple(fitted["shape"]), 2 if layout == "map" else 0

    def image(example: Any) -> tuple[NDArray[np.uint8]]:
        pixels = over_white(np.asarray(example), shape[2])
        if pixels.ndim != 3 or pixels.shape[free:] != shape[free:] or pixels.dtype != np.uint8:
            raise ValueError(
                f"Invalid image {pixels.shape} {pixels.dtype}: expected {shape} uint8, as in the training images."
            )
        return (np.ascontiguousarray(pixels.transpose(2, 0, 1)),)

    return image


def over_white(pixels: NDArray[Any], channels: int) -> NDArray[Any]:
    """Return an image whose last channel, beyond `channels`, is its alpha, blended over white; others as they are."""
    if channels not in (1, 3) or pixels.shape[2:] != (channels + 1,) or pixels.dtype != np.uint8:
        return pixels
    colours, alpha = pixels[..., :channels].astype(np.uint32), pixels[..., channels:].astype(np.uint32)
    return ((colours * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)
