"""Rows of tables in text: their separator, quotation marks and lines."""

from __future__ import annotations

import contextlib
import csv
import itertools
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TextIO

from tlbench.assets.limits import LIMITS, check_file, check_limit
from tlbench.assets.readers.encodings import WESTERN, find_encoding
from tlbench.assets.readers.table_file import SEPARATORS
from tlbench.contract.faults import Faults
from tlbench.errors import BadInputError

SAMPLE, LONGEST = 100, 2**20
"""Lines, and about how many characters, from which a separator is found."""
ALIKE = 0.9
"""Share of rows that have as many cells as the first if a table is separated so."""


def text_rows(path: Path, separator: str, quotes: bool, faults: Faults) -> Iterator[tuple[int, list[str]]]:
    """Yield line number and cells of every row, also of blank ones.

    Without a separator, it is found among `SEPARATORS`. With `quotes=False` a quotation mark is a character.
    """
    check_file(path, "text")
    try:
        encoding = find_encoding(path, faults)
        errors = "replace" if encoding == WESTERN else "strict"
        with path.open(encoding=encoding, errors=errors, newline="") as stream:
            yield from _rows(path, stream, separator, quotes, faults)
    except OSError as error:
        raise BadInputError(f'"{path}" cannot be read ({error.strerror}): check the path.') from error
    except UnicodeError as error:
        raise BadInputError(f'"{path}" is not valid text ({error}): save it as UTF-8.') from error


def _rows(path: Path, stream: TextIO, separator: str, quotes: bool, faults: Faults) -> Iterator[tuple[int, list[str]]]:
    lines = _lines(path, stream)
    sample = _sample(lines)
    said = re.fullmatch(r"sep=(.)\s*", sample[0]) if sample and not separator else None
    if said:  # Excel writes the separator into a line above the names of columns.
        separator, sample[0] = said[1], "\n"
    separator = separator or find_separator(sample, "\t" if path.suffix.lower() == ".tsv" else ",", quotes)
    # A cell may be as long as a line may be.
    csv.field_size_limit(LIMITS["line"].value)
    reader = _reader(itertools.chain(sample, lines), separator, quotes)
    before = broken = swallowed = 0
    try:
        for cells in reader:
            if reader.line_num > before + 1:
                broken, swallowed = broken + 1, swallowed + reader.line_num - before
            before = reader.line_num
            yield reader.line_num, cells
    except csv.Error as error:
        raise BadInputError(
            f'"{path}", line {before + 1}, is not a valid table ({error}): close its quotation marks, and double those '
            f"inside of a cell. If they are part of the text: --set task.quotes=false (tables of texts)."
        ) from error
    if broken:
        faults.note(
            f'"{path}": quoted cells contain line breaks: {swallowed} lines were read as {broken} rows. If the '
            f"quotation marks are part of the text, remove them, or use --set task.quotes=false (tables of texts)."
        )


def _reader(lines: Iterator[str], separator: str, quotes: bool) -> Any:
    if quotes:
        return csv.reader(lines, delimiter=separator, strict=True)
    return csv.reader(lines, delimiter=separator, quoting=csv.QUOTE_NONE, strict=True)


def _lines(path: Path, stream: TextIO) -> Iterator[str]:
    """Yield the lines of a file. Raises `BadInputError` for one that is too long, before it is in memory."""
    longest = LIMITS["line"].value
    while line := stream.readline(longest + 1):
        check_limit("line", path, len(line))
        yield line


def _sample(lines: Iterator[str]) -> list[str]:
    sample: list[str] = []
    size = 0
    for line in itertools.islice(lines, SAMPLE):
        sample.append(line)
        size += len(line)
        if size > LONGEST:
            break
    return sample


def find_separator(sample: Sequence[str], usual: str, quotes: bool) -> str:
    """Return the separator of a table's first lines: `usual`, unless only another one gives rows of equal length.

    If both commas and semicolons do, the commas are decimal ones.
    """
    widths = {separator: _width(sample, separator, quotes) for separator in SEPARATORS}
    if widths[usual] and not (usual == "," and widths[";"]):
        return usual
    widest = max(SEPARATORS, key=lambda separator: widths[separator])
    return ";" if widths[";"] and usual == "," else widest if widths[widest] else usual


def _width(sample: Sequence[str], separator: str, quotes: bool) -> int:
    """Return how many cells nearly all rows have, or 0 if they differ or are not separated."""
    rows: list[list[str]] = []
    with contextlib.suppress(csv.Error):  # The sample may end within a cell.
        rows.extend(_reader(iter(sample), separator, quotes))
    counts = [len(cells) for cells in rows if any(cell.strip() for cell in cells)]
    if not counts or counts[0] < 2:
        return 0
    return counts[0] if counts.count(counts[0]) >= ALIKE * len(counts) else 0
