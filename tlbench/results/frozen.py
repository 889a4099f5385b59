"""Values of a record as those that JSON gives back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tlbench.results.escapes import LONGEST_TEXT, shortened
from tlbench.results.files import encode

AS_THEY_ARE = frozenset({float, int, bool, type(None)})
"""Types whose values need no change: most of those of a row."""


def freeze(record: object) -> None:
    """Make the values of a dataclass those that JSON gives back, with tuples for lists: a row equals its file.

    Texts that are too long for a row are cut.
    """
    for name, value in vars(record).items():
        if type(value) not in AS_THEY_ARE and (kept := frozen(value)) is not value:
            object.__setattr__(record, name, kept)


def frozen(value: Any) -> Any:
    """Return a value as JSON gives it back, with tuples for lists."""
    if isinstance(value, str):  # A file's name, in an option or a reason, need not be UTF-8: the row is.
        return value if value.isascii() and len(value) <= LONGEST_TEXT else shortened(encode(value).decode())
    if isinstance(value, float):  # numpy's float64 is one, with a type of its own.
        return float(value)
    if isinstance(value, dict | Mapping):
        return {frozen(name): part if type(part) in AS_THEY_ARE else frozen(part) for name, part in value.items()}
    return tuple(map(frozen, value)) if isinstance(value, list | tuple) else value
