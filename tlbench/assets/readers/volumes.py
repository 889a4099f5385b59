"""Volumes in NIfTI files, read by nibabel: shapes, places and values are checked before memory is taken."""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tlbench.assets.limits import check_expansion, check_file, check_limit
from tlbench.errors import BadInputError

if TYPE_CHECKING:
    from tlbench.contract.task_data import Array

VOLUME_SUFFIXES = (".nii", ".gz")
"""Endings of the volumes that are read: `.nii` and `.nii.gz`."""
OFFSETS = {348: (108, "f"), 540: (168, "q")}
"""Size of the header of NIfTI-1 and of NIfTI-2 in bytes -> where it says at which byte the voxels begin, and how."""
OBLIQUE = math.radians(20)
"""Angle between the axes of a volume and of the body up to which it is known which is which."""
SHEAR = 1e-3
"""Cosine of two axes of a volume up to which they count as perpendicular."""
MILLIMETRES = {"meter": 1000.0, "mm": 1.0, "micron": 0.001, "unknown": 1.0}
"""Units of lengths in a header, in mm; one that names none has mm."""


@dataclass(frozen=True, kw_only=True)
class Volume:
    """A volume, turned so that its axes go from left to right, from back to front and from the feet to the head."""

    values: Array
    """`(X, Y, Z)` float32."""
    spacing: tuple[float, float, float]
    """Distance of voxels along each axis, in mm."""
    affine: Array
    """`(4, 4)`: from positions of voxels to places, in the unit of the header."""


def read_volume(path: Path) -> Volume:
    """Return the volume of a `.nii` or `.nii.gz` file, scaled as its header says.

    Raises `BadInputError` for another format, other than three axes, axes that are not perpendicular or lie askew,
    voxels that are no real numbers or not finite, or more bytes than the limits allow.
    """
    import numpy as np
    from nibabel import funcs

    library: Any = funcs
    try:
        image = _image(path)
        turned = library.as_closest_canonical(image)
        unit = _unit(path, image)
        values = np.asarray(turned.dataobj, np.float32).reshape(turned.shape[:3])
    except BadInputError:
        raise
    except _broken() as error:
        raise BadInputError(f'"{path}" cannot be read as NIfTI ({error}): replace or remove it.') from error
    if wrong := int((~np.isfinite(values)).sum()):
        raise BadInputError(f'"{path}" has {wrong} voxels that are not finite (NaN or infinite): replace their values.')
    x, y, z = (float(size) * unit for size in _sizes(turned.affine))
    return Volume(values=values, spacing=(x, y, z), affine=turned.affine)


def _broken() -> tuple[type[Exception], ...]:
    """Return the errors that nibabel raises for files that it cannot decode."""
    from nibabel.filebasedimages import ImageFileError
    from nibabel.spatialimages import HeaderDataError
    from nibabel.wrapstruct import WrapStructError

    known = (ImageFileError, HeaderDataError, WrapStructError, zlib.error, struct.error)
    return (*known, OSError, EOFError, ValueError, TypeError, KeyError, OverflowError)


def _head(path: Path) -> bytes:
    """Return the first 540 bytes, the size of the larger header. Raises `BadInputError` for a file of neither sort."""
    check_file(path)
    if not path.name.lower().endswith((".nii", ".nii.gz")):
        raise BadInputError(f'"{path}" is no NIfTI file: expected .nii or .nii.gz. Convert or remove it.')
    try:
        with gzip.open(path, "rb") if path.suffix.lower() == ".gz" else path.open("rb") as content:
            return content.read(540)
    except (OSError, EOFError, zlib.error) as error:
        raise BadInputError(f'"{path}" cannot be read as NIfTI ({error}): replace or remove it.') from error


