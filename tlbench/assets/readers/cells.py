"""Cells of a table as numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tlbench.assets.readers.faults import refuse
from tlbench.assets.readers.tables import Table

if TYPE_CHECKING:
    from tlbench.contract.task_data import Array


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
    return np.array([np.nan if number is None else number for number in numbers], np.float64)
