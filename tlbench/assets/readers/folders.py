"""Folders with one subfolder for each class."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

from tlbench.assets.readers.divided import NO_COLUMNS, SplitColumns, check_no_columns, split_columns
from tlbench.assets.readers.labelled import (
    PART_NAMES,
    PARTS,
    Labelled,
    Parts,
    hold_out,
    named_parts,
    published_parts,
    quoted,
)
from tlbench.contract.faults import RAISE, Faults
from tlbench.contract.requests import LoadRequest
from tlbench.errors import BadInputError, MissingDataError, UsageError
from tlbench.results.files import text_of

T = TypeVar("T")
IMAGE_SUFFIXES = (
    ".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jfif", ".bmp", ".dib", ".gif", ".webp", ".avif", ".tif", ".tiff",
    ".ppm", ".pgm", ".pbm", ".pnm", ".tga", ".jp2",
)  # fmt: skip
"""Endings of the image files that are read."""
SOUND_SUFFIXES = (".wav", ".wave", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff", ".aifc")
"""Endings of the sound files that are read."""
TABLE_SUFFIXES = (".csv", ".tsv")
"""Endings of tables in text."""
OTHERS = ("thumbs.db", "desktop.ini")
"""Files that Windows writes into folders."""


def option_path(request: LoadRequest, option: str, default: str = "") -> Path:
    """Return the path in an option, else `default` in the data folder.

    Raises `MissingDataError` if neither is set, or if the path does not exist.
    """
    value = str(request.options[option])
    if value:
        path = Path(value).expanduser()
    elif default and request.data_root is not None:
        path = request.data_root / default
    else:
        other = f'set TLBENCH_DATA to the folder that contains "{default}", or ' if default else ""
        alone = "" if default or option != "target" else " Without task.source it has no source domain."
        raise MissingDataError(
            f'Task "{request.task}" requires {option} data: {other}use --set task.{option}=PATH.{alone}'
        )
    if not path.exists():
        raise MissingDataError(f'Task "{request.task}": "{path}" does not exist. Check task.{option}.')
    return path


def has_source(request: LoadRequest) -> bool:
    """Return whether the user names source data: without, a task on the user's own files has no source domain."""
    return bool(str(request.options["source"]))


def integer_option(request: LoadRequest, option: str, least: int) -> int:
    """Return a whole number from an option. Raises `UsageError` below `least`."""
    value = int(request.options[option])
    if value < least:
        raise UsageError(f'Task "{request.task}": invalid task.{option}={value}. Use a number of at least {least}.')
    return value


def list_folder(folder: Path) -> list[Path]:
    """Return the content of a folder by name, without hidden files, names that start with `__`, and those of a NAS."""
    try:
        inside = [path for path in folder.iterdir() if not path.name.startswith((".", "__", "@eaDir"))]
    except OSError as error:
        raise BadInputError(f'"{folder}" cannot be read as a folder ({error.strerror}): check the path.') from error
    return sorted(inside, key=lambda path: path.name)


def files_in(folder: Path, suffixes: Sequence[str], left_out: Counter[str], faults: Faults) -> list[Path]:
    """Return the files of a folder with the given extensions by name; `left_out` counts the extensions of others.

    Such files in subfolders are an error, because the meaning of the subfolders is unknown.
    """
    inside = list_folder(folder)
    chosen = [path for path in inside if path.suffix.lower() in suffixes]
    below = _below(folder)
    deeper = [path for path in below if path.suffix.lower() in suffixes]
    if deeper:
        hint = f" If it is a split: {PART_NAMES}." if folder.name.lower() in PARTS else ""
        faults.refuse(
            f'"{folder}" has files in subfolders ({len(deeper)}), such as "{deeper[0]}": move them into "{folder}" '
            f"itself, or list all files in a table with the columns file and label.{hint}"
        )
    others = [path for path in (*inside, *below) if path.suffix.lower() not in suffixes and path.is_file()]
    left_out.update(path.suffix.lower() for path in others if path.name.lower() not in OTHERS)
    return chosen


def _below(folder: Path) -> list[Path]:
    """Return the content of all subfolders at any depth, also behind links; each folder is read once."""
    below: list[Path] = []
    visited, waiting = {folder.resolve()}, [path for path in list_folder(folder) if path.is_dir()]
    while waiting:
        subfolder = waiting.pop()
        if subfolder.resolve() not in visited:
            visited.add(subfolder.resolve())
            inside = list_folder(subfolder)
            below += inside
            waiting += [path for path in inside if path.is_dir()]
    return sorted(below)


