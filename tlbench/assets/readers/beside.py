"""Tables in a folder of examples that list its files: nobody reads them unless the user names them."""

from __future__ import annotations

import os
from contextlib import suppress
from itertools import islice
from pathlib import Path

from tlbench.assets.readers.walk import below, leads_outside, list_folder, subfolders
from tlbench.contract.faults import QUIET, Faults
from tlbench.errors import BadInputError

LOOKED_AT = 20
"""Rows of a table by which it lists files."""


def check_listing(root: Path, faults: Faults) -> None:
    """Note a table in `root` that lists its files; refuse it if there are no two class folders to read instead."""
    from tlbench.assets.readers.tables import RECORDS

    tables = [path for path in list_folder(root) if path.suffix.lower() in RECORDS and path.is_file()]
    names = {path.name for path in (*list_folder(root), *below(root))} if tables else set()
    for table in tables:
        if relative := _lists(table, names):
            paths = "" if relative == "paths" else ", with paths that begin at the folder of the table"
            message = (
                f'"{table}" lists files of "{root}". If it has their labels, use the table{paths}: '
                f"--set task.target={table} (or task.source)."
            )
            if len(subfolders(root)) > 1:
                faults.note(f"{message} Without, the labels are the names of the folders.")
            else:
                faults.refuse(message)


def _lists(table: Path, names: set[str]) -> str:
    """Return whether a column of a table holds `paths` from its folder, or `names` of files alone; else nothing."""
    from tlbench.assets.readers.tables import read_rows

    with suppress(BadInputError):
        read = list(islice(read_rows(table, faults=QUIET), LOOKED_AT + 1))
        if not read:
            return ""
        (_, header), *rows = read
        if table.stem == "metadata" and "file_name" in header:
            return ""  # Of the hub: `metadata` says why it does not read it.
        for column in zip(*(cells for _, cells in rows), strict=False):
            if all(_is_there(table.parent, cell) for cell in column):
                return "paths"
            if all(cell in names and Path(cell).suffix for cell in column):
                return "names"
    return ""


def _is_there(folder: Path, cell: str) -> bool:
    path = os.fsdecode(cell.strip().encode())
    # `Path.is_file` raises for names that are too long, such as texts.
    return bool(path) and "\0" not in path and not leads_outside(path) and os.path.isfile(folder / path)
