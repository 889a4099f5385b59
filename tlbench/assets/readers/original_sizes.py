"""Sizes of images as they lie in files: a task may scale them, and whoever plans a run wants to know from what."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_SIZES: ContextVar[set[tuple[int, int]] | None] = ContextVar("original_sizes", default=None)


@contextmanager
def noting_sizes(sizes: set[tuple[int, int]]) -> Iterator[None]:
    """Add to a set the size (width, height) of each image that is read from a file within the block."""
    token = _SIZES.set(sizes)
    try:
        yield
    finally:
        _SIZES.reset(token)


def note_size(size: tuple[int, int]) -> None:
    """Note the size of an image, if somebody wants to know."""
    if (sizes := _SIZES.get()) is not None:
        sizes.add(size)