def note_left_out(root: Path, left_out: Counter[str], suffixes: Sequence[str], faults: Faults) -> None:
    """Report how many files were not read, by their extensions."""
    if left_out:
        endings = ", ".join(f"{ending or 'none'} ({count})" for ending, count in left_out.most_common())
        faults.note(
            f'Files not read in "{root}": {left_out.total()}, with the extensions {endings}. If they are examples, '
            f"convert them to one of {', '.join(suffixes)}."
        )


def class_files(
    root: Path, suffixes: Sequence[str], names: Sequence[str] = (), faults: Faults = RAISE
) -> Labelled[Path]:
    """Return the files `<root>/<class>/<file>` with the given extensions, of all classes or of those in `names`."""
    classes = [root / name for name in names] or [path for path in list_folder(root) if path.is_dir()]
    if not classes:
        raise BadInputError(f'"{root}" has no subfolders: put the files of each class into a subfolder with its name.')
    left_out: Counter[str] = Counter()
    files = {folder: files_in(folder, suffixes, left_out, faults) for folder in classes}
    note_left_out(root, left_out, suffixes, faults)
    for folder, members in files.items():
        if not members:
            extensions = ", ".join(suffixes)
            faults.refuse(f'"{folder}" has no file with one of the extensions {extensions}: add files, or remove it.')
    return Labelled(
        where=root,
        inputs=[path for members in files.values() for path in members],
        labels=[text_of(folder.name) for folder, members in files.items() for _ in members],
        faults=faults,
    )


def file_parts(
    root: Path,
    suffixes: Sequence[str],
    names: Sequence[str] = (),
    part: float = 0.2,
    faults: Faults = RAISE,
    columns: SplitColumns = NO_COLUMNS,
) -> Parts[Path]:
    """Return the class folders in `train/` and `test/`; without these, `part` of each class is held out by file name.

    If there is a `valid/` but no `test/`, it is the test split; if there are both, it is training data. The names of
    the folders are those of `PARTS`, in any case. If `root` is a file, it is a table that lists files, and `columns`
    are the groups and times in it.
    """
    if root.is_file():
        from tlbench.assets.readers.listed import listed_files  # `listed` imports `tables`, which imports this module.

        return listed_files(root, part, faults, columns)
    check_no_columns(root, columns)
    if folders := part_folders(root, suffixes, faults):
        return published_parts({name: class_files(folder, suffixes, names, faults) for name, folder in folders.items()})
    files = class_files(root, suffixes, names, faults)
    return hold_out(files, [text_of(f"{path.parent.name}/{path.name}") for path in files.inputs], part)


def part_folders(root: Path, suffixes: Sequence[str], faults: Faults) -> dict[str, Path]:
    """Return the folders `train`, `valid` and `test` of a domain, or nothing if it has no splits."""
    inside = list_folder(root)
    folders = [path for path in inside if path.is_dir()]
    parts = named_parts((path.name, path) for path in folders)
    loose = [path for path in inside if path not in folders and path.suffix.lower() in suffixes]
    others = [path for path in folders if parts and path not in parts.values()]
    if left_out := [*others, *loose]:
        shown = quoted([path.name for path in left_out])
        faults.note(f'Not read in "{root}": {shown}. They are neither a split nor in a class folder ({PART_NAMES}).')
    return parts


def class_sides(
    request: LoadRequest,
    suffixes: Sequence[str],
    *,
    source: str = "",
    target: str = "",
    names: Sequence[str] = (),
    target_part: float = 0.2,
) -> tuple[Parts[Path] | None, Parts[Path]]:
    """Return the files of source and target domain; None as the source if neither option nor default names one.

    The folders are the options `source` and `target` of the task; the defaults `source` and `target` are in the data
    folder. Use it in `files`, `labels` and `load` of a task, with `task_labels` and `task_data`; for domains that must
    have the same labels, with `transductive_data`.
    """
    columns = split_columns(request)
    to = file_parts(option_path(request, "target", target), suffixes, names, target_part, request.faults, columns)
    if not source and not has_source(request):
        return None, to
    path = option_path(request, "source", source)
    return file_parts(path, suffixes, names, faults=request.faults, columns=columns), to


def example_files(*sides: Parts[T] | None) -> list[T]:
    """Return the inputs of all examples in these domains; None is a domain that there is not."""
    return [path for parts in sides if parts is not None for half in (parts.train, parts.test) for path in half.inputs]


def files_read(*sides: Parts[Any] | None) -> list[Path]:
    """Return every file of these domains, tables that list files first: for a task's `files`."""
    there = [parts for parts in sides if parts is not None]
    tables = dict.fromkeys(parts.train.where for parts in there if parts.train.where.is_file())
    return [*tables, *(path for path in example_files(*there) if isinstance(path, Path))]
