"""Numbers with decimal commas, as many European programs write them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from tlbench.assets.limits import check_file
from tlbench.assets.readers.table_file import as_number, is_missing
from tlbench.errors import BadInputError

if TYPE_CHECKING:
    from tlbench.assets.readers.tables import Table

COMMAS, GROUPED_COMMAS = "commas", "commas, points between thousands"
"""How a column writes its numbers, if not with decimal points."""
OTHER_SIGNS, AT_ONCE = (b";", b"\t", b"|", b'"'), 2**20
"""Without these, every comma separates cells; and bytes of a file that are looked at together."""
NO_DECIMALS: Mapping[str, str] = MappingProxyType({})
GROUPED = r"[+-]?(?:\d+|\d{1,3}(?:[. '\u00a0\u202f]\d{3})+)"
COMMA = re.compile(rf"\s*{GROUPED},\d+(?:[eE][+-]?\d+)?\s*")
POINTS = re.compile(r"\s*[+-]?[1-9]\d{0,2}(?:[. '\u00a0\u202f]\d{3})+\s*")
"""Beside decimal commas, points stand between thousands."""
THOUSANDS = re.compile(r"\s*[+-]?[1-9]\d{0,2}(?:,\d{3})+\s*")
"""Texts that are a whole number with commas between thousands, or a number with a decimal comma."""
POINTED = re.compile(r"\s*[+-]?\d{1,3}(?:(?:,\d{3})+\.\d*|(?:,\d{3}){2,})\s*")
"""Texts that have commas between thousands for certain."""
DOTTED = re.compile(r"\s*[+-]?[1-9]\d{0,2}(?:\.\d{3}){2,}\s*|\s*[+-]?[1-9]\d{0,2}(?:\.\d{3})+,\d.*")
"""Texts that have points between thousands for certain."""
THOUSAND = re.compile(r"\s*[+-]?[1-9]\d{0,2}(?:\.\d{3})+\s*")
"""Texts that may have points between thousands."""


def with_decimal_points(table: Table, columns: Sequence[str], known: Mapping[str, str] = NO_DECIMALS) -> Table:
    """Return a table with points in the numbers of these columns that have decimal commas.

    A column changes if all its cells are numbers, some with a comma. If all numbers with a comma could have it between
    thousands, they are a fault, and so are numbers that have commas between thousands for certain, and numbers with a
    point that may be a decimal one. `known` tells how other tables of the same origin write some of the columns, as
    `Table.decimals` does: it decides what the cells of this table leave open.
    """
    numbers = {column: cells for column, cells in _numbers(table, columns).items() if _writes_numbers(cells)}
    comma = {column: cells for column, cells in numbers.items() if any("," in cell for cell in cells)}
    whole = {column: cells for column, cells in numbers.items() if column in known and column not in comma}
    _refuse_grouped(table, comma)
    _refuse_mixed(table, comma, known)
    if not any(column in known for column in comma) and not _decides(comma):
        for column, cells in comma.items():
            cell = next(cell.strip() for cell in cells if is_decimal(cell))
            table.faults.refuse(
                f'"{table.path}", column "{column}": "{cell}" may have a decimal comma or one between thousands: save '
                f"its numbers with decimal points and nothing between thousands."
            )
        comma = {}
    changed = {column: _notation(cells, known.get(column, "")) for column, cells in comma.items()}
    changed |= {column: GROUPED_COMMAS for column, cells in whole.items() if _grouped(table, column, cells, known)}
    if not changed:
        return table
    if comma:
        shown = ", ".join(f'"{column}"' for column in list(comma)[:5])
        table.faults.note(f"Decimal commas are read as points in the columns {shown}.", table.path)
    places = {table.columns.index(column) for column in changed}
    rows = [[_pointed(cell) if at in places else cell for at, cell in enumerate(row)] for row in table.rows]
    return replace(table, rows=rows, decimals=changed)


def common_decimals(paths: Iterable[Path], read: Callable[[Path], tuple[Table, Sequence[str]]]) -> dict[str, str]:
    """Return how several tables of one origin write the numbers of those columns that have decimal commas.

    `read` returns a table as it is, and its columns that may hold numbers. Tables that cannot be read say nothing:
    whoever reads them next names what is wrong.
    """
    common: dict[str, str] = {}
    for path in paths:
        try:
            if not _may_have_commas(path):
                continue
            table, columns = read(path)
        except (BadInputError, OSError):
            continue
        cells = {name: cells for name, cells in _numbers(table, columns).items() if _writes_numbers(cells)}
        comma = {name: of for name, of in cells.items() if any("," in cell for cell in of)}
        if _decides(comma):
            common = merged_decimals([common, {name: _notation(of, "") for name, of in comma.items()}])
    return common


def merged_decimals(several: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """Return how columns write their numbers, of which each table may know a part."""
    merged: dict[str, str] = {}
    for decimals in several:
        for column, notation in decimals.items():
            merged[column] = GROUPED_COMMAS if GROUPED_COMMAS in (notation, merged.get(column)) else notation
    return merged


def _may_have_commas(path: Path) -> bool:
    """Return whether cells may hold commas: a text with no separator but commas, and no quotation mark, has none."""
    check_file(path)
    commas = others = False
    with path.open("rb") as stream:
        while not (commas and others) and (chunk := stream.read(AT_ONCE)):
            commas = commas or b"," in chunk
            others = others or any(sign in chunk for sign in OTHER_SIGNS)
    return commas and others


def _numbers(table: Table, columns: Sequence[str]) -> dict[str, list[str]]:
    return {column: table.column(column) for column in columns if table.columns.count(column) == 1}


def _decides(comma: Mapping[str, Sequence[str]]) -> bool:
    """Return whether a number of these columns has a decimal comma for certain."""
    return any(_surely_decimal(cell) for cells in comma.values() for cell in cells)


def _notation(cells: Sequence[str], known: str) -> str:
    return GROUPED_COMMAS if known == GROUPED_COMMAS or any(map(DOTTED.fullmatch, cells)) else COMMAS


def _refuse_grouped(table: Table, comma: dict[str, list[str]]) -> None:
    """Refuse, and take out, columns with commas between thousands."""
    for column in [column for column, cells in comma.items() if any(map(POINTED.fullmatch, cells))]:
        cell = next(cell.strip() for cell in comma.pop(column) if POINTED.fullmatch(cell))
        table.faults.refuse(
            f'"{table.path}", column "{column}": "{cell}" has commas between thousands: save it without them.'
        )


def _refuse_mixed(table: Table, comma: dict[str, list[str]], known: Mapping[str, str]) -> None:
    """Refuse, and take out, columns in which commas and points may be decimal."""
    for column, cell in {column: _mixed(cells, known.get(column, "")) for column, cells in comma.items()}.items():
        if cell:
            other = next(cell.strip() for cell in comma.pop(column) if is_decimal(cell))
            table.faults.refuse(
                f'"{table.path}", column "{column}": "{cell}" has a point and "{other}" a comma, and either may be the '
                f"decimal one: save all its numbers with decimal points and nothing between thousands."
            )


def _grouped(table: Table, column: str, cells: Sequence[str], known: Mapping[str, str]) -> bool:
    """Return whether signs of a column without commas stand between thousands, as `known` says of its other numbers.

    If `known` says no more than that decimal numbers have commas, such points are a fault.
    """
    apart = [cell.strip() for cell in cells if POINTS.fullmatch(cell)]
    if not apart or any("." in cell and not POINTS.fullmatch(cell) and not is_missing(cell) for cell in cells):
        return False
    either = [cell for cell in apart if as_number(cell) is not None]
    if not either or known[column] == GROUPED_COMMAS or any(map(DOTTED.fullmatch, apart)):
        return True
    table.faults.refuse(
        f'"{table.path}", column "{column}": "{either[0]}" may have a decimal point or one between thousands, because '
        f"other numbers of this column have decimal commas: save all with decimal points and nothing between thousands."
    )
    return False


def is_decimal(cell: str) -> bool:
    """Return whether a cell is a number with a decimal comma."""
    return bool(COMMA.fullmatch(cell))


def _writes_numbers(cells: Sequence[str]) -> bool:
    """Return whether all cells are numbers or missing, with points or commas."""
    return all(
        any(form.fullmatch(cell) for form in (COMMA, POINTS, POINTED))
        or is_missing(cell)
        or as_number(cell) is not None
        for cell in cells
    )


def _surely_decimal(cell: str) -> bool:
    return bool(COMMA.fullmatch(cell) and not THOUSANDS.fullmatch(cell))


def _mixed(cells: Sequence[str], known: str) -> str:
    """Return a number that may have a decimal point, in a column with decimal commas; empty if there is none."""
    pointed = [cell.strip() for cell in cells if "." in cell and as_number(cell) is not None]
    grouped = _notation(cells, known) == GROUPED_COMMAS
    return next((cell for cell in pointed if not (grouped and THOUSAND.fullmatch(cell))), "")


def _pointed(cell: str) -> str:
    if not (COMMA.fullmatch(cell) or POINTS.fullmatch(cell)):
        return cell
    whole, _, part = cell.strip().partition(",")
    return f"{re.sub(r'[^0-9+-]', '', whole)}.{part or 0}"
