"""Records in JSON, JSON lines, Parquet and Arrow files as rows of text."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tlbench.errors import BadInputError, UsageError

if TYPE_CHECKING:
    import pyarrow

JSON = (".json", ".jsonl")
COLUMNAR_SUFFIXES = (".parquet", ".arrow")
"""Endings of tables that are stored by column."""


def object_rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield the names of the columns, then line (or number, in formats without lines) and cells of every record.

    Null becomes an empty cell, and a class number of a Hugging Face data set its name. Columns of lists, objects, bytes
    and images are left out.
    """
    yield from (_json_rows if path.suffix.lower() in JSON else _columnar_rows)(path)


def _json_rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    records = _json_records(path)
    nested = {name for _, record in records for name, value in record.items() if isinstance(value, list | dict)}
    names = dict.fromkeys(name for _, record in records for name in record if name not in nested)
    yield 0, list(names)
    for line, record in records:
        yield line, [_cell(record.get(name)) for name in names]


def _json_records(path: Path) -> list[tuple[int, dict[str, Any]]]:
    """Return the objects of an array or of lines, with their number or line."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInputError(f'"{path}" cannot be read ({error}): check the path, and save it as UTF-8.') from error
    as_array = text.lstrip().startswith("[")
    lines = [(1, text)] if as_array else [(n, line) for n, line in enumerate(text.split("\n"), 1) if line.strip()]
    values: list[tuple[int, Any]] = []
    for number, line in lines:
        try:
            values.append((number, json.loads(line)))
        except ValueError as error:
            raise BadInputError(f'"{path}", line {number} is not JSON ({error}): {JSON_ADVICE}') from error
    records = list(enumerate(values[0][1], 1)) if as_array else values
    for number, record in records:
        if not isinstance(record, dict):
            raise BadInputError(f'"{path}", record {number} is not an object: {JSON_ADVICE}')
    return records


JSON_ADVICE = "save one object per line, or one array of objects."


def _columnar_rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    schema, batches = read_columns(path)
    classes = class_names(schema)
    names = [field.name for field in schema if _is_plain(field.type)]
    yield 0, names
    count = 0
    for batch in batches:
        columns = [_cells(path, batch.column(name).to_pylist(), classes.get(name, ())) for name in names]
        for cells in zip(*columns, strict=True):
            count += 1
            yield count, list(cells)


def read_columns(path: Path) -> tuple[pyarrow.Schema, Iterator[pyarrow.RecordBatch]]:
    """Return the schema of a Parquet or Arrow stream file and its rows, batch by batch."""
    try:
        import pyarrow
        from pyarrow import ipc, parquet
    except ImportError as error:
        raise UsageError(f'"{path}" requires pyarrow: pip install "tlbench[datasets]".') from error
    broken = (pyarrow.ArrowException, OSError)

    def batches() -> Iterator[pyarrow.RecordBatch]:
        try:
            yield from file.iter_batches() if path.suffix.lower() == ".parquet" else file
        except broken as error:
            raise _unreadable(path, error) from error

    try:
        if path.suffix.lower() == ".parquet":
            file = parquet.ParquetFile(pyarrow.OSFile(os.fsencode(path)))
            return file.schema_arrow, batches()
        file = ipc.open_stream(pyarrow.memory_map(os.fsencode(path)))
        return file.schema, batches()
    except broken as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> BadInputError:
    return BadInputError(f'"{path}" cannot be read as a {path.suffix[1:]} table ({error}): replace it.')


def features(schema: pyarrow.Schema) -> dict[str, Any]:
    """Return the column descriptions of a Hugging Face data set, or nothing."""
    metadata = (schema.metadata or {}).get(b"huggingface", b"{}")
    descriptions: dict[str, Any] = json.loads(metadata).get("info", {}).get("features", {})
    return descriptions


def class_names(schema: pyarrow.Schema) -> dict[str, Sequence[str]]:
    """Return the class names of columns that contain class numbers."""
    described = features(schema).items()
    return {name: what["names"] for name, what in described if isinstance(what, dict) and what.get("names")}


def _is_plain(kind: pyarrow.DataType) -> bool:
    from pyarrow import types

    value = kind.value_type if types.is_dictionary(kind) else kind
    return not (types.is_nested(value) or types.is_binary(value) or types.is_large_binary(value))


def _cells(path: Path, values: Sequence[Any], classes: Sequence[str]) -> list[str]:
    if not classes:
        return [_cell(value) for value in values]
    if invalid := [value for value in values if value is not None and not -1 <= value < len(classes)]:
        raise BadInputError(f'"{path}" has the class number {invalid[0]}, but only {len(classes)} classes: correct it.')
    return ["" if value is None or value < 0 else classes[value] for value in values]  # -1 means: not labelled.


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)
