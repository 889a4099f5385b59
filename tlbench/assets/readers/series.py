"""Time series in tables with one column for each channel, and windows over them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tlbench.assets.readers.cells import as_number, number_cells
from tlbench.assets.readers.tables import make_table, read_rows
from tlbench.contract.faults import RAISE, Faults
from tlbench.errors import BadInputError

if TYPE_CHECKING:
    from tlbench.contract.task_data import Array


def read_series(
    path: Path, *, columns: Sequence[int] = (), separator: str = "", faults: Faults = RAISE
) -> tuple[tuple[str, ...], Array]:
    """Return the names of the channels, and a series `(T, C)` float64.

    A first row with a cell that is not a number is the header; without it, names are positions. `columns` selects
    columns by position.
    """
    import numpy as np

    rows = list(read_rows(path, separator=separator, faults=faults))
    first = rows[0][1] if rows else []
    names = tuple(map(str, range(len(first))))
    if any(as_number(cell) is None for cell in first if cell):
        names, rows = tuple(first), rows[1:]
    table = make_table(path, names, rows, faults)
    chosen = [names[position] for position in columns or range(len(names))]
    channels = [number_cells(table, range(len(table.rows)), name) for name in chosen]
    return tuple(chosen), np.stack(channels, 1)


def sliding_windows(path: Path, series: Array, size: int, stride: int) -> list[Array]:
    """Return windows `(size, C)` that start every `stride` rows. Raises `BadInputError` if the series is too short."""
    if len(series) < size:
        raise BadInputError(f'"{path}" has {len(series)} rows, fewer than a window of {size} rows: remove the file.')
    return [series[start : start + size] for start in range(0, len(series) - size + 1, stride)]
