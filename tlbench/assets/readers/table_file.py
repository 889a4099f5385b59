"""What separates the cells of a table, and the number in a cell."""

from __future__ import annotations

SEPARATORS = (",", ";", "\t", "|")
LARGEST = (2 - 2**-23) * 2.0**127
"""The largest number of float32, in which models compute."""
MISSING = frozenset(
    {
        *("", "na", "n/a", "nan", "<na>", "nat", "null", "none", "nil", "?", "-", "--", ".", "missing"),
        *("#n/a", "#div/0!", "#value!", "#num!", "#ref!", "#name?", "#null!"),
    }
)
"""Texts in lower case that stand for a number that there is not; a spreadsheet writes those with #."""


def as_number(cell: str) -> float | None:
    """Return the number in a cell, which may be NaN or infinite, or None if it is not a number."""
    try:
        return None if "_" in cell else float(cell)
    except ValueError:
        return None


def is_usable(number: float | None) -> bool:
    """Return whether a cell is a number that a model can take: finite, and within float32."""
    return number is not None and abs(number) <= LARGEST


def is_missing(cell: str) -> bool:
    """Return whether a cell says that there is no number, or none that a model can take."""
    number = as_number(cell)
    return cell.strip().lower() in MISSING if number is None else not is_usable(number)
