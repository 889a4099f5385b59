"""Records as columns in which every text stands once: a fifth of the size of a list of JSON objects."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tlbench.results.escapes import plain

DECIMAL = re.compile(r"-?\d+\.\d+")
DIGITS = 4
"""Significant digits of a number; the files of the board have them all."""
FINE = 6
"""The same of a number that the page rounds again, to three decimals: with fewer, it would be rounded twice."""


Look = str | float
"""How a number is shown."""


class Texts:
    """Texts by number. Each is printable, on one line and stands once."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def number(self, text: str) -> int:
        """Return the number of a text."""
        return self._numbers.setdefault(plain(text), len(self._numbers))

    def numbers(self, texts: Sequence[str]) -> list[int]:
        """Return the numbers of texts."""
        return [self.number(text) for text in texts]

    def pattern(self, text: str) -> list[Any]:
        """Return the number of a text in which `{}` stands for each decimal number, and these, in their order.

        Sentences on many runs differ in their numbers alone. A text that has `{}` of its own has no pattern.
        """
        if "{}" in text:
            return [self.number(text)]
        return [self.number(DECIMAL.sub("{}", text)), *DECIMAL.findall(text)]

    def all(self) -> list[str]:
        """Return the texts in the order of their numbers."""
        return list(self._numbers)


def rounded(value: Any, digits: int = DIGITS) -> Any:
    """Return a float with a few significant digits, None if it is not finite; other values as they are."""
    if not isinstance(value, float):
        return value
    if not math.isfinite(value):
        return None
    short = float(f"{value:.{digits}g}")
    return int(short) if short.is_integer() and abs(short) < 1e15 else short


def three_decimals(value: float) -> Look:
    """Return a number as the page shows a score."""
    return value if _may_be_half(value) else f"{value:.3f}"


def three_digits(value: float) -> Look:
    """Return a number as the page shows a size: with three significant digits, or two below 0.001."""
    return value if _may_be_half(value) else f"{value:.1e}" if abs(value) < 0.001 else f"{value:.3g}"


def _may_be_half(value: float) -> bool:
    """Return whether a number may lie exactly between two that are shown: Python and browsers round that differently.

    Such a number is a multiple of a power of two.
    """
    return (value * 1024).is_integer()


def brief(value: Any, digits: int, *looks: Callable[[float], Look]) -> Any:
    """Return a float with the fewest significant digits, from two on, with which it looks the same as with `digits`."""
    full = rounded(value, digits)
    if not isinstance(full, float):
        return full
    fewer = (float(f"{full:.{count}g}") for count in range(2, digits))
    return next((one for one in fewer if all(look(one) == look(full) for look in looks)), full)


def column(values: Sequence[Any], texts: Texts, digits: int = DIGITS) -> Any:
    """Return a column: a list of numbers, Booleans and None, or `{"t": numbers of texts}` if there are texts."""
    if any(isinstance(value, str) for value in values):
        return {"t": [None if value is None else texts.number(str(value)) for value in values]}
    return [rounded(value, digits) for value in values]


def columns(records: Sequence[Mapping[str, Any]], texts: Texts, digits: int = DIGITS) -> dict[str, Any]:
    """Return the columns of records with the same fields; those without a value are left out."""
    names = list(records[0]) if records else []
    read = {name: [record[name] for record in records] for name in names}
    return {
        name: column(values, texts, digits)
        for name, values in read.items()
        if any(value not in (None, "") for value in values)
    }
