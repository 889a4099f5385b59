"""Folders that hold one folder a class."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

from tlbench.assets.readers.faults import note, refuse
from tlbench.assets.readers.labelled import (
    PART_NAMES,
    PARTS,
    Labelled,
    Parts,
    common_labels,
    hold_out,
    named_parts,
    published_parts,
    quoted,
)
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
"""What Windows puts into folders."""


def option_path(request: LoadRequest, option: str, default: str = "") -> Path:
    """Return the file or folder that an option holds, else `default` below the data root.

    Raises `MissingDataError` when there is neither, or nothing lies there.
    """
    chosen = str(request.options[option])
    if chosen:
        path = Path(chosen).expanduser()
    elif default and request.data_root is not None:
        path = request.data_root / default
    else:
        other = f'set TLBENCH_DATA to the folder that holds "{default}", or ' if default else ""
        raise MissingDataError(
            f'Task "{request.task}" needs its {option} data: {other}name the place with --set task.{option}=PATH.'
        )
    if not path.exists():
        raise MissingDataError(f'Task "{request.task}" reads "{path}", which does not exist: check task.{option}.')
    return path


def integer_option(request: LoadRequest, option: str, least: int) -> int:
    """Return a whole number from an option. Raises `UsageError` below `least`."""
    value = int(request.options[option])
    if value < least:
        raise UsageError(f'Task "{request.task}" cannot use task.{option}={value}: it must be at least {least}.')
    return value


def list_folder(folder: Path) -> list[Path]:
    """Return what lies in a folder, by name, without what starts with a dot, two underscores, or as a NAS's own."""
    try:
        found = [path for path in folder.iterdir() if not path.name.startswith((".", "__", "@eaDir"))]
    except OSError as error:
        raise BadInputError(f'"{folder}" cannot be read as a folder ({error.strerror}): check the path.') from error
    return sorted(found, key=lambda path: path.name)


def files_in(folder: Path, suffixes: Sequence[str], left_out: Counter[str]) -> list[Path]:
    """Return the files of a folder with the given suffixes, by name; `left_out` counts the endings of all others.

    Refuses a folder with more such files in folders of its own: what these stand for is unknown.
    """
    inside = list_folder(folder)
    chosen = [path for path in inside if path.suffix.lower() in suffixes]
    below = _below(folder)
    deeper = [path for path in below if path.suffix.lower() in suffixes]
    if deeper:
        hint = f" If it is a part: {PART_NAMES}." if folder.name.lower() in PARTS else ""
        refuse(
            f'"{folder}" holds {len(deeper)} files in folders of its own, such as "{deeper[0]}": put them into '
            f'"{folder}" itself, or list all files in a table with the columns file and label.{hint}'
        )
    others = [path for path in (*inside, *below) if path.suffix.lower() not in suffixes and path.is_file()]
    left_out.update(path.suffix.lower() for path in others if path.name.lower() not in OTHERS)
    return chosen


def _below(folder: Path) -> list[Path]:
    """Return what lies in the folders of a folder, at any depth, also behind links; each folder is read once."""
    found: list[Path] = []
    read, waiting = {folder.resolve()}, [path for path in list_folder(folder) if path.is_dir()]
    while waiting:
        place = waiting.pop()
        if place.resolve() not in read:
            read.add(place.resolve())
            inside = list_folder(place)
            found += inside
            waiting += [path for path in inside if path.is_dir()]
    return sorted(found)


def note_left_out(root: Path, left_out: Counter[str], suffixes: Sequence[str]) -> None:
    """Tell how many files were left out, by their endings."""
    if left_out:
        endings = ", ".join(f"{ending or 'none'} ({count})" for ending, count in left_out.most_common())
        note(
            f'Files below "{root}" that are not read: {left_out.total()}, with the endings {endings}. Convert them if '
            f"they are examples; {', '.join(suffixes)} are read."
        )


def class_files(root: Path, suffixes: Sequence[str], names: Sequence[str] = ()) -> Labelled[Path]:
    """Return the files `<root>/<class>/<file>` with the given suffixes; `names` chooses classes, else all are read."""
    classes = [root / name for name in names] or [path for path in list_folder(root) if path.is_dir()]
    if not classes:
        raise BadInputError(f'"{root}" holds no folders: put the files of each class into a folder of its name.')
    left_out: Counter[str] = Counter()
    files = {folder: files_in(folder, suffixes, left_out) for folder in classes}
    note_left_out(root, left_out, suffixes)
    for folder, found in files.items():
        if not found:
            wanted = ", ".join(suffixes)
            refuse(f'"{folder}" holds no file that ends in {wanted}: fill it, or remove the folder.')
    return Labelled(
        where=root,
        inputs=[path for found in files.values() for path in found],
        labels=[text_of(folder.name) for folder, found in files.items() for _ in found],
    )


def file_parts(root: Path, suffixes: Sequence[str], names: Sequence[str] = (), part: float = 0.2) -> Parts[Path]:
    """Return the class folders below `train/` and `test/`, else `part` of each class of `root` held out by name.

    Where `train/` has `valid/` beside it and no `test/`, that is the test part; beside both, it is training data. The
    names are those of `PARTS`, in any case. A `root` that is no folder is a table that lists files.
    """
    if root.is_file():
        from tlbench.assets.readers.listed import listed_files  # It reads tables, which read folders.

        return listed_files(root, part)
    if found := part_folders(root, suffixes):
        return published_parts({name: class_files(folder, suffixes, names) for name, folder in found.items()})
    files = class_files(root, suffixes, names)
    return hold_out(files, [text_of(f"{path.parent.name}/{path.name}") for path in files.inputs], part)


def part_folders(root: Path, suffixes: Sequence[str]) -> dict[str, Path]:
    """Return the folders `train`, `valid` and `test` of a side, or nothing where it has no parts."""
    inside = list_folder(root)
    folders = [path for path in inside if path.is_dir()]
    found = named_parts((path.name, path) for path in folders)
    loose = [path for path in inside if path not in folders and path.suffix.lower() in suffixes]
    others = [path for path in folders if found and path not in found.values()]
    if left_out := [*others, *loose]:
        shown = quoted([path.name for path in left_out])
        note(f'Not read in "{root}", being neither a part nor in the folder of a class: {shown} ({PART_NAMES}).')
    return found


def class_sides(
    request: LoadRequest,
    suffixes: Sequence[str],
    *,
    source: str = "",
    target: str = "",
    names: Sequence[str] = (),
    target_part: float = 0.2,
) -> tuple[Parts[Path], Parts[Path]]:
    """Return the files of both sides, whose labels must agree; `source` and `target` are folders below the data root.

    The folders come from the options of these names. For a task's `files` and `load` alike.
    """
    sides = (
        file_parts(option_path(request, "source", source), suffixes, names),
        file_parts(option_path(request, "target", target), suffixes, names, target_part),
    )
    common_labels(*sides)
    return sides


def example_files(*sides: Parts[T]) -> list[T]:
    """Return the input of every example of these sides."""
    return [path for parts in sides for half in (parts.train, parts.test) for path in half.inputs]


def files_read(*sides: Parts[Any]) -> list[Path]:
    """Return every file of these sides, the tables that list them first: for a task's `files`."""
    tables = dict.fromkeys(parts.train.where for parts in sides if parts.train.where.is_file())
    return [*tables, *(path for path in example_files(*sides) if isinstance(path, Path))]
