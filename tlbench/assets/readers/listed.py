"""Tables that list files: `file`, relative to the table, its `label`, and optionally its `split`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from tlbench.assets.readers.divided import NO_COLUMNS, SplitColumns, divide, keep_published
from tlbench.assets.readers.labelled import PARTS, Labelled, Parts, quoted
from tlbench.assets.readers.tables import Table, read_table
from tlbench.contract.faults import RAISE, Faults
from tlbench.errors import BadInputError

T = TypeVar("T")
COLUMNS = ("file", "file_name")
"""The column of files, as tlbench and as the Hugging Face hub names it."""
ALSO = ("filename", "filepath", "file_path", "path", "image", "img", "image_path", "audio")
"""Other names of that column, in any case, for tables in which only one column has one of them."""


def listed_files(
    path: Path, part: float = 0.2, faults: Faults = RAISE, label: str = "label", columns: SplitColumns = NO_COLUMNS
) -> Parts[Path]:
    """Return the files that a table lists; without a column `split`, `part` of each class is held out by file name.

    With groups or times in `columns`, files are held out by these.
    """
    return split_files(read_table(path, faults=faults), part, label, columns)


def split_files(table: Table, part: float, label: str, columns: SplitColumns) -> Parts[Path]:
    """Return the files of a table in splits, as `listed_files` does."""
    names = file_column(table)
    table = with_files(table, names)
    return split_by_table(table, files_of(table, label, columns), table.column(names), part)


def files_of(table: Table, label: str, columns: SplitColumns = NO_COLUMNS) -> Labelled[Path]:
    """Return the files of a table, one for each row, with their labels, groups and times."""
    names = file_column(table)
    table = with_files(table, names)
    files, labels = named_files(table, names), table.labels(label)
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
    if errors and len(errors) == len(table.rows):
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


def file_column(table: Table, usual: Sequence[str] = COLUMNS) -> str:
    """Return the column of files: the first of `usual`, else the only one with one of their names or of `ALSO`.

    Of the latter an inspection is told. Raises `BadInputError` if there is none, or several.
    """
    if name := next((name for name in usual if name in table.columns), ""):
        return name
    alike = [name for name in table.columns if name.lower() in (*usual, *ALSO)]
    if len(alike) != 1:
        what = f"has several columns of files ({quoted(alike)})" if alike else f'has no column "{usual[0]}"'
        known = ", ".join(dict.fromkeys((*usual[1:], *ALSO)))
        raise BadInputError(
            f'"{table.path}" {what}: rename the one that names the files to "{usual[0]}". One alone may also have one '
            f"of the names {known}. Its columns: {quoted(table.columns)}."
        )
    table.faults.describe(alike[0], "names of files")
    return alike[0]
