"""Cells of a table as numbers."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from tlbench.assets.readers.table_file import LARGEST, as_number, is_missing, is_usable
from tlbench.assets.readers.tables import Table

if TYPE_CHECKING:
    from tlbench.contract.task_data import Array

EXACT = 2.0**53
"""Up to this value a float represents every whole number."""
SHOWN = 10
CORRECT = "correct the file"
ADVICE = (
    f"{CORRECT}, or use --set task.missing=drop (without the rows), task.missing=fill (with the training mean) "
    "or task.leave_out=COLUMN"
)
"""The options are those of tasks on own files."""


def is_numeric(cells: Iterable[str]) -> bool:
    """Return whether a column is one of numbers: it has one that is not NaN, if only an infinite one."""
    return any(number is not None and not math.isnan(number) for number in map(as_number, cells))


def number_cells(table: Table, rows: Sequence[int], column: str, *, fill: bool = False) -> Array:
    """Return numbers `(N,)` float64 from a column's cells in these rows.

    A cell that is not a finite number within float32 is a fault; with `fill` it is NaN if it is empty, NaN, infinite or
    the like.
    """
    import numpy as np

    cells = table.cells(column, rows)
    numbers = [as_number(cell) for cell in cells]
    usable = [is_usable(number) for number in numbers]
    refuse_cells(
        table,
        [
            (table.lines[row], column, cell)
            for row, cell, good in zip(rows, cells, usable, strict=True)
            if not (good or (fill and is_missing(cell)))
        ],
    )
    if collision := _equal_as_float([cell for cell, good in zip(cells, usable, strict=True) if good]):
        table.faults.refuse(
            f'"{table.path}", column "{column}": "{collision[0]}" and "{collision[1]}" are equal as float64: subtract '
            f"a common offset, or remove the column if it identifies rows."
        )
    return np.array([number if good else np.nan for number, good in zip(numbers, usable, strict=True)], np.float64)


def refuse_cells(table: Table, faulty: Sequence[tuple[int, str, str]]) -> None:
    """Refuse cells that are no numbers, given as (line, column, cell): in one sentence, or by line if collected."""
    advice = ADVICE if table.faults.advises else CORRECT
    if table.faults.collects:
        for column in dict.fromkeys(column for _, column, _ in faulty):
            table.faults.refuse(f'"{table.path}", column "{column}" has cells that are not finite numbers: {advice}.')
        for line, cells in itertools.groupby(faulty, key=lambda place: place[0]):
            listed = [_named(column, cell) for _, column, cell in cells]
            what = "is not a finite number" if len(listed) == 1 else "are not finite numbers"
            table.faults.refuse(f'"{table.path}", line {line}, {", ".join(listed)} {what}.')
        return
    places = [f"line {line}, {_named(column, cell)}" for line, column, cell in faulty]
    if len(places) == 1:
        table.faults.refuse(f'"{table.path}", {places[0]} is not a finite number: {advice}.')
    elif places:
        more = f" and {len(places) - SHOWN} more" if len(places) > SHOWN else ""
        more += ", which tlbench inspect lists" if more and table.faults.advises else ""
        table.faults.refuse(
            f'"{table.path}" has {len(places)} cells that are not finite numbers: {"; ".join(places[:SHOWN])}{more}. '
            f"To go on, {advice}."
        )


def _named(column: str, cell: str) -> str:
    return f'column "{column}": "{cell[:80]}"{_hint(cell)}'


def _hint(cell: str) -> str:
    """Return what a cell may be instead of a number."""
    number = as_number(cell)
    if number is not None and math.isfinite(number):
        return f" (beyond float32, up to {LARGEST:.1e})"
    return " (decimal comma?)" if number is None and as_number(cell.replace(",", ".", 1)) is not None else ""


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
