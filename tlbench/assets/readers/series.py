"""Series of numbers over time, in tables with a column a channel, and windows over them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tlbench.assets.readers.cells import as_number, number_cells
from tlbench.assets.readers.tables import make_table, read_rows
from tlbench.errors import BadInputError

if TYPE_CHECKING:
    from tlbench.contract.task_data import Array


def read_series(path: Path, *, columns: Sequence[int] = (), separator: str = "") -> tuple[tuple[str, ...], Array]:
    """Return the names of the channels, and a series `(T, C)` float64.

    A first row with a cell that is no number names the columns; else their positions do. `columns` chooses by position.
    """
    import numpy as np

    found = list(read_rows(path, separator=separator))
    first = found[0][1] if found else []
    names = tuple(map(str, range(len(first))))
    if any(as_number(cell) is None for cell in first if cell):
        names, found = tuple(first), found[1:]
    table = make_table(path, names, found)
    chosen = [names[position] for position in columns or range(len(names))]
    channels = [number_cells(table, range(len(found)), name) for name in chosen]
    return tuple(chosen), np.stack(channels, 1)


def sliding_windows(path: Path, series: Array, size: int, stride: int) -> list[Array]:
    """Return windows `(size, C)` that start every `stride` rows. Raises `BadInputError` for a series that has none."""
    if len(series) < size:
        raise BadInputError(f'"{path}" has {len(series)} rows, fewer than a window of {size}: remove it.')
    return [series[start : start + size] for start in range(0, len(series) - size + 1, stride)]
