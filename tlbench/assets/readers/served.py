"""Files as raw examples for an export, which carries what these functions need: the readers of training data.

A package of an export has no tlbench: what they need is copied into its `reader.py`, so it imports the standard library
and numpy, and where a format asks for it soundfile or pyarrow.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tlbench.assets.readers.audio import read_sound
from tlbench.assets.readers.decimals import NO_DECIMALS, with_decimal_points
from tlbench.assets.readers.feature_tables import DROP, FILL, REFUSE
from tlbench.assets.readers.features import all_rows, row_features, unseen_texts
from tlbench.assets.readers.series import read_series, sliding_windows
from tlbench.assets.readers.tables import Table, find_column, read_table
from tlbench.contract.faults import QuietFaults
from tlbench.errors import UsageError

Read = Callable[[Path], list[Any]]


class ServedFaults(QuietFaults):
    """Raises faults of a file that an export reads; a message names no option, for there is none."""

    advises = False


SERVED = ServedFaults()


def for_export(read: Read) -> Read:
    """Return a reader that raises `ValueError` for a file that cannot be read, and names a package that is missing."""

    @functools.wraps(read)
    def reading(path: Path) -> list[Any]:
        try:
            return read(path)
        except UsageError as error:
            raise ValueError(str(error)) from error
        except ImportError as error:
            raise ValueError(f'"{path}" is read by {error.name}: pip install {error.name}') from error

    return reading


def record_reader(
    columns: Sequence[str],
    categories: dict[str, list[str]],
    log: bool,
    fill: bool,
    decimals: Mapping[str, str] = NO_DECIMALS,
) -> Read:
    """Return the function from a table to a vector `(F,)` float64 of each row: numbers, and categories as one-hot.

    `decimals` is how the training data wrote columns with decimal commas. It raises `ValueError` for a table without
    these columns, and for a cell that is no number where one is expected; categories that no training row had are told
    on standard error.
    """
    numbers = [column for column in columns if column not in categories]

    def read(path: Path) -> list[Any]:
        table = _with_columns(read_table(path, faults=SERVED), columns)
        records = all_rows(with_decimal_points(table, numbers, decimals))
        for _, sentence in unseen_texts(records, categories):
            print(f"Warning: {sentence}", file=sys.stderr)
        return list(row_features(records, columns, categories, log=log, fill=fill))

    return for_export(read)


def text_reader(columns: Sequence[str], quotes: bool, filled: str = "") -> Read:
    """Return the function from a table to the text of each row, or the texts of several columns.

    If `filled` says what a cell holds, such as "prompt", white space around cells is removed, and a blank cell is
    refused with its line.
    """

    def read(path: Path) -> list[Any]:
        table = read_table(path, quotes=quotes, faults=SERVED)
        if filled:
            rows = list(zip(*(table.filled(column.strip(), filled) for column in columns), strict=True))
        else:
            rows = list(map(tuple, _with_columns(table, columns).rows))
        return [row[0] if len(row) == 1 else row for row in rows]

    return for_export(read)


def series_reader(
    columns: Sequence[str],
    window: int,
    stride: int,
    fill: bool,
    missing: str = "",
    decimals: Mapping[str, str] = NO_DECIMALS,
) -> Read:
    """Return the function from a table, one row for each time step, to windows `(window, C)` float64.

    `missing` and `decimals` are what `read_series` takes; without the former, `fill` says whether cells are filled. The
    function's `place` says which rows the window of a number is, both from 1.
    """
    how = missing or (FILL if fill else REFUSE)

    def read(path: Path) -> list[Any]:
        _, series = read_series(path, columns=columns, missing=how, decimals=decimals, faults=SERVED)
        return sliding_windows(path, series, window, stride)

    def place(number: int) -> str:
        first = (number - 1) * stride + 1
        kept = " of those without missing numbers" if how == DROP else ""
        return f"window {number} (rows {first} to {first + window - 1}{kept})"

    reading = for_export(read)
    setattr(reading, "place", place)  # noqa: B010 - for mypy, to which a function has no such attribute
    return reading


def sound_reader(sample_rate: int) -> Read:
    """Return the function from a file to a list of its one waveform, `(T,)` float32 in -1..1 at `sample_rate` Hz.

    Channels are averaged. It raises `ValueError` for a file that is no sound, or has no samples or some far beyond 1.
    """
    return for_export(lambda path: [read_sound(path, sample_rate, SERVED)[0]])


def _with_columns(table: Table, columns: Sequence[str]) -> Table:
    return table.keep([find_column(table.path, table.columns, column) for column in columns])
