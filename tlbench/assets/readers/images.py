"""Image files and arrays of images."""

from __future__ import annotations

import io
import zipfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tlbench.assets.readers.embedded import EmbeddedImage
from tlbench.assets.readers.faults import note
from tlbench.assets.readers.labelled import Labelled, Parts
from tlbench.errors import BadInputError

if TYPE_CHECKING:
    from PIL import Image

    from tlbench.contract.task_data import Array

WHITE = (255, 255, 255, 255)
"""What is seen through transparent pixels, RGBA."""


def _broken() -> tuple[type[Exception], ...]:
    """Return what PIL raises for files that it cannot decode."""
    from PIL import Image

    return (OSError, ValueError, SyntaxError, Image.DecompressionBombError)


def read_image(source: Path | EmbeddedImage, size: int, grey: bool = False) -> Array:
    """Return an image `(size, size, C)` uint8, C 3 for RGB or 1, turned as its camera says; its shape is not kept.

    Size 0 leaves it as it is. Transparent pixels are blended over white.
    """
    from PIL import Image, ImageOps

    try:
        with Image.open(source if isinstance(source, Path) else io.BytesIO(source.content)) as image:
            image.load()
            deep = image.mode.startswith(("I", "F"))
            upright = ImageOps.exif_transpose(image)
            # The other pictures of an MPO, as telephones write it, are previews of the first.
            if getattr(image, "n_frames", 1) > 1 and image.format != "MPO":
                note("Only the first frame or page of images that have several is read", source)
    except _broken() as error:
        raise BadInputError(f'"{source}" cannot be read as an image ({error}): replace or remove it.') from error
    if deep:
        raise BadInputError(f'"{source}" has more than 8 bits a channel: save it with 8, scaled as you want it seen.')
    return as_pixels(upright, size, grey)


def as_pixels(image: Image.Image, size: int, grey: bool) -> Array:
    """Return an image over white as `(size, size, C)` uint8, or of its own size where `size` is 0."""
    import numpy as np
    from PIL import Image

    if image.has_transparency_data:
        key = image.info.get("transparency")
        if isinstance(key, tuple) and max(key) > 255:  # Of a PNG of 16 bits, whose colours PIL reads with 8.
            image.info["transparency"] = tuple(part >> 8 for part in key)
        background = Image.new("RGBA", image.size, WHITE)
        image = Image.alpha_composite(background, image.convert("RGBA"))
    coloured = image.convert("L" if grey else "RGB")
    pixels = np.asarray(coloured.resize((size, size), Image.Resampling.BILINEAR) if size else coloured)
    return pixels[..., None] if grey else pixels


def read_mask(image: Path, path: Path, size: int) -> Array:
    """Return the mask `(size, size)` uint8 of an image: grey values, or the indices of a palette.

    No value comes about that was not there, for the nearest pixel is taken.
    """
    import numpy as np
    from PIL import Image, ImageOps

    try:
        with Image.open(path) as opened, Image.open(image) as beside:
            opened.load()
            mask, expected = opened.copy(), ImageOps.exif_transpose(beside).size
    except _broken() as error:
        raise BadInputError(f'"{path}" cannot be read as a mask ({error}): replace or remove it.') from error
    if mask.mode not in ("1", "L", "P"):
        raise BadInputError(f'"{path}" has colours for labels: save it with a palette, or in grey of 8 bits.')
    if mask.size != expected:
        raise BadInputError(f'"{path}" is {mask.size}, and its image {expected} pixels: both must have one size.')
    whole = mask.convert("L") if mask.mode == "1" else mask
    return np.asarray(whole.resize((size, size), Image.Resampling.NEAREST))


def read_images(files: Parts[Any], size: int, grey: bool = False) -> Parts[Array]:
    """Return the images of both parts as `read_image` reads them, each when it is asked for."""
    return files.map(lambda half: half.read_lazily(lambda source: read_image(source, size, grey)))


def read_npz(path: Path, images: str = "images", labels: str = "labels") -> Labelled[Array]:
    """Return the images `(H, W, C)` uint8 and the labels of an `.npz` file.

    Its arrays are `(N, H, W)` or `(N, H, W, C)` uint8, C 1 or 3, and `(N,)` or `(N, 1)` whole numbers or texts. Pickled
    objects are refused.
    """
    import numpy as np

    try:
        with np.load(path, allow_pickle=False) as arrays:
            if missing := {images, labels} - set(arrays):
                raise BadInputError(
                    f'"{path}" has no array "{min(missing)}" but {", ".join(sorted(arrays))}: rename or name it.'
                )
            pixels, names = arrays[images], arrays[labels]
    except (OSError, ValueError, EOFError, TypeError, zipfile.BadZipFile, zlib.error) as error:
        raise BadInputError(f'"{path}" cannot be read as npz ({error}): save plain arrays with numpy.savez.') from error
    if pixels.dtype != np.uint8 or pixels.ndim not in (3, 4) or pixels.shape[3:] not in ((), (1,), (3,)):
        raise BadInputError(
            f'"{path}" holds "{images}" of {pixels.dtype} {pixels.shape}: save uint8 of (N, H, W) or (N, H, W, 1 or 3).'
        )
    if names.shape == (len(pixels), 1):
        names = names[:, 0]
    if names.shape != pixels.shape[:1] or names.dtype.kind not in "iuU":
        raise BadInputError(
            f'"{path}" holds "{labels}" of {names.dtype} {names.shape}: save one whole number or text an image.'
        )
    cubes = pixels if pixels.ndim == 4 else pixels[..., None]
    return Labelled(where=path, inputs=list(cubes), labels=[str(name) for name in names])
