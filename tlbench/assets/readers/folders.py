"""Folders that hold one folder a class."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

from tlbench.assets.readers.faults import refuse
from tlbench.assets.readers.labelled import Labelled, Parts, common_labels, hold_out, published
from tlbench.contract.requests import LoadRequest
from tlbench.errors import BadInputError, MissingDataError, UsageError

T = TypeVar("T")
IMAGES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm")
SOUNDS = (".wav",)
TABLES = (".csv", ".tsv")


def place(request: LoadRequest, option: str, default: str = "") -> Path:
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


def number(request: LoadRequest, option: str, least: int) -> int:
    """Return a whole number from an option. Raises `UsageError` below `least`."""
    value = int(request.options[option])
    if value < least:
        raise UsageError(f'Task "{request.task}" cannot use task.{option}={value}: it must be at least {least}.')
    return value


def entries(folder: Path) -> list[Path]:
    """Return what lies in a folder, by name, without what starts with a dot or two underscores."""
    try:
        found = [path for path in folder.iterdir() if not path.name.startswith((".", "__"))]
    except OSError as error:
        raise BadInputError(f'"{folder}" cannot be read as a folder ({error.strerror}): check the path.') from error
    return sorted(found, key=lambda path: path.name)


def class_files(root: Path, suffixes: Sequence[str], names: Sequence[str] = ()) -> Labelled[Path]:
    """Return the files `<root>/<class>/<file>` with the given suffixes; `names` chooses classes, else all are read."""
    classes = [root / name for name in names] or [path for path in entries(root) if path.is_dir()]
    if not classes:
        raise BadInputError(f'"{root}" holds no folders: put the files of each class into a folder of its name.')
    files = {folder.name: [path for path in entries(folder) if path.suffix.lower() in suffixes] for folder in classes}
    for name, found in files.items():
        if not found:
            wanted = ", ".join(suffixes)
            refuse(f'"{root / name}" holds no file that ends in {wanted}: fill it, or remove the folder.')
    return Labelled(
        where=root,
        inputs=[path for found in files.values() for path in found],
        labels=[name for name, found in files.items() for _ in found],
    )


def file_parts(root: Path, suffixes: Sequence[str], names: Sequence[str] = (), part: float = 0.2) -> Parts[Path]:
    """Return the class folders below `train/` and `test/`, else `part` of each class of `root` held out by name.

    Where `train/` has `valid/` beside it and no `test/`, that is the test part; beside both, it is training data. A
    `root` that is no folder is a table that lists files.
    """
    if root.is_file():
        from tlbench.assets.readers.listed import listed_files  # It reads tables, which read folders.

        return listed_files(root, part)
    found = {name: root / name for name in ("train", "valid", "test") if (root / name).is_dir()}
    if "train" not in found or len(found) == 1:
        files = class_files(root, suffixes, names)
        return hold_out(files, [f"{path.parent.name}/{path.name}" for path in files.inputs], part)
    return published({name: class_files(folder, suffixes, names) for name, folder in found.items()})


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
        file_parts(place(request, "source", source), suffixes, names),
        file_parts(place(request, "target", target), suffixes, names, target_part),
    )
    common_labels(*sides)
    return sides


def all_files(*sides: Parts[T]) -> list[T]:
    """Return the input of every example of these sides."""
    return [path for parts in sides for half in (parts.train, parts.test) for path in half.inputs]


def files_read(*sides: Parts[Any]) -> list[Path]:
    """Return every file of these sides, the tables that list them first: for a task's `files`."""
    tables = dict.fromkeys(parts.train.where for parts in sides if parts.train.where.is_file())
    return [*tables, *(path for path in all_files(*sides) if isinstance(path, Path))]
