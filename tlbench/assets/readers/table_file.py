"""A table as raw examples; exports carry this module, which needs the standard library and numpy alone."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

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


def record_reader(
    columns: Sequence[str], categories: dict[str, Sequence[str]], log: bool, fill: bool
) -> Callable[[Path], list[Any]]:
    """Return the function from a table to a vector `(F,)` float64 of each row: numbers, and categories as one-hot.

    It raises `ValueError` for a table without these columns, and for a cell that is no number where one is expected.
    """
    import numpy as np

    def features(cell: str, column: str, place: str) -> list[float]:
        if column in categories:
            return [float(cell.strip() == known) for known in categories[column]]
        value = number(cell, fill, place)
        if log and value < 0:
            raise ValueError(f"{place}: {value} has no logarithm")
        return [math.log1p(value) if log else value]

    def read(path: Path) -> list[Any]:
        return [
            np.array([value for cell, column in zip(row, columns, strict=True) for value in features(cell, column, at)])
            for at, row in rows_of(path, columns)
        ]

    return read


def text_reader(columns: Sequence[str], quotes: bool) -> Callable[[Path], list[Any]]:
    """Return the function from a table to the text of each row, or the texts of several columns."""
    return lambda path: [row[0] if len(row) == 1 else row for _, row in rows_of(path, columns, quotes)]


def series_reader(columns: Sequence[str], window: int, stride: int, fill: bool) -> Callable[[Path], list[Any]]:
    """Return the function from a table, one row for each time step, to windows `(window, C)` float64."""
    import numpy as np

    def read(path: Path) -> list[Any]:
        rows = [[number(cell, fill, place) for cell in row] for place, row in rows_of(path, columns)]
        if len(rows) < window:
            raise ValueError(f'"{path}" has {len(rows)} rows: a window takes {window}')
        series = np.array(rows)
        return [series[start : start + window] for start in range(0, len(rows) - window + 1, stride)]

    return read


def number(cell: str, fill: bool, place: str) -> float:
    """Return the number in a cell, also with a decimal comma; NaN for none if `fill`. Raises `ValueError`."""
    value = as_number(cell)
    if value is None and cell.count(",") == 1:
        value = as_number(cell.replace(",", "."))
    if value is not None and is_usable(value):
        return value
    if fill and is_missing(cell):
        return math.nan
    raise ValueError(f'{place}: "{cell[:80]}" is not a finite number')


def rows_of(path: Path, columns: Sequence[str], quotes: bool = True) -> list[tuple[str, list[str]]]:
    """Return the place and the cells of these columns of each row that is not blank.

    The separator is the one with which the first row names all columns; of a table without names they are positions.
    Raises `ValueError` if there is none.
    """
    lines = path.read_text(encoding="utf-8-sig").splitlines(keepends=True)
    csv.field_size_limit(max(map(len, lines), default=0) + 1)
    for separator in SEPARATORS:
        how: Any = {"delimiter": separator, "quoting": csv.QUOTE_MINIMAL if quotes else csv.QUOTE_NONE}
        try:
            header, *rows = csv.reader(lines, **how)
        except (ValueError, csv.Error):
            continue
        names = [name.strip() for name in header]
        if as_number(names[0]) is not None and "0" in columns:
            names, rows = [str(position) for position in range(len(names))], [header, *rows]
        if set(columns) <= set(names):
            break
    else:
        raise ValueError(f'"{path}" is no table with the columns {", ".join(columns)} in its first row')
    whole = [(place, row) for place, row in enumerate(rows, 1) if any(cell.strip() for cell in row)]
    for place, row in whole:
        if len(row) < len(names):
            raise ValueError(f'"{path}", row {place}: {len(row)} cells for {len(names)} columns')
    if not whole:
        raise ValueError(f'"{path}" has no rows')
    return [(f'"{path}", row {place}', [row[names.index(name)] for name in columns]) for place, row in whole]
