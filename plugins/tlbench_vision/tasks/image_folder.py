"""One's own images: in class folders, listed by a table, or in the cells of a table. Light, but for `load`."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from tlbench import LoadRequest, TaskData, TaskLabels
from tlbench.assets import (
    COLUMNAR_SUFFIXES,
    IMAGE_SUFFIXES,
    EmbeddedImage,
    Labelled,
    Parts,
    file_parts,
    files_read,
    has_source,
    image_group,
    integer_option,
    is_hub_place,
    list_folder,
    option_path,
    read_embedded_images,
    split_columns,
    split_word,
    table_files,
    table_parts,
    task_data,
    task_labels,
)

Picture = Path | EmbeddedImage


def files(request: LoadRequest) -> list[Path]:
    """Return every file that is read: images, and tables that list or hold them."""
    if request.options["size"]:
        integer_option(request, "size", least=8)
    sides = _sides(request)
    named = ("source", "target") if has_source(request) else ("target",)
    tables = [path for option in named for paths in _tables(request, option).values() for path in paths]
    return list(dict.fromkeys([*tables, *files_read(*sides)]))


def labels(request: LoadRequest) -> TaskLabels:
    """Return the classes of each domain."""
    return task_labels(*_sides(request))


def load(request: LoadRequest) -> TaskData:
    """Read images `(size, size, C)` uint8."""
    from tlbench.assets import read_images

    size, grey = int(request.options["size"]), bool(request.options["grey"])
    source, target = _sides(request)
    read = None if source is None else read_images(source, size, grey)
    return task_data(read, read_images(target, size, grey), reading={"size": size, "grey": grey})


def _sides(request: LoadRequest) -> tuple[Parts[Picture] | None, Parts[Picture]]:
    """Return the images of both domains; None if the user names no source."""
    target = _side(request, "target")
    return (_side(request, "source") if has_source(request) else None), target


def _side(request: LoadRequest, option: str) -> Parts[Picture]:
    tables, columns = _tables(request, option), split_columns(request)
    if not tables:
        path = option_path(request, option)
        label = str(request.options["label"])
        parts = file_parts(path, IMAGE_SUFFIXES, faults=request.faults, label=label, columns=columns)
        return cast("Parts[Picture]", parts)

    def read(path: Path) -> Labelled[Picture]:
        return read_embedded_images(path, str(request.options["label"]), request.faults, columns)

    return table_parts(tables, read, group=image_group)


def _tables(request: LoadRequest, option: str) -> dict[str, list[Path]]:
    """Return the tables with the images of a domain, or none if the images are files."""
    if not is_hub_place(str(request.options[option])):
        where = option_path(request, option)
        if where.suffix.lower() not in COLUMNAR_SUFFIXES and not _holds_tables(where):
            return {}
    return table_files(request, option)


def _holds_tables(where: Path) -> bool:
    inside = list_folder(where) if where.is_dir() else []
    return any(split_word(path.stem) == "train" and path.suffix.lower() in COLUMNAR_SUFFIXES for path in inside)
