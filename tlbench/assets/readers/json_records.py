"""Records in a JSON file: an array, lines, or the forms in which pandas writes a data frame."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tlbench.assets.limits import check_file
from tlbench.assets.readers.encodings import find_encoding
from tlbench.contract.faults import RAISE, Faults
from tlbench.errors import BadInputError

Records = list[tuple[int, dict[str, Any]]]
RECORD_ADVICE = 'save one object per line, or one array of objects, as df.to_json(orient="records", lines=True) does.'
WHITE = re.compile(r"\s*")
LINES = (".jsonl", ".ndjson")
"""Endings of files that have one value a line."""


def json_records(path: Path, faults: Faults = RAISE) -> Records:
    """Return the objects of a file with their lines, or their numbers in an array.

    Objects may be one a line, follow each other over several lines, or stand in an array, which may be a member of one
    object. An object of columns is read as its rows. Each line that is not JSON, and each record that is not an object,
    is refused. Raises `BadInputError` for a file of another form, and for one without a record that can be used.
    """
    values, broken = json_values(path, _text(path), faults)
    if len(values) == 1 and not broken:
        ((_, value),) = values
        values = list(enumerate(value, 1)) if isinstance(value, list) else _from_object(path, value) or values
    errors = [_no_object(path, number) for number, value in values if not isinstance(value, dict)]
    records = [(number, value) for number, value in values if isinstance(value, dict)]
    for error in errors:
        faults.add(error)
    if not records and (unusable := [*broken, *errors]):
        raise unusable[0]
    return records


def json_values(path: Path, text: str, faults: Faults = RAISE) -> tuple[list[tuple[int, Any]], list[BadInputError]]:
    """Return the values in a text with the lines on which they begin, and the errors of lines that were refused.

    A value takes one line, or several.
    Raises `BadInputError` for a text that is neither one value a line nor values that follow each other.
    """
    values, broken = _lines_of(path, text, only_if_first=True)
    if not values:
        try:
            return list(_values(path, text)), []
        except BadInputError:
            if not _has_lines(path, text):
                raise
        values, broken = _lines_of(path, text)
    for error in broken:
        faults.add(error)
    return values, broken


def _text(path: Path) -> str:
    check_file(path, "text")
    try:
        return path.read_text(encoding=find_encoding(path, RAISE))
    except (OSError, UnicodeError) as error:
        raise BadInputError(f'"{path}" cannot be read ({error}): check the path, and save it as UTF-8.') from error


def _lines_of(path: Path, text: str, only_if_first: bool = False) -> tuple[list[tuple[int, Any]], list[BadInputError]]:
    """Return the value of each line, and the errors of lines without one; nothing if the first one has to have one."""
    values: list[tuple[int, Any]] = []
    broken: list[BadInputError] = []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            values.append((number, json.loads(line)))
        except (ValueError, RecursionError) as error:
            if only_if_first and not values:
                return [], []
            broken.append(_refused(path, number, error))
    return values, broken


def _has_lines(path: Path, text: str) -> bool:
    """Return whether a text whose first line is broken has one value a line: lines within a value are indented."""
    lines = [line for line in text.split("\n") if line.strip()]
    whole = sum(line[0] in "{[" and _is_json(line) for line in lines)
    return whole > 0 if path.suffix.lower() in LINES else 2 * whole >= len(lines)


def _is_json(line: str) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


def _no_object(path: Path, number: int) -> BadInputError:
    return BadInputError(f'"{path}", record {number} is not an object: {RECORD_ADVICE}')


def _values(path: Path, text: str) -> Iterator[tuple[int, Any]]:
    """Yield the values that follow each other, with the lines on which they begin."""
    decoder, place, line = json.JSONDecoder(), 0, 1
    while True:
        start = white.end() if (white := WHITE.match(text, place)) else place
        line += text.count("\n", place, start)
        if start == len(text):
            return
        try:
            value, place = decoder.raw_decode(text, start)
        except json.JSONDecodeError as error:
            raise _refused(path, error.lineno, error) from error
        except (ValueError, RecursionError) as error:
            raise _refused(path, line, error) from error
        yield line, value
        line += text.count("\n", start, place)


def _refused(path: Path, line: int, error: Exception) -> BadInputError:
    return BadInputError(f'"{path}", line {line} is not JSON ({error}): {RECORD_ADVICE}')


def _from_object(path: Path, value: Any) -> Records:
    """Return the rows of an object of columns, or the records in one of its members; nothing if it is a record."""
    if not isinstance(value, dict) or not value:
        return []
    tables = [name for name, member in value.items() if _is_records(member)]
    if len(tables) == 1:
        return list(enumerate(value[tables[0]], 1))
    if tables:
        names = ", ".join(f'"{name}"' for name in tables[:5])
        raise BadInputError(f'"{path}" has several arrays of objects, {names}: save the one that is the table.')
    if isinstance(value.get("columns"), list) and isinstance(value.get("data"), list):
        return _from_rows(path, list(map(str, value["columns"])), value["data"])
    members = list(value.values())
    if all(isinstance(member, dict) for member in members):
        return _from_objects(path, value)
    if all(isinstance(member, list) for member in members):
        return _from_columns(path, value)
    return []


def _is_records(member: Any) -> bool:
    return isinstance(member, list) and bool(member) and all(isinstance(one, dict) for one in member)


def _from_rows(path: Path, names: Sequence[str], rows: Sequence[Any]) -> Records:
    if not all(isinstance(row, list) and len(row) == len(names) for row in rows):
        raise BadInputError(f'"{path}" has rows whose lengths differ from its {len(names)} columns: {RECORD_ADVICE}')
    return [(number, dict(zip(names, row, strict=True))) for number, row in enumerate(rows, 1)]


def _from_objects(path: Path, value: Mapping[str, Mapping[str, Any]]) -> Records:
    """Return the rows of an object of objects: of columns, unless its own names are the numbers of rows."""
    inner = [name for member in value.values() for name in member]
    if all(name.isdecimal() for name in [*value, *inner]):
        raise BadInputError(f'"{path}" has numbers for names of rows and of columns: name its columns. {RECORD_ADVICE}')
    if all(name.isdecimal() for name in value):
        return [(number, dict(row)) for number, row in enumerate(value.values(), 1)]
    index = list(next(iter(value.values())))
    if any(column.keys() != set(index) for column in value.values()):
        raise BadInputError(f'"{path}" is one object whose members have different names: {RECORD_ADVICE}')
    return _from_columns(path, {name: [column[key] for key in index] for name, column in value.items()})


def _from_columns(path: Path, columns: Mapping[str, Sequence[Any]]) -> Records:
    if len({len(column) for column in columns.values()}) != 1:
        raise BadInputError(f'"{path}" is an object of columns of different lengths: {RECORD_ADVICE}')
    return _from_rows(path, list(columns), list(map(list, zip(*columns.values(), strict=True))))
