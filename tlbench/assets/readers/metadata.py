"""Folders as the Hugging Face hub has them: `metadata.csv` or `metadata.jsonl` with `file_name` and `label`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tlbench.assets.readers.divided import SplitColumns, keep_published
from tlbench.assets.readers.folders import example_files, split_folders
from tlbench.assets.readers.labelled import Labelled, Parts
from tlbench.assets.readers.listed import COLUMNS, files_of, split_files
from tlbench.assets.readers.tables import Table, read_table
from tlbench.assets.readers.walk import leads_outside, list_folder, note_unread, subfolders
from tlbench.contract.faults import Faults
from tlbench.errors import BadInputError

METADATA = ("metadata.csv", "metadata.jsonl")
FILE = COLUMNS[1]


def metadata_parts(
    root: Path, suffixes: Sequence[str], part: float, faults: Faults, label: str, columns: SplitColumns
) -> Parts[Path] | None:
    """Return the files that the metadata of a folder lists, or None if it has none with labels.

    The metadata is in `root`, or in each of its folders `train`, `valid` and `test`. Without these folders and without
    a column `split`, `part` of each class is held out by file name.
    """
    folders = split_folders(root)
    inside = {name: table for name, folder in folders.items() if (table := _metadata(folder, label, faults))}
    if inside and (lacking := folders.keys() - inside.keys()):
        raise BadInputError(
            f'"{folders[min(lacking)]}" has no metadata.csv with the columns {FILE} and {label}, but '
            f'"{next(iter(inside.values())).path}" has: add it, or remove the folder.'
        )
    whole = None if inside else _metadata(root, label, faults)
    if inside:
        parts = keep_published({name: files_of(table, label, columns) for name, table in inside.items()})
    elif whole and folders:
        parts = keep_published(_by_folder(files_of(whole, label, columns), folders))
    elif whole:
        parts = split_files(whole, part, label, columns)
    else:
        return None
    unlisted = f"are not listed in the metadata{' of a split' * bool(folders)}"
    note_unread(root, [*example_files(parts), *parts.train.tables, *parts.test.tables], suffixes, faults, unlisted)
    return parts


def _metadata(folder: Path, label: str, faults: Faults) -> Table | None:
    """Return the metadata of a folder if it lists files with labels; without labels, class folders may tell them."""
    tables = [path for path in list_folder(folder) if path.name in METADATA]
    if len(tables) > 1:
        raise BadInputError(f'"{folder}" has {" and ".join(METADATA)}: keep one of them.')
    table = read_table(tables[0], faults=faults) if tables else None
    if table is None or FILE not in table.columns:
        return None
    if label not in table.columns and subfolders(folder):
        faults.note(f'"{table.path}" has no column "{label}": the folders are the labels. Or set task.label=COLUMN.')
        return None
    inside = []
    for row, name in enumerate(table.column(FILE)):
        if leads_outside(name):
            message = f'"{table.path}", line {table.lines[row]}: "{name}" is outside "{folder}": use a path inside it.'
            faults.refuse(message)
        else:
            inside.append(row)
    return table.take(inside)


def _by_folder(listed: Labelled[Path], folders: dict[str, Path]) -> dict[str, Labelled[Path]]:
    """Return the listed files in each of the folders. Raises `BadInputError` for one without any."""
    halves = {
        name: listed.take(i for i, path in enumerate(listed.inputs) if path.is_relative_to(folder))
        for name, folder in folders.items()
    }
    for name, half in halves.items():
        if not len(half):
            raise BadInputError(f'"{listed.where}" lists no file in "{folders[name]}": add some, or remove the folder.')
    return halves
