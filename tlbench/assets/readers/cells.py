"""Cells of a table as numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from tlbench.assets.readers.faults import refuse
from tlbench.assets.readers.tables import Table

if TYPE_CHECKING:
    from tlbench.contract.task_data import Array

EXACT = 2.0**53
"""Up to here a float holds every whole number."""


def as_number(cell: str) -> float | None:
    """Return what a cell says, which may be NaN or infinite, or None where it is no number."""
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
            refuse(
                f'"{table.path}", line {table.lines[row]}, column "{column}": "{cell}" is not a finite number: '
                f"fill it in, or remove the row or the column."
            )
    if alike := _equal_as_float([cell for cell, number in zip(cells, numbers, strict=True) if number is not None]):
        refuse(
            f'"{table.path}", column "{column}": "{alike[0]}" and "{alike[1]}" are one number as float64: subtract '
            f"what all have in common, or remove the column if it names rows."
        )
    return np.array([np.nan if number is None else number for number in numbers], np.float64)


def _equal_as_float(cells: Sequence[str]) -> tuple[str, str] | None:
    """Return two cells of different numbers that a float cannot tell apart, being beyond its whole numbers."""
    first: dict[float, str] = {}
    for cell in cells:
        number = float(cell)
        if EXACT <= abs(number) < math.inf:
            known = first.setdefault(number, cell)
            if known != cell and Decimal(known) != Decimal(cell):
                return known, cell
    return None
