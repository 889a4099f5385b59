"""The idx format of MNIST (LeCun et al. 1998): http://yann.lecun.com/exdb/mnist, plain or gzipped."""

from __future__ import annotations

import gzip
import math
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

from tlbench.assets.limits import check_expansion, check_file
from tlbench.errors import BadInputError

if TYPE_CHECKING:
    from tlbench.contract.task_data import Array


def read_idx(path: Path) -> Array:
    """Return an array of bytes, uint8: two zeros, type 8, rank, big-endian sizes, values."""
    import numpy as np

    check_file(path)
    try:
        with path.open("rb") as stream:
            packed = stream.read(2) == b"\x1f\x8b"
        with gzip.open(path, "rb") if packed else path.open("rb") as content:
            head = content.read(4)
            if head[:3] != b"\0\0\x08":
                raise ValueError("not an idx file of bytes")
            shape = [int(size) for size in np.frombuffer(content.read(4 * head[3]), ">u4", head[3])]
            check_expansion(path, math.prod(shape))
            return np.frombuffer(content.read(math.prod(shape) + 1), np.uint8).reshape(shape)
    except (OSError, EOFError, ValueError, IndexError, zlib.error) as error:
        raise BadInputError(f'"{path}" cannot be read as idx ({error}): download it again.') from error
