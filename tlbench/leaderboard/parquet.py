"""The table of a board as Parquet, for data frames: an export, not a page.

Bytes of such a file depend on the version of pyarrow, and pages must be the same on every machine.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tlbench.errors import StoreError, UsageError
from tlbench.leaderboard.aggregate import Entry
from tlbench.results.files import canonical, write_bytes


def write_parquet(path: Path, entries: Sequence[Entry]) -> None:
    """Write a line for each entry: the columns of `leaderboard.json`, unrounded, those that hold several values apart.

    Numbers are float64 or int64, texts stay as they are, and what fits none of these is JSON. Raises `UsageError`
    without pyarrow, `StoreError` if the file cannot be written.
    """
    try:
        import pyarrow
        from pyarrow import parquet
    except ModuleNotFoundError as error:
        raise UsageError('Parquet needs pyarrow: pip install "tlbench[datasets]".') from error
    records = [_flat({**entry.record, "marks": dict(entry.marks)}) for entry in entries]
    names = dict.fromkeys(name for record in records for name in record)
    table = pyarrow.table({name: _column([record.get(name) for record in records]) for name in names})
    stream = io.BytesIO()
    parquet.write_table(table, stream)
    try:
        write_bytes(path, stream.getvalue())
    except OSError as error:
        raise StoreError(
            f'"{path}" could not be written ({error.strerror or error}): name a file in a folder that you may write to.'
        ) from error


def _flat(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record with a value for each name of a mapping, as `FIELD.NAME`."""
    flat: dict[str, Any] = {}
    for field, value in record.items():
        flat |= (
            {f"{field}.{name}": part for name, part in value.items()} if isinstance(value, Mapping) else {field: value}
        )
    return flat


def _column(values: Sequence[Any]) -> list[Any]:
    """Return values of one type: all texts, truth values, whole numbers or numbers, or lists of texts, else JSON."""
    there = [value for value in values if value is not None]
    kinds = {type(value) for value in there}
    if kinds <= {int, float} and kinds != {int}:
        return [None if value is None else float(value) for value in values]
    texts = kinds == {list} and all(isinstance(part, str) for value in there for part in value)
    if len(kinds) <= 1 and (kinds <= {str, bool, int} or texts):
        return list(values)
    return [None if value is None else canonical(value) for value in values]
