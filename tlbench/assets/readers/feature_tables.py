"""A user's table of features and labels: its columns as they are used, and its rows without those to drop."""

from __future__ import annotations

import csv
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tlbench.assets.readers.cells import is_numeric, refuse_cells
from tlbench.assets.readers.decimals import NO_DECIMALS, common_decimals, with_decimal_points
from tlbench.assets.readers.roles import is_nameless, name_role, role, shown
from tlbench.assets.readers.table_file import as_number, is_missing, is_usable
from tlbench.assets.readers.tables import Table, find_column, read_table
from tlbench.contract.faults import QUIET, RAISE, Faults
from tlbench.contract.requests import LoadRequest
from tlbench.errors import BadInputError, UsageError

REFUSE, DROP, FILL = "refuse", "drop", "fill"


@dataclass(frozen=True, kw_only=True)
class TableUse:
    """What the columns of a table are for. Spaces around their names do not count."""

    texts: tuple[str, ...] = ()
    """Columns that are no features and stay as they are, such as labels that are names, and groups."""
    numbers: tuple[str, ...] = ()
    """Columns of labels that are numbers."""
    left_out: tuple[str, ...] = ()
    """Columns that are not used."""
    missing: str = REFUSE
    """What becomes of cells without a usable number: `refuse`, `drop` (their rows) or `fill` (they become NaN)."""

    @property
    def others(self) -> tuple[str, ...]:
        """Columns that are no features."""
        return tuple(name.strip() for name in (*self.texts, *self.numbers))


def names_option(request: LoadRequest, option: str) -> tuple[str, ...]:
    """Return the names of columns in an option, separated by commas; a name with a comma is in quotation marks."""
    value = str(request.options.get(option, ""))
    names = next(csv.reader([value], skipinitialspace=True), [])
    return tuple(name.strip() for name in names if name.strip())


def missing_option(request: LoadRequest, choices: Sequence[str] = (REFUSE, DROP, FILL)) -> str:
    """Return the option `missing`. Raises `UsageError` for a value that is not among its choices."""
    value = str(request.options.get("missing", REFUSE))
    if value not in choices:
        raise UsageError(f'Task "{request.task}": invalid task.missing={value}. Use one of {", ".join(choices)}.')
    return value


def read_features(
    path: Path, use: TableUse, faults: Faults = RAISE, decimals: Mapping[str, str] = NO_DECIMALS
) -> Table:
    """Return a table with the columns of `use` and those of features, decimal commas as points.

    `decimals` is what `feature_decimals` says of all tables of its domain. An index without a name is left out, and
    columns that tell when or where a row was recorded are noted. With `drop`, rows are left out in which a column of
    numbers has none. Raises `BadInputError` if the table lacks a column.
    """
    table = _used_columns(read_table(path, faults=faults), use)
    features = _features(table, use)
    table = with_decimal_points(table, [*features, *use.numbers], decimals)
    for name in features:
        if what := role(table.column(name)) or name_role(name):
            faults.note(
                f'Column "{name}" {what}: it tells when or where a row was recorded, and may give its label away. If '
                f"it is no feature: --set task.leave_out={name}",
                path,
            )
    return usable_rows(table, use, features)


def feature_decimals(paths: Sequence[Path], use: TableUse) -> dict[str, str]:
    """Return how the tables of one domain write the numbers of columns with decimal commas, so that all say the same.

    A single table says so by itself, and is not read.
    """

    def read(path: Path) -> tuple[Table, Sequence[str]]:
        table = _used_columns(read_table(path, faults=QUIET), use)
        return table, [*_features(table, use), *use.numbers]

    return common_decimals(paths if len(paths) > 1 else (), read)


def _features(table: Table, use: TableUse) -> list[str]:
    return [name for name in table.columns if name not in use.others]


def _used_columns(table: Table, use: TableUse) -> Table:
    for name in (*use.others, *use.left_out):
        find_column(table.path, table.columns, name)
    for what, names in (("label, group or time", use.texts), ("label: number", use.numbers)):
        for name in names:
            table.faults.describe(name.strip(), what)
    left_out, kept = {name.strip() for name in use.left_out}, []
    for position, name in enumerate(table.columns):
        if name in left_out:
            table.faults.describe(name, "left out")
        elif name not in use.others and is_index(table, name):
            continue
        elif table.columns.index(name) != position:
            table.faults.refuse(f'"{table.path}" has several columns "{name}": rename all but one.')
        else:
            kept.append(position)
    return table if len(kept) == len(table.columns) else table.keep(kept)


def is_index(table: Table, name: str) -> bool:
    """Return whether a column has no name, as the index of a data frame, and note that it is left out."""
    if not is_nameless(name):
        return False
    table.faults.describe(name, "left out: index")
    table.faults.note(
        f"{shown(name)} is left out: it is the index of a data frame, which numbers the rows and may give their labels "
        f"away. If it is a feature, give it a name.",
        table.path,
    )
    return True


def usable_rows(table: Table, use: TableUse, features: Sequence[str]) -> Table:
    """Return the rows that are used. In a column of numbers, a cell without one is a fault, or as `use` says."""
    missing = {row for name in use.texts for row, cell in enumerate(table.column(name)) if not cell.strip()}
    if missing and use.missing != DROP:
        table.faults.note(
            f'"{table.path}": {len(missing)} of {len(table.rows)} rows have an empty text, label, group or time, the '
            f"first in line {table.lines[min(missing)]}. To leave them out: --set task.missing=drop"
        )
    faulty, filled = [], 0
    for name in (*features, *use.numbers):
        cells = table.column(name)
        if name in features and not is_numeric(cells):
            continue
        for row in (row for row, cell in enumerate(cells) if not is_usable(as_number(cell))):
            if use.missing == DROP and is_missing(cells[row]):
                missing.add(row)
            elif use.missing == FILL and is_missing(cells[row]) and name in features:
                filled += 1
            else:
                faulty.append((row, name, cells[row]))
    if filled:
        table.faults.note(f'"{table.path}": {filled} missing numbers are filled (task.missing=fill).')
    dropped = missing if use.missing == DROP else set()
    faulty = sorted(place for place in faulty if place[0] not in dropped)
    refuse_cells(table, [(table.lines[row], name, cell) for row, name, cell in faulty])
    if dropped:
        table.faults.note(f'"{table.path}": {len(dropped)} of {len(table.rows)} rows are dropped (task.missing=drop).')
    # An inspection goes on without the faulty rows.
    return _without_rows(table, dropped.union(row for row, _, _ in faulty))


def _without_rows(table: Table, left_out: Collection[int]) -> Table:
    kept = [row for row in range(len(table.rows)) if row not in left_out]
    if not kept:
        raise BadInputError(f'"{table.path}" has no row in which every number is there: --set task.missing=fill.')
    return replace(table, rows=[table.rows[row] for row in kept], lines=[table.lines[row] for row in kept])
