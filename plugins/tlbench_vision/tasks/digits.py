"""Digits drawn from fonts as the source, real handwriting as the target, both reduced to 8 x 8 pixels.

The source goes the way that the target's images went (Alpaydin & Kaynak 1998): a 32 x 32 image, then the mean of each
4 x 4 block. The data is the same for every seed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from tlbench import LoadRequest, Side, Split, TaskData

LABELS = tuple("0123456789")
FONTS = (
    "DejaVuSans", "DejaVuSans-Bold", "DejaVuSans-Oblique", "DejaVuSansMono", "DejaVuSerif", "DejaVuSerif-Bold",
    "DejaVuSerif-Italic", "STIXGeneral", "STIXGeneralBol", "STIXGeneralItalic", "cmr10", "cmb10", "cmss10", "cmtt10",
    "cmmi10",
)  # fmt: skip
TRAIN, TEST = 2000, 600
TARGET_TRAIN = 1000


def load(request: LoadRequest) -> TaskData:
    """Draw the source and read the target, the same for every call."""
    random = np.random.default_rng(20240607)
    return TaskData(
        source=Side(labels=LABELS, train=_printed(TRAIN, random), test=_printed(TEST, random)), target=_handwritten()
    )


def _printed(size: int, random: np.random.Generator) -> Split:
    glyphs = _glyphs()
    labels = random.permutation(np.arange(size) % 10)
    images = [_draw(glyphs[random.integers(len(FONTS))][label], random) for label in labels]
    return Split(inputs=np.stack(images), labels=labels)


def _glyphs() -> list[list[Image.Image]]:
    """Return the ten digits of each font, white on black, cut to the ink."""
    import matplotlib

    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    return [[_glyph(ImageFont.truetype(str(folder / f"{name}.ttf"), 64), digit) for digit in LABELS] for name in FONTS]


def _glyph(font: ImageFont.FreeTypeFont, digit: str) -> Image.Image:
    canvas = Image.new("L", (128, 128))
    ImageDraw.Draw(canvas).text((32, 16), digit, fill=255, font=font)
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


def _handwritten() -> Side:
    from sklearn.datasets import load_digits

    digits = load_digits()
    images = (digits.images * (255 / 16)).round().astype(np.uint8)[..., None]
    order = np.random.default_rng(0).permutation(len(images))
    train, test = order[:TARGET_TRAIN], order[TARGET_TRAIN:]
    return Side(
        labels=LABELS,
        train=Split(inputs=images[train], labels=digits.target[train]),
        test=Split(inputs=images[test], labels=digits.target[test]),
    )
