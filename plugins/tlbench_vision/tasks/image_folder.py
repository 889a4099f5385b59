"""One's own images: in class folders, listed by a table, or in the cells of a table. Light, but for `load`."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from tlbench import LoadRequest, TaskData
from tlbench.assets import (
    COLUMNAR_SUFFIXES,
    IMAGE_SUFFIXES,
    EmbeddedImage,
    Parts,
    common_labels,
    file_parts,
    files_read,
    image_group,
    integer_option,
    is_hub_place,
    list_folder,
    option_path,
    read_embedded_images,
    table_files,
    table_parts,
    transductive_data,
)

Picture = Path | EmbeddedImage


def files(request: LoadRequest) -> list[Path]:
    """Return every file that is read: images, and tables that list or hold them; the labels must agree."""
    if request.options["size"]:
        integer_option(request, "size", least=8)
    source, target = _side(request, "source"), _side(request, "target")
    common_labels(source, target)
    tables = [path for option in ("source", "target") for paths in _tables(request, option).values() for path in paths]
    return list(dict.fromkeys([*tables, *files_read(source, target)]))


def load(request: LoadRequest) -> TaskData:
    """Read images `(size, size, C)` uint8."""
    from tlbench.assets import read_images

    size, grey = int(request.options["size"]), bool(request.options["grey"])
    source, target = (read_images(_side(request, option), size, grey) for option in ("source", "target"))
    return transductive_data(source, target)


def _side(request: LoadRequest, option: str) -> Parts[Picture]:
    tables, label = _tables(request, option), str(request.options["label"])
    if not tables:
        return cast("Parts[Picture]", file_parts(option_path(request, option), IMAGE_SUFFIXES, faults=request.faults))
    return table_parts(tables, lambda path: read_embedded_images(path, label, request.faults), group=image_group)


def _tables(request: LoadRequest, option: str) -> dict[str, list[Path]]:
    """Return the tables with the images of a domain, or none if the images are files."""
    if not is_hub_place(str(request.options[option])):
        where = option_path(request, option)
        if where.suffix.lower() not in COLUMNAR_SUFFIXES and not _holds_tables(where):
            return {}
    return table_files(request, option)


def _holds_tables(where: Path) -> bool:
    inside = list_folder(where) if where.is_dir() else []
    return any(path.stem.lower() == "train" and path.suffix.lower() in COLUMNAR_SUFFIXES for path in inside)
