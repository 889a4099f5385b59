"""The idx format of MNIST (LeCun et al. 1998): http://yann.lecun.com/exdb/mnist, plain or gzipped."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

from tlbench.errors import BadInputError

if TYPE_CHECKING:
    from tlbench.contract.task_data import Array


def read_idx(path: Path) -> Array:
    """Return an array of bytes, uint8: two zeros, type 8, rank, big-endian sizes, values."""
    import numpy as np

    try:
        content = path.read_bytes()
        if content[:2] == b"\x1f\x8b":
            content = gzip.decompress(content)
        if content[:3] != b"\0\0\x08":
            raise ValueError("not an idx file of bytes")
        rank = content[3]
        shape = np.frombuffer(content, ">u4", rank, 4).astype(int)
        return np.frombuffer(content, np.uint8, offset=4 + 4 * rank).reshape(shape)
    except (OSError, EOFError, ValueError, IndexError, zlib.error) as error:
        raise BadInputError(f'"{path}" cannot be read as idx ({error}): download it again.') from error
