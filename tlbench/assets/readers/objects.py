"""Records in JSON, JSON lines, Parquet and Arrow files as rows of text."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tlbench.assets.limits import check_expansion, check_file, check_limit
from tlbench.assets.readers.json_records import Records, json_records
from tlbench.contract.faults import RAISE, Faults
from tlbench.errors import BadInputError, UsageError

if TYPE_CHECKING:
    import pyarrow

JSON = (".json", ".jsonl", ".ndjson")
"""Endings of tables of JSON objects."""
BATCH = 2**10
"""Rows that are read at once: each may be very long."""
COLUMNAR_SUFFIXES = (".parquet", ".arrow")
"""Endings of tables that are stored by column."""


def object_rows(path: Path, faults: Faults = RAISE) -> Iterator[tuple[int, list[str]]]:
    """Yield the names of the columns, then line (or number, in formats without lines) and cells of every record.

    Null becomes an empty cell, and a class number of a Hugging Face data set its name. Columns of lists, objects, bytes
    and images are left out. Each line of JSON that is no object is refused.
    """
    yield from _json_rows(path, faults) if path.suffix.lower() in JSON else _columnar_rows(path)


def _json_rows(path: Path, faults: Faults) -> Iterator[tuple[int, list[str]]]:
    records = json_records(path, faults)
    nested = {name for _, record in records for name, value in record.items() if isinstance(value, list | dict)}
    names = dict.fromkeys(name for _, record in records for name in record if name not in nested)
    check_limit("cells", path, len(records) * len(names))
    yield 0, _plain(path, list(names), records)
    for line, record in records:
        yield line, [_cell(record.get(name)) for name in names]


def _plain(path: Path, names: list[str], records: Sequence[object]) -> list[str]:
    """Return the names of columns. Raises `BadInputError` if records have none with plain values."""
    if records and not names:
        raise BadInputError(f'"{path}" has only columns of lists, objects or bytes: give each value a column.')
    return names


def _columnar_rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    schema, batches = read_columns(path)
    classes = class_names(schema)
    places = [(i, field.name) for i, field in enumerate(schema) if _is_plain(field.type)]
    yield 0, _plain(path, [name for _, name in places], schema.names)
    count = 0
    for batch in batches:
        columns = [_cells(path, batch.column(i).to_pylist(), classes.get(name, ())) for i, name in places]
        for cells in zip(*columns, strict=True):
            count += 1
            yield count, list(cells)


def nested_records(path: Path, faults: Faults = RAISE) -> Records:
    """Return every record with its line, or its number, and all of its values, lists and objects among them.

    Each line of JSON that is no object is refused. Raises `BadInputError` for a file that is no JSON, JSON lines,
    Parquet or Arrow table.
    """
    if path.suffix.lower() not in COLUMNAR_SUFFIXES:
        return json_records(path, faults)
    _, batches = read_columns(path)
    return list(enumerate((record for batch in batches for record in batch.to_pylist()), 1))


def read_columns(path: Path) -> tuple[pyarrow.Schema, Iterator[pyarrow.RecordBatch]]:
    """Return the schema of a Parquet or Arrow stream file and its rows, batch by batch."""
    try:
        import pyarrow
        from pyarrow import ipc, parquet
    except ImportError as error:
        raise UsageError(f'"{path}" requires pyarrow: pip install pyarrow, or "tlbench[datasets]".') from error
    broken = (pyarrow.ArrowException, OSError)

    def batches() -> Iterator[pyarrow.RecordBatch]:
        expanded = 0
        try:
            for batch in file.iter_batches(BATCH) if path.suffix.lower() == ".parquet" else file:
                batch.validate(full=True)  # Reading the columns of an invalid one would crash.
                columns = [column.dictionary_decode() if _is_coded(column) else column for column in batch.columns]
                batch = pyarrow.RecordBatch.from_arrays(columns, batch.schema.names)
                expanded += batch.nbytes
                check_expansion(path, expanded)
                yield batch
        except broken as error:
            raise _unreadable(path, error) from error

    check_file(path)
    try:
        if path.suffix.lower() == ".parquet":
            file = parquet.ParquetFile(pyarrow.OSFile(os.fsencode(path)))
            _check_claims(path, file.metadata)
            return file.schema_arrow, batches()
        file = ipc.open_stream(pyarrow.memory_map(os.fsencode(path)))
        return file.schema, batches()
    except broken as error:
        raise _unreadable(path, error) from error


def _check_claims(path: Path, metadata: Any) -> None:
    """Raise `BadInputError` if a Parquet file says that it has too many cells or bytes."""
    check_limit("cells", path, metadata.num_rows * metadata.num_columns)
    check_expansion(path, sum(metadata.row_group(i).total_byte_size for i in range(metadata.num_row_groups)))


def _unreadable(path: Path, error: Exception) -> BadInputError:
    return BadInputError(f'"{path}" cannot be read as a {path.suffix[1:]} table ({error}): replace it.')


def features(schema: pyarrow.Schema) -> dict[str, Any]:
    """Return the column descriptions of a Hugging Face data set, or nothing."""
    try:
        descriptions = json.loads((schema.metadata or {})[b"huggingface"])["info"]["features"]
    except (LookupError, TypeError, ValueError, RecursionError):
        return {}
    return descriptions if isinstance(descriptions, dict) else {}


def class_names(schema: pyarrow.Schema) -> dict[str, Sequence[str]]:
    """Return the class names of columns that contain class numbers."""
    described = {name: what.get("names") for name, what in features(schema).items() if isinstance(what, dict)}
    return {
        name: names
        for name, names in described.items()
        if isinstance(names, list) and all(isinstance(one, str) for one in names)
    }


def _is_plain(kind: pyarrow.DataType) -> bool:
    from pyarrow import types

    value = kind.value_type if types.is_dictionary(kind) else kind
    return not (types.is_nested(value) or types.is_binary(value) or types.is_large_binary(value))


def _is_coded(column: pyarrow.Array) -> bool:
    from pyarrow import types

    return bool(types.is_dictionary(column.type))


def _cells(path: Path, values: Sequence[Any], classes: Sequence[str]) -> list[str]:
    if not classes:
        return [_cell(value) for value in values]
    numbers = range(-1, len(classes))
    if invalid := [value for value in values if value is not None and value not in numbers]:
        raise BadInputError(f'"{path}" has the class number {invalid[0]}, but only {len(classes)} classes: correct it.')
    return ["" if value is None or value < 0 else classes[value] for value in values]  # -1 means: not labelled.


def _cell(value: Any) -> str:
    if value is None or value != value:  # NaN is what pandas writes for a text that is missing.
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)
