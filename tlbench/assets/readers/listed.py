"""Tables that list files: `file`, relative to the table, its `label`, and optionally its `split`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from tlbench.assets.readers.divided import NO_COLUMNS, SplitColumns, divide, keep_published
from tlbench.assets.readers.labelled import PARTS, Labelled, Parts
from tlbench.assets.readers.tables import Table, read_table
from tlbench.contract.faults import RAISE, Faults
from tlbench.errors import BadInputError

T = TypeVar("T")
COLUMNS = ("file", "file_name")
"""The column of files, as tlbench and as the Hugging Face hub names it."""


def listed_files(
    path: Path, part: float = 0.2, faults: Faults = RAISE, label: str = "label", columns: SplitColumns = NO_COLUMNS
) -> Parts[Path]:
    """Return the files that a table lists; without a column `split`, `part` of each class is held out by file name.

    With groups or times in `columns`, files are held out by these.
    """
    table = read_table(path, faults=faults)
    table = with_files(table, _column(table))
    return split_by_table(table, files_of(table, label, columns), table.column(_column(table)), part)


def files_of(table: Table, label: str, columns: SplitColumns = NO_COLUMNS) -> Labelled[Path]:
    """Return the files of a table, one for each row, with their labels, groups and times."""
    table = with_files(table, _column(table))
    files, labels = named_files(table, _column(table)), table.labels(label)
    listed = Labelled(where=table.path, inputs=files, labels=labels, tables=(table.path,), faults=table.faults)
    return columns.of(table, listed)


def with_files(table: Table, *columns: str) -> Table:
    """Return a table without the rows whose files do not exist, or are in an earlier row: each is refused.

    Raises `BadInputError` if no row is left.
    """
    errors: dict[int, BadInputError] = {}
    for column in columns:
        seen = set()
        for row, (line, file) in enumerate(zip(table.lines, named_files(table, column), strict=True)):
            if file in seen or not file.is_file():
                what = "is listed twice" if file in seen else "does not exist"
                errors[row] = BadInputError(
                    f'"{table.path}", line {line}: "{file}" {what}: correct the column "{column}".'
                )
                table.faults.add(errors[row])
            seen.add(file)
    if len(errors) == len(table.rows):
        raise errors[0]
    return table.take([row for row in range(len(table.rows)) if row not in errors])


def named_files(table: Table, column: str) -> list[Path]:
    """Return the files in a column of a table."""
    # As UTF-8 bytes, which are the names of files in every locale.
    return [table.path.parent / os.fsdecode(name.encode()) for name in table.column(column)]


def split_by_table(table: Table, listed: Labelled[T], names: Sequence[str], part: float) -> Parts[T]:
    """Return the splits in the column `split` of a table; without it, as `divided.divide` does by `names`."""
    if "split" not in table.columns:
        return divide(listed, names, part)
    path, places = table.path, dict[str, list[int]]()
    for row, (line, split) in enumerate(zip(table.lines, table.labels("split"), strict=True)):
        if split.lower() in PARTS:
            places.setdefault(PARTS[split.lower()], []).append(row)
        elif split:  # An empty one is refused already.
            table.faults.refuse(f'"{path}", line {line}: invalid split "{split}": use one of {", ".join(PARTS)}.')
    if "train" not in places or len(places) == 1:
        raise BadInputError(
            f'"{path}": the column "split" must contain "train" and "test": add both, or remove the column.'
        )
    return keep_published({name: listed.take(rows) for name, rows in places.items()})


def _column(table: Table) -> str:
    return next((name for name in COLUMNS if name in table.columns), COLUMNS[0])
