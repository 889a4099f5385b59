"""One's own images: in class folders, listed by a table, or in the cells of a table. Light, but for `load`."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from tlbench import LoadRequest, TaskData
from tlbench.assets.readers.embedded import Embedded, identity, read_embedded
from tlbench.assets.readers.folders import IMAGES, entries, file_parts, files_read, place
from tlbench.assets.readers.hub import on_hub
from tlbench.assets.readers.labelled import Parts, common_labels, transductive
from tlbench.assets.readers.objects import COLUMNAR
from tlbench.assets.readers.tables import table_files, table_parts

Picture = Path | Embedded


def files(request: LoadRequest) -> list[Path]:
    """Return every file that is read: images, and tables that list or hold them; the labels must agree."""
    source, target = _side(request, "source"), _side(request, "target")
    common_labels(source, target)
    tables = [path for option in ("source", "target") for paths in _tables(request, option).values() for path in paths]
    return list(dict.fromkeys([*tables, *files_read(source, target)]))


def load(request: LoadRequest) -> TaskData:
    """Read images `(size, size, C)` uint8."""
    from tlbench.assets.readers.images import read_images

    size, grey = int(request.options["size"]), bool(request.options["grey"])
    source, target = (read_images(_side(request, option), size, grey) for option in ("source", "target"))
    return transductive(source, target)


def _side(request: LoadRequest, option: str) -> Parts[Picture]:
    tables, label = _tables(request, option), str(request.options["label"])
    if not tables:
        return cast("Parts[Picture]", file_parts(place(request, option), IMAGES))
    return table_parts(tables, lambda path: read_embedded(path, label), group=identity)


def _tables(request: LoadRequest, option: str) -> dict[str, list[Path]]:
    """Return the tables that hold a side's images, or none where they are files."""
    if not on_hub(str(request.options[option])):
        where = place(request, option)
        if where.suffix.lower() not in COLUMNAR and not _holds_tables(where):
            return {}
    return table_files(request, option)


def _holds_tables(where: Path) -> bool:
    inside = entries(where) if where.is_dir() else []
    return any(path.stem.lower() == "train" and path.suffix.lower() in COLUMNAR for path in inside)
