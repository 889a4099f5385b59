"""Characters drawn from the fonts that matplotlib brings, as the images of optdigits were made.

Each goes the way that those went (Alpaydin & Kaynak 1998): a 32 x 32 image, then the mean of each 4 x 4 block.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from tlbench import Side, Split

FONTS = (
    "DejaVuSans", "DejaVuSans-Bold", "DejaVuSans-Oblique", "DejaVuSansMono", "DejaVuSerif", "DejaVuSerif-Bold",
    "DejaVuSerif-Italic", "STIXGeneral", "STIXGeneralBol", "STIXGeneralItalic", "cmr10", "cmb10", "cmss10", "cmtt10",
    "cmmi10",
)  # fmt: skip


def printed(characters: Sequence[str], train: int, test: int, random: np.random.Generator) -> Side:
    """Draw a domain whose labels are these characters, with the same number of images of each."""
    glyphs = _glyphs(characters)
    return Side(labels=tuple(characters), train=_split(glyphs, train, random), test=_split(glyphs, test, random))


def _split(glyphs: list[list[Image.Image]], size: int, random: np.random.Generator) -> Split:
    labels = random.permutation(np.arange(size) % len(glyphs[0]))
    images = [_draw(glyphs[random.integers(len(FONTS))][label], random) for label in labels]
    return Split(inputs=np.stack(images), labels=labels)


def _glyphs(characters: Sequence[str]) -> list[list[Image.Image]]:
    """Return the characters in each font, white on black, cut to the ink."""
    import matplotlib

    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    fonts = [ImageFont.truetype(str(folder / f"{name}.ttf"), 64) for name in FONTS]
    return [[_glyph(font, character) for character in characters] for font in fonts]


def _glyph(font: ImageFont.FreeTypeFont, character: str) -> Image.Image:
    canvas = Image.new("L", (128, 128))
    ImageDraw.Draw(canvas).text((32, 16), character, fill=255, font=font)
    return canvas.crop(canvas.getbbox())


def _draw(glyph: Image.Image, random: np.random.Generator) -> Any:
    """Return an image `(8, 8, 1)` uint8 of a glyph: 26 to 32 pixels high of 32, then bent, shifted and reduced."""
    height = int(random.integers(26, 33))
    width = round(glyph.width * height / glyph.height * random.uniform(0.85, 1.2))
    resized = glyph.resize((max(3, min(height, width)), height), Image.Resampling.BILINEAR)
    canvas = Image.new("L", (32, 32))
    canvas.paste(resized, ((32 - resized.width) // 2, (32 - height) // 2))
    angle, shear = random.uniform(-8, 8) * np.pi / 180, random.uniform(-0.1, 0.1)
    x, y = random.uniform(-1, 1, 2)
    a, b, c, d = np.cos(angle), -np.sin(angle) + shear, np.sin(angle), np.cos(angle)
    # The inverse map from output to input pixels, about the centre.
    inverse = (a, b, 16 - 16 * (a + b) + x, c, d, 16 - 16 * (c + d) + y)
    bent = canvas.transform((32, 32), Image.Transform.AFFINE, inverse, Image.Resampling.BILINEAR)
    blocks = np.asarray(bent, np.float64).reshape(8, 4, 8, 4).mean((1, 3))
    return blocks.round().astype(np.uint8)[..., None]
