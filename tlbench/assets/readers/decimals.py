"""Numbers with decimal commas, as many European programs write them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from tlbench.assets.readers.table_file import as_number, is_missing

if TYPE_CHECKING:
    from tlbench.assets.readers.tables import Table

GROUPED = r"[+-]?(?:\d+|\d{1,3}(?:[. '\u00a0\u202f]\d{3})+)"
COMMA = re.compile(rf"\s*{GROUPED},\d+(?:[eE][+-]?\d+)?\s*")
POINTS = re.compile(r"\s*[+-]?\d{1,3}(?:[. '\u00a0\u202f]\d{3})+\s*")
"""Beside decimal commas, points stand between thousands."""
THOUSANDS = re.compile(r"\s*[+-]?[1-9]\d{0,2}(?:,\d{3})+\s*")
"""Texts that are a whole number with commas between thousands, or a number with a decimal comma."""
POINTED = re.compile(r"\s*[+-]?\d{1,3}(?:(?:,\d{3})+\.\d*|(?:,\d{3}){2,})\s*")
"""Texts that have commas between thousands for certain."""
DOTTED = re.compile(r"\s*[+-]?[1-9]\d{0,2}(?:\.\d{3}){2,}\s*|\s*[+-]?[1-9]\d{0,2}(?:\.\d{3})+,\d.*")
"""Texts that have points between thousands for certain."""
THOUSAND = re.compile(r"\s*[+-]?[1-9]\d{0,2}(?:\.\d{3})+\s*")
"""Texts that may have points between thousands."""


def with_decimal_points(table: Table, columns: Sequence[str]) -> Table:
    """Return a table with points in the numbers of these columns that have decimal commas.

    A column changes if all its cells are numbers, some with a comma. If all numbers with a comma could have it between
    thousands, they are a fault, and so are numbers that have commas between thousands for certain, and numbers with a
    point that may be a decimal one.
    """
    chosen = {column: table.column(column) for column in columns if table.columns.count(column) == 1}
    comma = {column: cells for column, cells in chosen.items() if _all_numbers(cells)}
    for column in [column for column, cells in comma.items() if any(map(POINTED.fullmatch, cells))]:
        cell = next(cell.strip() for cell in comma.pop(column) if POINTED.fullmatch(cell))
        table.faults.refuse(
            f'"{table.path}", column "{column}": "{cell}" has commas between thousands: save it without them.'
        )
    for column, cell in {column: _mixed(cells) for column, cells in comma.items()}.items():
        if cell:
            other = next(cell.strip() for cell in comma.pop(column) if is_decimal(cell))
            table.faults.refuse(
                f'"{table.path}", column "{column}": "{cell}" has a point and "{other}" a comma, and either may be the '
                f"decimal one: save all its numbers with decimal points and nothing between thousands."
            )
    if not any(_surely_decimal(cell) for cells in comma.values() for cell in cells):
        for column, cells in comma.items():
            cell = next(cell.strip() for cell in cells if is_decimal(cell))
            table.faults.refuse(
                f'"{table.path}", column "{column}": "{cell}" may have a decimal comma or one between thousands: save '
                f"its numbers with decimal points and nothing between thousands."
            )
        return table
    shown = ", ".join(f'"{column}"' for column in list(comma)[:5])
    table.faults.note(f"Decimal commas are read as points in the columns {shown}.", table.path)
    places = {table.columns.index(column) for column in comma}
    rows = [[_pointed(cell) if at in places else cell for at, cell in enumerate(row)] for row in table.rows]
    return replace(table, rows=rows)


def is_decimal(cell: str) -> bool:
    """Return whether a cell is a number with a decimal comma."""
    return bool(COMMA.fullmatch(cell))


def _all_numbers(cells: Sequence[str]) -> bool:
    """Return whether all cells are numbers or missing, and some have a comma."""
    return any("," in cell for cell in cells) and all(
        any(form.fullmatch(cell) for form in (COMMA, POINTS, POINTED))
        or is_missing(cell)
        or as_number(cell) is not None
        for cell in cells
    )


def _surely_decimal(cell: str) -> bool:
    return bool(COMMA.fullmatch(cell) and not THOUSANDS.fullmatch(cell))


def _mixed(cells: Sequence[str]) -> str:
    """Return a number that may have a decimal point, in a column with decimal commas; empty if there is none."""
    pointed = [cell.strip() for cell in cells if "." in cell and as_number(cell) is not None]
    grouped = any(map(DOTTED.fullmatch, cells))
    return next((cell for cell in pointed if not (grouped and THOUSAND.fullmatch(cell))), "")


def _pointed(cell: str) -> str:
    if not (COMMA.fullmatch(cell) or POINTS.fullmatch(cell)):
        return cell
    whole, _, part = cell.strip().partition(",")
    return f"{re.sub(r'[^0-9+-]', '', whole)}.{part or 0}"
