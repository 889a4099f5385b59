"""An image file as a raw example; exports carry this module, which needs numpy and Pillow alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from PIL import Image

FORMATS = ("AVIF", "BMP", "DIB", "GIF", "JPEG", "JPEG2000", "PNG", "PPM", "TGA", "TIFF", "WEBP")
"""Formats that PIL decodes without other programs. The content counts, not the name: Ghostscript would run EPS."""
TOO_DEEP = "has more than 8 bits per channel: scale it to 8 bits and save it again"
WHITE = (255, 255, 255, 255)
"""Background of transparent pixels, RGBA."""


def image_reader(size: int, grey: bool) -> Callable[[Path], list[Any]]:
    """Return the function from a file to a list of its one image, `(H, W, C)` uint8; size 0 keeps the image's size.

    It raises `ValueError` for a file that is no image, or one of more than 8 bits a channel.
    """

    def read(path: Path) -> list[Any]:
        try:
            from PIL import Image
        except ImportError as error:
            raise ValueError(f'"{path}" is read by Pillow: pip install pillow') from error

        try:
            with Image.open(path, formats=FORMATS) as image:
                pixels = None if is_deep(image) else as_pixels(upright(image), size, grey)
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
            raise ValueError(f'"{path}" cannot be read as an image ({error})') from error
        if pixels is None:
            raise ValueError(f'"{path}" {TOO_DEEP}')
        return [pixels]

    return read


def is_deep(image: Image.Image) -> bool:
    """Return whether an image has more than 8 bits a channel: no scale suits all such images."""
    return image.mode.startswith(("I", "F"))


def upright(image: Image.Image) -> Image.Image:
    """Return an image, decoded and rotated by its EXIF orientation."""
    from PIL import ImageOps

    image.load()
    return ImageOps.exif_transpose(image)


def as_pixels(image: Image.Image, size: int, grey: bool) -> Any:
    """Return an image over white as `(size, size, C)` uint8, C 3 for RGB or 1 for grey; size 0 keeps its size."""
    import numpy as np
    from PIL import Image

    if image.has_transparency_data:
        key = image.info.get("transparency")
        if isinstance(key, tuple) and max(key) > 255:  # A PNG of 16 bits, whose colours PIL reads with 8.
            image.info["transparency"] = tuple(part >> 8 for part in key)
        background = Image.new("RGBA", image.size, WHITE)
        image = Image.alpha_composite(background, image.convert("RGBA"))
    coloured = image.convert("RGB")
    if grey:
        coloured = coloured.convert("L")  # By way of RGB, because CIELAB images have no other.
    pixels = np.asarray(coloured.resize((size, size), Image.Resampling.BILINEAR) if size else coloured)
    return pixels[..., None] if grey else pixels