def _order(path: Path, head: bytes) -> tuple[str, int]:
    """Return the order of bytes, `<` or `>`, and the size of the header."""
    for order in "<>":
        size = struct.unpack(f"{order}i", head[:4])[0] if len(head) >= 348 else 0
        if size in OFFSETS:
            return order, size
    raise BadInputError(f'"{path}" has no header of NIfTI: replace or remove it.')


def _check_offset(path: Path, head: bytes) -> None:
    """Raise `BadInputError` for voxels that begin too far into the file: what lies before them is decompressed, too."""
    order, size = _order(path, head)
    start, form = OFFSETS[size]
    offset = struct.unpack_from(f"{order}{form}", head, start)[0] if len(head) >= size else math.nan
    if not math.isfinite(offset) or offset < 0:
        raise BadInputError(f'"{path}" has a broken header of NIfTI: replace or remove it.')
    check_limit("header", path, int(offset))


def _image(path: Path) -> Any:
    """Return the image of a header and of voxels that are not read yet.

    Extensions of the header are not read: each says its own length, and nibabel would read that many bytes.
    """
    from nibabel.nifti1 import Nifti1Image
    from nibabel.nifti2 import Nifti2Image

    head = _head(path)
    _check_offset(path, head)
    size = _order(path, head)[1]
    kind: Any = Nifti1Image if size == 348 else Nifti2Image
    header = kind.header_class(head[:size])
    affine = header.get_best_affine()
    _check_voxels(path, header)
    _check_axes(path, affine)
    return kind(kind.ImageArrayProxy(str(path), header.copy()), affine, header)


def _unit(path: Path, image: Any) -> float:
    """Return the unit of lengths in mm. Raises `BadInputError` for one that NIfTI does not have."""
    try:
        return MILLIMETRES[str(image.header.get_xyzt_units()[0])]
    except KeyError:
        code = int(image.header["xyzt_units"]) % 8
        raise BadInputError(
            f'"{path}" has an unknown unit of length ({code}): correct xyzt_units in its header (2 is mm).'
        ) from None


def _check_voxels(path: Path, header: Any) -> None:
    """Raise `BadInputError` for voxels that are too many or no numbers."""
    shape, kind = header.get_data_shape(), header.get_data_dtype()
    if len(shape) < 3 or math.prod(shape[3:]) != 1 or not math.prod(shape):
        what = "a series of volumes" if len(shape) > 3 else "no volume"
        raise BadInputError(
            f'"{path}" has the shape {" x ".join(map(str, shape))}, which is {what}: expected three axes. '
            f"Save one volume a file."
        )
    if kind.kind not in "iuf":
        raise BadInputError(f'"{path}" has voxels of the type {kind}: expected whole or real numbers.')
    check_expansion(path, math.prod(shape) * max(8, kind.itemsize))  # nibabel scales whole numbers as float64


def _sizes(affine: Array) -> Array:
    """Return the lengths of the sides of a voxel along its three axes, in the unit of the header."""
    import numpy as np

    sides: Array = np.sqrt(np.square(affine[:3, :3]).sum(0))
    return sides


def _check_axes(path: Path, affine: Array) -> None:
    """Raise `BadInputError` for axes that cannot be named."""
    import numpy as np
    from nibabel import affines

    library: Any = affines
    axes, sizes = affine[:3, :3], _sizes(affine)
    if not np.isfinite(affine).all() or not (sizes > 0).all():
        raise BadInputError(f'"{path}" has voxels without a size: correct the affine in its header.')
    cosines = np.abs((axes / sizes).T @ (axes / sizes) - np.eye(3)).max()
    angle = float(library.obliquity(affine).max())
    if cosines > SHEAR or angle > OBLIQUE:
        what = "not perpendicular" if cosines > SHEAR else f"{math.degrees(angle):.0f} degrees askew to the body"
        raise BadInputError(
            f'"{path}" has axes that are {what}: slices need axes that are perpendicular, and within '
            f"{math.degrees(OBLIQUE):.0f} degrees of those of the body. Resample the volume."
        )
