"""Arrays on disk of which rows are read when they are asked for."""

from __future__ import annotations

import mmap
from dataclasses import dataclass
from typing import Any

import numpy as np

from tlbench.contract.task_data import Array


@dataclass(frozen=True)
class Lazy:
    """Rows of an array on disk, read when they are asked for: of one that is too large to be copied into memory."""

    stored: Array
    rows: Array

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def shape(self) -> tuple[int, ...]:
        return (len(self.rows), *self.stored.shape[1:])

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.stored.dtype

    def __getitem__(self, indices: Array) -> Array:
        return read_rows(self.stored, self.rows[indices])


def read_rows(array: Array, indices: Array) -> Array:
    """Return a copy of rows; of a memory-mapped file, no page stays counted as memory of this process."""
    rows: Array = np.array(np.asarray(array)[indices])
    if isinstance(array.base, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        array.base.madvise(mmap.MADV_DONTNEED)
    return rows
