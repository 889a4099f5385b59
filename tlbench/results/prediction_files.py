"""The file of predictions beside a row: how large it may be, and what it may hold.

Somebody else may have written it: sizes are checked before memory is taken, and nothing in it is unpickled.
"""

from __future__ import annotations

import io
import math
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tlbench.errors import StoreError

if TYPE_CHECKING:
    from tlbench.contract.task_data import Array

LARGEST = 5_000_000
"""Bytes of a file that travels with its row; that of a larger test split stays in the cache."""
UNPACKED = 2**29
"""Bytes of its arrays: labels of pixels, which compress best, become a hundred times as much."""
EXAMPLES, LABELS = 10**6, 5000
"""A score draws weights for each example, and counts each pair of labels: more of them would not fit into memory."""
NUMBERS, TEXTS = "biuf", "U"
ARRAYS = {
    "predictions": NUMBERS + TEXTS,
    "targets": NUMBERS + TEXTS,
    "counts": "iu",
    "prediction_counts": "iu",
    "references": TEXTS,
    "groups": TEXTS,
    "labels": TEXTS,
    "draws": "f",
}
"""The arrays that are read, each with the kinds of numpy's types that it may have."""
DAMAGE = (
    *(OSError, ValueError, EOFError, LookupError, TypeError, SyntaxError, ArithmeticError, MemoryError),
    *(RuntimeError, zipfile.BadZipFile, zlib.error, struct.error, tokenize.TokenError),
)
"""What reading a damaged or hostile file may raise."""


def read_predictions(path: Path) -> dict[str, Array]:
    """Return the arrays of a file of predictions by name; `labels` and `draws` only if it has them.

    `predictions` and `targets` are `(K, ...)`, `counts` and `prediction_counts` `(N,)`, which add up to their K;
    `references` and `groups` are `(N,)`. Raises `StoreError` with what is wrong, if anything is.
    """
    with _readable():
        arrays = _arrays(path)
        _check(arrays)
    return arrays


def read_array(path: Path, name: str, most: int) -> Array:
    """Return one array of a file of predictions, whatever lies beside it; `most` bytes are unpacked.

    Raises `StoreError` with what is wrong, if anything is.
    """
    with _readable():
        _check_file(path)
        with zipfile.ZipFile(path) as archive:
            member = archive.getinfo(f"{name}.npy")
            if member.file_size > most:
                raise ValueError(f'"{name}" has {member.file_size:,} bytes, expected at most {most:,}')
            return _array(name, _content(archive, member))


@contextmanager
def _readable() -> Iterator[None]:
    try:
        yield
    except DAMAGE as error:
        said = str(error) or type(error).__name__
        raise StoreError(f"they cannot be read: {said}") from error


def _check_file(path: Path) -> None:
    if not path.is_file():
        raise ValueError("not a regular file")
    if (size := path.stat().st_size) > LARGEST:
        raise ValueError(f"{size:,} bytes, expected at most {LARGEST:,}")


def _content(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError(f'"{member.filename}" is compressed in another way than numpy does')
    return archive.read(member)


def _arrays(path: Path) -> dict[str, Array]:
    _check_file(path)
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        if len({member.filename for member in members}) < len(members):
            raise ValueError("several arrays have the same name")
        # What the directory says bounds what is unpacked: zipfile reads no byte more of a member.
        if (size := sum(member.file_size for member in members)) > UNPACKED:
            raise ValueError(f"the arrays have {size:,} bytes, expected at most {UNPACKED:,}")
        wanted = [member for member in members if member.filename.removesuffix(".npy") in ARRAYS]
        return {name: _array(name, _content(archive, member)) for member in wanted for name in [member.filename[:-4]]}


def _array(name: str, content: bytes) -> Array:
    """Return an array, after its header was compared with the number of its bytes."""
    import numpy as np
    from numpy.lib import format as npy

    stream, headers = io.BytesIO(content), {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
    version = npy.read_magic(stream)
    if version not in headers:
        raise ValueError(f'"{name}" has the npy version {version}, expected (1, 0) or (2, 0)')
    shape, _, dtype = headers[version](stream)
    if dtype.kind not in ARRAYS[name] or not dtype.itemsize:
        raise ValueError(f'"{name}" has the type {dtype}, expected {_named(ARRAYS[name])}')
    if math.prod(shape) * dtype.itemsize != len(content) - stream.tell():
        raise ValueError(f'"{name}" has {len(content) - stream.tell():,} bytes, which is not its shape {shape}')
    stream.seek(0)
    array: Array = np.load(stream, allow_pickle=False)
    return array


def _named(kinds: str) -> str:
    return {NUMBERS + TEXTS: "numbers or texts", TEXTS: "texts", "iu": "whole numbers"}.get(kinds, "numbers")


def _check(arrays: Mapping[str, Any]) -> None:
    """Raise `ValueError` if arrays are missing, or do not fit together."""
    if lacking := sorted({"predictions", "targets", "counts"} - arrays.keys()):
        raise ValueError(f'no array "{lacking[0]}"')
    counts = arrays["counts"]
    for name, parts in (("targets", "counts"), ("predictions", "prediction_counts")):
        values, each = arrays[name], arrays.get(parts, counts)
        if values.ndim == 0 or each.ndim != 1 or (len(each) and (each.min() < 0 or each.max() > len(values))):
            raise ValueError(f'"{parts}" does not say how many of the {name} belong to each example')
        if int(each.sum()) != len(values):
            raise ValueError(f'"{parts}" adds up to {int(each.sum())}, but there are {len(values)} {name}')
    if not 0 < len(counts) <= EXAMPLES:
        raise ValueError(f"{len(counts):,} examples, expected 1 to {EXAMPLES:,}")
    for name in ("prediction_counts", "references", "groups"):
        if name in arrays and arrays[name].shape != counts.shape:
            raise ValueError(f'"{name}" has the shape {arrays[name].shape}, expected {counts.shape}')
    if "labels" in arrays and (arrays["labels"].ndim != 1 or len(arrays["labels"]) > LABELS):
        raise ValueError(f'"labels" has the shape {arrays["labels"].shape}, expected at most {LABELS} names')
