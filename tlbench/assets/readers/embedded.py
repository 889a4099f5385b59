"""Images in the cells of a table, as in data sets of the hub."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from tlbench.assets.readers.divided import NO_COLUMNS, SplitColumns
from tlbench.assets.readers.labelled import Labelled
from tlbench.assets.readers.objects import features, read_columns
from tlbench.assets.readers.tables import read_table
from tlbench.contract.faults import RAISE, Faults
from tlbench.errors import BadInputError
from tlbench.results.files import text_of

if TYPE_CHECKING:
    import pyarrow


class EmbeddedImage(NamedTuple):
    """An encoded image in a table."""

    path: Path
    """The table."""
    row: int
    """From 1."""
    content: bytes
    """The image as a file holds it."""

    def __str__(self) -> str:
        return f"{self.path}, row {self.row}"


def image_group(image: Path | EmbeddedImage) -> str:
    """Return the group of an image in a split: the hash of its content, or folder and name of its file."""
    if isinstance(image, Path):
        return text_of(f"{image.parent.name}/{image.name}")
    return hashlib.sha256(image.content).hexdigest()


def read_embedded_images(
    path: Path, label: str, faults: Faults = RAISE, columns: SplitColumns = NO_COLUMNS
) -> Labelled[Path | EmbeddedImage]:
    """Return the encoded images of a Parquet or Arrow table's one image column, with the labels of another column.

    Groups and times come from `columns`.
    A table of the hub may contain the path of an image instead of its content.
    """
    schema, batches = read_columns(path)
    column = _image_column(path, schema)
    cells = (image for batch in batches for image in batch.column(column).to_pylist())
    images: dict[int, Path | EmbeddedImage] = {}
    for row, cell in enumerate(cells, 1):
        images.update((row, image) for image in faults.attempt(lambda item: _embedded(path, *item), (row, cell)))
    table = read_table(path, faults=faults)
    for blank in sorted(images.keys() - set(table.lines)):
        faults.refuse(f'"{path}", row {blank} has an image and nothing else: give every row a label.')
    table = table.take([place for place, line in enumerate(table.lines) if line in images])
    inputs = [images[line] for line in table.lines]
    return columns.of(table, Labelled(where=path, inputs=inputs, labels=table.labels(label), faults=faults))


def _embedded(path: Path, row: int, image: dict[str, Any] | None) -> Path | EmbeddedImage:
    content, elsewhere = (image or {}).get("bytes"), (image or {}).get("path")
    if content is not None:
        return EmbeddedImage(path, row, content)
    if not elsewhere:
        raise BadInputError(f'"{path}", row {row} has no image: add it, or remove the row.')
    return Path(elsewhere)


def _image_column(path: Path, schema: pyarrow.Schema) -> str:
    """Return the column that is declared as images, or the only one with the fields of an image."""
    described = features(schema)
    declared = [name for name, what in described.items() if isinstance(what, dict) and what.get("_type") == "Image"]
    alike = [field.name for field in schema if {"bytes", "path"} == {part.name for part in _fields(field)}]
    if len(declared or alike) != 1:
        raise BadInputError(f'"{path}" has {len(declared or alike)} image columns: expected exactly one.')
    return (declared or alike)[0]


def _fields(field: pyarrow.Field) -> list[pyarrow.Field]:
    from pyarrow import types

    return list(field.type) if types.is_struct(field.type) else []
