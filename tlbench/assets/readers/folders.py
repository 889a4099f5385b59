"""Folders with one subfolder for each class."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

from tlbench.assets.readers.beside import check_listing
from tlbench.assets.readers.divided import NO_COLUMNS, SplitColumns, check_no_columns, split_columns
from tlbench.assets.readers.labelled import PART_NAMES, Labelled, Parts, hold_out, named_parts, published_parts, quoted
from tlbench.assets.readers.walk import below, by_ending, check_subfolders, list_folder, note_unread, subfolders
from tlbench.contract.faults import RAISE, Faults
from tlbench.contract.requests import LoadRequest
from tlbench.errors import BadInputError, MissingDataError, UsageError
from tlbench.results.files import text_of

T = TypeVar("T")
IMAGE_SUFFIXES = (
    ".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".bmp", ".dib", ".gif", ".webp", ".avif", ".tif",
    ".tiff", ".ppm", ".pgm", ".pbm", ".pnm", ".tga", ".jp2", ".j2k", ".jpx",
)  # fmt: skip
"""Endings of the image files that are read."""
SOUND_SUFFIXES = (
    ".wav", ".wave", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff", ".aifc", ".au", ".snd", ".caf", ".w64",
    ".rf64", ".sph",
)  # fmt: skip
"""Endings of the sound files that are read."""
TABLE_SUFFIXES = (".csv", ".tsv")
"""Endings of tables in text."""


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


def files_in(folder: Path, suffixes: Sequence[str], left_out: Counter[str], faults: Faults) -> list[Path]:
    """Return the files of a folder with the given extensions by name; `left_out` counts why others are not read.

    Such files in subfolders are an error, because the meaning of the subfolders is unknown.
    """
    inside, deeper = list_folder(folder), below(folder)
    if chosen := [path for path in deeper if path.suffix.lower() in suffixes]:
        faults.refuse(
            f'"{folder}" has files in subfolders ({len(chosen)}), such as "{chosen[0]}": move them into "{folder}" '
            f"itself."
        )
    others = [path for path in (*inside, *deeper) if path.suffix.lower() not in suffixes and path.is_file()]
    left_out.update(map(by_ending, others))
    return [path for path in inside if path.suffix.lower() in suffixes]


def class_files(
    root: Path, suffixes: Sequence[str], names: Sequence[str] = (), faults: Faults = RAISE
) -> Labelled[Path]:
    """Return the files `<root>/<class>/<file>` with the given extensions, of all classes or of those in `names`.

    Files in subfolders of a class folder are examples of its class. Files that are not read are noted, unless `names`
    chooses classes.
    """
    files = _class_files(root, suffixes, names, faults)
    if not names:
        note_unread(root, files.inputs, suffixes, faults)
    return files


def _class_files(root: Path, suffixes: Sequence[str], names: Sequence[str], faults: Faults) -> Labelled[Path]:
    classes = [root / name for name in names] or subfolders(root)
    if not classes:
        raise BadInputError(f'"{root}" has no subfolders: put the files of each class into a subfolder with its name.')
    files = {
        folder: [path for path in (*list_folder(folder), *below(folder)) if path.suffix.lower() in suffixes]
        for folder in classes
    }
    check_subfolders(root, files, faults)
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
    label: str = "label",
    columns: SplitColumns = NO_COLUMNS,
) -> Parts[Path]:
    """Return the class folders in `train/` and `test/`; without these, `part` of each class is held out by file name.

    If there is a `valid/` but no `test/`, it is the test split; if there are both, it is training data. The names of
    the folders are those of `PARTS`, in any case. If `root` is a file, it is a table that lists files, `label` is its
    column of labels, and `columns` are the groups and times in it; likewise if `root` has a `metadata.csv` as image
    folders of the Hugging Face hub do.
    """
    # `listed` and `metadata` import `tables`, which imports this module.
    if root.is_file():
        from tlbench.assets.readers.listed import listed_files

        return listed_files(root, part, faults, label, columns)
    from tlbench.assets.readers.metadata import metadata_parts

    if listed := metadata_parts(root, suffixes, part, faults, label, columns):
        return listed
    check_no_columns(root, columns)
    if not names:
        check_listing(root, faults)
    if folders := split_folders(root):
        halves = {name: _class_files(folder, suffixes, names, faults) for name, folder in folders.items()}
        parts = published_parts(halves)
    else:
        files = _class_files(root, suffixes, names, faults)
        parts = hold_out(files, [text_of(path.relative_to(root)) for path in files.inputs], part)
    if not names:
        note_unread(root, example_files(parts), suffixes, faults)
    return parts


def split_folders(root: Path) -> dict[str, Path]:
    """Return the folders `train`, `valid` and `test` of a domain, or nothing if it has no splits."""
    return named_parts((path.name, path) for path in subfolders(root))


def part_folders(root: Path, suffixes: Sequence[str], faults: Faults) -> dict[str, Path]:
    """Return the folders `train`, `valid` and `test` of a domain, or nothing; what is beside them is noted."""
    parts = split_folders(root)
    others = [path for path in subfolders(root) if parts and path not in parts.values()]
    loose = [path for path in list_folder(root) if path.is_file() and path.suffix.lower() in suffixes]
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
    path = option_path(request, "target", target)
    to = file_parts(path, suffixes, names, target_part, request.faults, columns=columns)
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
    halves = [half for parts in there for half in (parts.train, parts.test)]
    tables = dict.fromkeys(table for half in halves for table in (half.where, *half.tables) if table.is_file())
    return [*tables, *(path for path in example_files(*there) if isinstance(path, Path))]
