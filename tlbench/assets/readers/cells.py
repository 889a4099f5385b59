"""Cells of a table as numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from tlbench.assets.readers.tables import Table

if TYPE_CHECKING:
    from tlbench.contract.task_data import Array

EXACT = 2.0**53
"""Up to this value a float represents every whole number."""


def as_number(cell: str) -> float | None:
    """Return the number in a cell, which may be NaN or infinite, or None if it is not a number."""
    try:
        return float(cell)
    except ValueError:
        return None


def number_cells(table: Table, rows: Sequence[int], column: str) -> Array:
    """Return finite numbers `(N,)` float64 from a column's cells in these rows."""
    import numpy as np

    cells = table.cells(column, rows)
    numbers = [as_number(cell) for cell in cells]
    for row, cell, number in zip(rows, cells, numbers, strict=True):
        if number is None or not math.isfinite(number):
            table.faults.refuse(
                f'"{table.path}", line {table.lines[row]}, column "{column}": "{cell}" is not a finite number: '
                f"fill it in, or remove the row or the column."
            )
    if collision := _equal_as_float([cell for cell, number in zip(cells, numbers, strict=True) if number is not None]):
        table.faults.refuse(
            f'"{table.path}", column "{column}": "{collision[0]}" and "{collision[1]}" are equal as float64: subtract '
            f"a common offset, or remove the column if it identifies rows."
        )
    return np.array([np.nan if number is None else number for number in numbers], np.float64)


def _equal_as_float(cells: Sequence[str]) -> tuple[str, str] | None:
    """Return two cells with different numbers that are equal as floats, because they are beyond `EXACT`."""
    first: dict[float, str] = {}
    for cell in cells:
        number = float(cell)
        if EXACT <= abs(number) < math.inf:
            other = first.setdefault(number, cell)
            if other != cell and Decimal(other) != Decimal(cell):
                return other, cell
    return None
