"""Image files and arrays of images."""

from __future__ import annotations

import io
import math
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tlbench.assets.limits import check_expansion, check_file, check_limit
from tlbench.assets.readers.embedded import EmbeddedImage
from tlbench.assets.readers.image_file import FORMATS, TOO_DEEP, as_pixels, is_deep, upright
from tlbench.assets.readers.labelled import Labelled, Parts
from tlbench.assets.readers.original_sizes import note_size
from tlbench.contract.faults import RAISE, Faults
from tlbench.errors import BadInputError

if TYPE_CHECKING:
    from PIL import Image

    from tlbench.contract.task_data import Array


def _broken() -> tuple[type[Exception], ...]:
    """Return the errors that PIL raises for files that it cannot decode."""
    from PIL import Image

    return (OSError, ValueError, SyntaxError, Image.DecompressionBombError)


def read_image(source: Path | EmbeddedImage, size: int, grey: bool = False, faults: Faults = RAISE) -> Array:
    """Return an image `(size, size, C)` uint8, C 3 for RGB or 1 for grey, rotated by its EXIF orientation.

    The aspect ratio is not kept; size 0 keeps the original size. Transparent pixels are blended over white.
    """
    try:
        with open_image(source) as image:
            turned = upright(image)
            if is_deep(image):
                raise BadInputError(f'"{source}" {TOO_DEEP}.')
            note_size(turned.size)
            pixels: Array = as_pixels(turned, size, grey)
            # The other frames of an MPO, a format of mobile phones, are previews of the first.
            if getattr(image, "n_frames", 1) > 1 and image.format != "MPO":
                faults.note("Only the first frame or page of an image file is read.", source)
    except _broken() as error:
        raise _no_image(source, error) from error
    return pixels


def open_image(source: Path | EmbeddedImage) -> Image.Image:
    """Open an image of one of `FORMATS`; its pixels are not decoded yet. Raises `BadInputError` for too many."""
    from PIL import Image

    if isinstance(source, Path):
        check_file(source)
    image = Image.open(source if isinstance(source, Path) else io.BytesIO(source.content), formats=FORMATS)
    try:
        check_limit("pixels", source, image.width * image.height)
    except BadInputError:
        image.close()
        raise
    return image


def read_mask(image: Path, path: Path, size: int) -> Array:
    """Return the mask `(size, size)` uint8 of an image: grey values, or the indices of a palette.

    Masks are scaled with nearest-neighbour interpolation, which creates no new values; size 0 keeps the original size.
    """
    import numpy as np

    try:
        with open_image(path) as opened:
            opened.load()
            mask = opened.copy()
    except _broken() as error:
        raise BadInputError(f'"{path}" cannot be read as a mask ({error}): replace or remove it.') from error
    if mask.mode not in ("1", "L", "P"):
        what = "has more than 8 bits per pixel" if mask.mode[0] in "IF" else "is a colour image"
        raise BadInputError(f'"{path}" {what}: save masks with a palette, or as 8-bit grey values.')
    if opened.format in ("JPEG", "MPO") and len(mask.getcolors() or ()) > 2:
        raise BadInputError(
            f'"{path}" is a JPEG, whose compression changes the values of a mask: save masks as PNG, from their '
            f"originals."
        )
    if mask.size != (expected := _upright_size(image)):
        raise BadInputError(f'"{path}" has {mask.size} pixels, but its image has {expected}: use the same size.')
    whole = mask.convert("L") if mask.mode == "1" else mask
    return scale_mask(np.asarray(whole), size) if size else np.asarray(whole)


def _upright_size(path: Path) -> tuple[int, int]:
    """Return width and height of an image, rotated by its EXIF orientation."""
    from PIL import ImageOps

    try:
        with open_image(path) as image:
            return ImageOps.exif_transpose(image).size
    except _broken() as error:
        raise _no_image(path, error) from error


def _no_image(source: object, error: Exception) -> BadInputError:
    return BadInputError(f'"{source}" cannot be read as an image ({error}): replace or remove it.')


def scale_mask(mask: Array, size: int) -> Array:
    """Return a mask `(H, W)` uint8 scaled to `(size, size)` by its nearest pixels, which creates no new values."""
    import numpy as np
    from PIL import Image

    return np.asarray(Image.fromarray(mask).resize((size, size), Image.Resampling.NEAREST))


def read_images(files: Parts[Any], size: int, grey: bool = False) -> Parts[Array]:
    """Return the images of both splits; `read_image` reads each one when it is accessed."""
    return files.map(lambda half: half.read_lazily(lambda source: read_image(source, size, grey, half.faults)))


def read_npz(path: Path, images: str = "images", labels: str = "labels") -> Labelled[Array]:
    """Return the images `(H, W, C)` uint8 and the labels of an `.npz` file.

    Its arrays are `(N, H, W)` or `(N, H, W, C)` uint8, C 1 or 3, and `(N,)` or `(N, 1)` whole numbers or texts. Pickled
    objects are an error.
    """
    import numpy as np

    check_file(path)
    try:
        with np.load(path, allow_pickle=False) as arrays:
            _check_arrays(path, (images, labels))
            if missing := {images, labels} - set(arrays):
                raise BadInputError(
                    f'"{path}" has no array "{min(missing)}", only {", ".join(sorted(arrays))}: rename the array.'
                )
            pixels, names = arrays[images], arrays[labels]
    except (OSError, ValueError, EOFError, TypeError, zipfile.BadZipFile, zlib.error) as error:
        raise BadInputError(f'"{path}" cannot be read as npz ({error}): save plain arrays with numpy.savez.') from error
    if pixels.dtype != np.uint8 or pixels.ndim not in (3, 4) or pixels.shape[3:] not in ((), (1,), (3,)):
        raise BadInputError(
            f'"{path}": "{images}" is {pixels.dtype} {pixels.shape}; expected uint8 (N, H, W) or (N, H, W, 1 or 3).'
        )
    if names.shape == (len(pixels), 1):
        names = names[:, 0]
    if names.shape != pixels.shape[:1] or names.dtype.kind not in "iuU":
        raise BadInputError(
            f'"{path}": "{labels}" is {names.dtype} {names.shape}; expected one whole number or text for each image.'
        )
    cubes = pixels if pixels.ndim == 4 else pixels[..., None]
    return Labelled(where=path, inputs=list(cubes), labels=[str(name) for name in names])


def _check_arrays(path: Path, names: Sequence[str]) -> None:
    """Raise `BadInputError` if arrays of an `.npz` file claim too many bytes: numpy reserves what their headers say."""
    from numpy.lib import format as npy

    read_header = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
    with zipfile.ZipFile(path) as members:
        for member in {f"{name}.npy" for name in names} & set(members.namelist()):
            check_expansion(path, members.getinfo(member).file_size)
            with members.open(member) as content:
                version = npy.read_magic(content)
                if version not in read_header:
                    raise ValueError(f"npy version {version}")
                shape, _, dtype = read_header[version](content)
            check_expansion(path, math.prod(shape) * dtype.itemsize)
