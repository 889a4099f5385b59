"""Tables that list files: `file`, relative to the table, its `label`, and optionally its `split`."""

from __future__ import annotations

import os
from pathlib import Path

from tlbench.assets.readers.labelled import PARTS, Labelled, Parts, hold_out, published_parts
from tlbench.assets.readers.tables import Table, read_table
from tlbench.contract.faults import RAISE, Faults
from tlbench.errors import BadInputError

COLUMNS = ("file", "file_name")
"""The column of files, as tlbench and as the Hugging Face hub names it."""


def listed_files(path: Path, part: float = 0.2, faults: Faults = RAISE, label: str = "label") -> Parts[Path]:
    """Return the files that a table lists; without a column `split`, `part` of each class is held out by file name."""
    table = read_table(path, faults=faults)
    listed = files_of(table, label)
    if "split" not in table.columns:
        return hold_out(listed, table.column(_column(table)), part)
    splits = table.labels("split")
    for line, split in zip(table.lines, splits, strict=True):
        if split.lower() not in PARTS:
            raise BadInputError(f'"{path}", line {line}: invalid split "{split}": use one of {", ".join(PARTS)}.')
    places: dict[str, list[int]] = {}
    for row, split in enumerate(splits):
        places.setdefault(PARTS[split.lower()], []).append(row)
    if "train" not in places or len(places) == 1:
        raise BadInputError(
            f'"{path}": the column "split" must contain "train" and "test": add both, or remove the column.'
        )
    return published_parts({name: listed.take(rows) for name, rows in places.items()})


def files_of(table: Table, label: str) -> Labelled[Path]:
    """Return the files of a table, one for each row, with their labels."""
    path, names, labels = table.path, table.column(_column(table)), table.labels(label)
    # As UTF-8 bytes, which are the names of files in every locale.
    files = [path.parent / os.fsdecode(name.encode()) for name in names]
    seen = set()
    for line, file in zip(table.lines, files, strict=True):
        if file in seen or not file.is_file():
            what = "is listed twice" if file in seen else "does not exist"
            raise BadInputError(f'"{path}", line {line}: "{file}" {what}: correct the column "{_column(table)}".')
        seen.add(file)
    return Labelled(where=path, inputs=files, labels=labels, tables=(path,), faults=table.faults)


def _column(table: Table) -> str:
    return next((name for name in COLUMNS if name in table.columns), COLUMNS[0])
