"""Time series in tables with one column for each channel, and windows over them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tlbench.assets.readers.cells import number_cells
from tlbench.assets.readers.decimals import NO_DECIMALS, common_decimals, is_decimal, with_decimal_points
from tlbench.assets.readers.feature_tables import FILL, REFUSE, TableUse, is_index, usable_rows
from tlbench.assets.readers.roles import name_role, number_role
from tlbench.assets.readers.table_file import as_number, is_missing
from tlbench.assets.readers.tables import Table, column_names, find_column, make_table, read_rows
from tlbench.contract.faults import QUIET, RAISE, Faults
from tlbench.errors import BadInputError

if TYPE_CHECKING:
    from tlbench.contract.task_data import Array


def read_series(
    path: Path,
    *,
    columns: Sequence[int | str] = (),
    left_out: Sequence[str] = (),
    missing: str = REFUSE,
    separator: str = "",
    decimals: Mapping[str, str] = NO_DECIMALS,
    faults: Faults = RAISE,
) -> tuple[tuple[str, ...], Array]:
    """Return the names of the channels, and a series `(T, C)` float64.

    A first row with a cell that is not a number is the header; without it, names are positions. `columns` selects
    columns by position or name; else all are channels except those in `left_out` and an index without a name. Decimal
    commas are read as points; `decimals` is what `series_decimals` says of all files of the domain. `missing` says
    what becomes of cells without a number: `refuse`, `drop` (the rows) or `fill` (NaN).
    """
    table, chosen = _channels(path, columns, left_out, separator, faults)
    return chosen, _series(with_decimal_points(table, chosen, decimals), chosen, missing)


def series_decimals(
    paths: Sequence[Path], *, columns: Sequence[int | str] = (), left_out: Sequence[str] = ()
) -> dict[str, str]:
    """Return how the files of one domain write numbers of channels with decimal commas, so that all say the same."""
    return common_decimals(paths, lambda path: _channels(path, columns, left_out, "", QUIET))


def _channels(
    path: Path, columns: Sequence[int | str], left_out: Sequence[str], separator: str, faults: Faults
) -> tuple[Table, tuple[str, ...]]:
    """Return the table of a series as it is, and the names of its channels."""
    rows = list(read_rows(path, separator=separator, faults=faults))
    first = rows[0][1] if rows else []
    names = tuple(map(str, range(len(first))))
    if any(map(_is_name, first)):
        names, rows = column_names(first), rows[1:]
    table = make_table(path, names, rows, faults)
    named = [names[column] if isinstance(column, int) else column for column in columns]
    for name in (*named, *left_out):
        find_column(path, table.columns, name)
    channels = named or [name for name in table.columns if not is_index(table, name)]
    chosen = tuple(name for name in channels if name not in left_out)
    if not chosen:
        raise BadInputError(f'"{path}" has no columns except those that are left out: use at least one.')
    return table, chosen


def _series(table: Table, chosen: Sequence[str], missing: str) -> Array:
    """Return the channels of a table with decimal points, `(T, C)`."""
    import numpy as np

    table = usable_rows(table, TableUse(missing=missing), chosen)
    numbers = [number_cells(table, range(len(table.rows)), name, fill=missing == FILL) for name in chosen]
    return np.stack(numbers, 1)


def _is_name(cell: str) -> bool:
    return bool(cell) and as_number(cell) is None and not is_missing(cell) and not is_decimal(cell)


def rising_channels(names: Sequence[str], series: Array) -> dict[str, str]:
    """Return the channels of a series `(T, C)` that tell when a row was recorded, and what each does."""
    import numpy as np

    roles = {
        name: number_role(channel[np.isfinite(channel)]) or name_role(name)
        for name, channel in zip(names, series.T, strict=True)
    }
    return {name: what for name, what in roles.items() if what}


def sliding_windows(path: Path, series: Array, size: int, stride: int) -> list[Array]:
    """Return windows `(size, C)` that start every `stride` rows. Raises `BadInputError` if the series is too short."""
    if len(series) < size:
        raise BadInputError(f'"{path}" has {len(series)} rows, fewer than a window of {size} rows: remove the file.')
    return [series[start : start + size] for start in range(0, len(series) - size + 1, stride)]
