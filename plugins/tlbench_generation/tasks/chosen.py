"""Which examples of a test split are scored: writing an answer takes long."""

from __future__ import annotations


def spread(count: int, most: int) -> list[int]:
    """Return the positions of `most` of so many examples, or of all, at equal distances; the first is one of them."""
    size = min(most, count)
    return [place * count // size for place in range(size)]
