"""Limits of what is read from outside. They are checked before memory is taken: a small file may claim or become a lot.

`LIMITS` is the table. Honest data stays far below; every message says how to go on with data that does not. Downloads
and archives have limits of their own: see `download`, `hub_client`, `registry` and `unpack`.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import NamedTuple

from tlbench.errors import BadInputError


class Limit(NamedTuple):
    """A maximum."""

    value: int
    unit: str
    reason: str
    advice: str
    """What to do with data above the limit."""


LIMITS = {
    "pixels": Limit(2**27, "pixels", "0.4 GB as RGB", "scale the image down, or cut it into tiles"),
    "samples": Limit(
        2**27, "samples", "0.5 GB as float32, 2.3 hours at 16 kHz", "split the recording into shorter files"
    ),
    "array": Limit(2**34, "bytes of arrays", "they are read into memory at once", "save fewer or smaller examples"),
    "text": Limit(2**31, "bytes", "text takes several times its size in memory", "save fewer rows, or use Parquet"),
    "line": Limit(2**24, "characters in a line", "a file without line breaks is no table", "check its format"),
    "cells": Limit(5 * 10**7, "cells", "about 5 GB as text", "save fewer rows or columns"),
    "header": Limit(2**24, "bytes of header", "the names of 100,000 weights", "divide the weights into several files"),
    "layers": Limit(1000, "layers", "the deepest published models have some hundred", "correct its configuration"),
    "parameters": Limit(2 * 10**10, "parameters", "80 GB as float32", "use a smaller model"),
}
RATIO, SMALL = 200, 2**30
"""Maximum ratio of expanded to stored size; up to 1 GiB is always allowed. Compressed images and tables stay below 50;
zeros reach 1000."""
TYPES = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
}


def check_limit(name: str, file: object, claimed: int) -> None:
    """Raise `BadInputError` if a file has or claims more than the limit of this name in `LIMITS`, such as "pixels"."""
    limit = LIMITS[name]
    if claimed > limit.value:
        raise BadInputError(
            f'"{file}" has {claimed:,} {limit.unit}; the limit is {limit.value:,} ({limit.reason}): {limit.advice}.'
        )


def check_file(path: Path, size: str = "") -> None:
    """Raise `BadInputError` unless a path is that of a regular file, within the limit `size` if it names one.

    Opening a named pipe waits forever, and a device may never end.
    """
    try:
        status = os.stat(path)
    except (OSError, ValueError) as error:  # A name with a null character is a `ValueError`.
        raise BadInputError(f'"{path}" cannot be read ({_reason(error)}): check the path.') from error
    if not stat.S_ISREG(status.st_mode):
        what = TYPES.get(stat.S_IFMT(status.st_mode), "not a file")
        raise BadInputError(f'"{path}" is {what}: expected a regular file. Replace or remove it.')
    if size:
        check_limit(size, path, status.st_size)


def _reason(error: Exception) -> str:
    return (isinstance(error, OSError) and error.strerror) or str(error)


def check_expansion(path: Path, expanded: int) -> None:
    """Raise `BadInputError` if a file becomes too many bytes, or too many for its size."""
    check_limit("array", path, expanded)
    status = os.stat(path)
    # The holes of a sparse file take no space. Some file systems count no blocks.
    blocks = getattr(status, "st_blocks", 0)
    stored = min(status.st_size, blocks * 512) if blocks else status.st_size
    if expanded > max(SMALL, RATIO * stored):
        raise BadInputError(
            f'"{path}" takes {stored:,} bytes and expands to {expanded:,}; the limit is {RATIO} times its size: '
            f"replace it, or save it without compression."
        )
