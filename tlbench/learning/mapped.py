"""Rows of arrays on disk, read and copied without keeping them in memory."""

from __future__ import annotations

import mmap
import tempfile
from pathlib import Path

import numpy as np

from tlbench.contract.task_data import Array

ROWS = 256
"""Rows that are copied at a time."""


def is_mapped(array: Array) -> bool:
    """Return whether an array lies on disk."""
    return isinstance(array.base, mmap.mmap)


def read_rows(array: Array, indices: Array) -> Array:
    """Return a copy of rows; of a memory-mapped file, no page stays counted as memory of this process."""
    rows: Array = np.array(np.asarray(array)[indices])
    if isinstance(array.base, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        array.base.madvise(mmap.MADV_DONTNEED)
    return rows


def copy_rows(array: Array, indices: Array) -> Array:
    """Return a copy of rows of a mapped array in a file without a name: read-only, and it leads to no other file."""
    shape = (len(indices), *array.shape[1:])
    # Beside the stored file: a folder for temporary files may lie in memory.
    beside = Path(array.filename).parent.parent if isinstance(array, np.memmap) and array.filename else None
    with tempfile.TemporaryFile(dir=beside, prefix=".tmp-") as file:
        for start in range(0, len(indices), ROWS):
            file.write(read_rows(array, indices[start : start + ROWS]).tobytes())
        file.flush()
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    return np.ndarray(shape, array.dtype, buffer=mapped)
