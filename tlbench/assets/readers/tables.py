"""Tables - CSV, TSV, JSON, JSON lines, Parquet, Arrow - and texts with labels in them."""

from __future__ import annotations

import csv
import functools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO, TypeVar

from tlbench.assets.limits import LIMITS, check_file, check_limit
from tlbench.assets.readers.divided import NO_COLUMNS, SplitColumns, divide, keep_published
from tlbench.assets.readers.folders import TABLE_SUFFIXES, has_source, list_folder, option_path
from tlbench.assets.readers.hub import hub_files, is_hub_place
from tlbench.assets.readers.labelled import (
    PART_NAMES,
    Labelled,
    Parts,
    join,
    named_parts,
    quoted,
)
from tlbench.assets.readers.objects import COLUMNAR_SUFFIXES, JSON, object_rows
from tlbench.contract.faults import RAISE, Faults
from tlbench.contract.requests import LoadRequest
from tlbench.errors import BadInputError, UnknownNameError

T = TypeVar("T")
RECORDS = (*TABLE_SUFFIXES, *JSON, *COLUMNAR_SUFFIXES)


@dataclass(frozen=True)
class Table:
    """Cells as text, with the last line of each row, or its number in formats without lines."""

    path: Path
    """The file."""
    columns: tuple[str, ...]
    """Names of the columns."""
    rows: list[list[str]]
    """The cells of each row."""
    lines: list[int]
    """The line of the file at which each row begins, for messages."""
    faults: Faults = field(default=RAISE, compare=False, repr=False)
    """Receives errors in the cells."""

    def cells(self, column: str, rows: Iterable[int]) -> list[str]:
        """Return a column's cells in these rows."""
        position = find_column(self.path, self.columns, column)
        return [self.rows[row][position] for row in rows]

    def column(self, column: str) -> list[str]:
        """Return all cells of a column. Raises `BadInputError` if there is no such column."""
        return self.cells(column, range(len(self.rows)))

    def labels(self, column: str) -> list[str]:
        """Return the cells of a column; an empty cell is an error."""
        return self.filled(column, "label")

    def filled(self, column: str, what: str) -> list[str]:
        """Return the cells of a column without white space around them; a row without `what` is an error."""
        cells = [cell.strip() for cell in self.column(column)]
        for line in (line for line, cell in zip(self.lines, cells, strict=True) if not cell):
            self.faults.refuse(f'"{self.path}", line {line}: column "{column}" is empty: give every row a {what}.')
        return cells


def find_column(path: Path, columns: Sequence[str], column: str) -> int:
    """Return the position of a column. Raises `BadInputError` if there is no such column."""
    if columns.count(column) != 1:
        if column in columns:
            raise BadInputError(f'"{path}" has several columns "{column}": rename all but one.')
        raise BadInputError(str(UnknownNameError("column", column, columns, where=f'in "{path}"')))
    return columns.index(column)


def read_rows(
    path: Path, *, separator: str = "", quotes: bool = True, faults: Faults = RAISE
) -> Iterator[tuple[int, list[str]]]:
    """Yield line number and cells of every row that is not empty.

    Without a separator, `.tsv` is split at tabs and any other file at commas. With `quotes=False` a quotation mark is
    an ordinary character. JSON and columnar formats give the names of their columns as the first row.
    """
    count = 0
    columnar = path.suffix.lower() in (*JSON, *COLUMNAR_SUFFIXES)
    for line, cells in object_rows(path) if columnar else _text_rows(path, separator, quotes, faults):
        count += len(cells)
        check_limit("cells", path, count)
        yield line, cells


def _text_rows(path: Path, separator: str, quotes: bool, faults: Faults) -> Iterator[tuple[int, list[str]]]:
    check_file(path, "text")
    separator = separator or ("\t" if path.suffix.lower() == ".tsv" else ",")
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.reader(
                _lines(path, stream),
                delimiter=separator,
                quoting=csv.QUOTE_MINIMAL if quotes else csv.QUOTE_NONE,
                strict=True,
            )
            before = broken = lines = 0
            for cells in reader:
                if reader.line_num > before + 1:
                    broken, lines = broken + 1, lines + reader.line_num - before
                before = reader.line_num
                if cells:
                    yield reader.line_num, cells
        if broken:
            faults.note(
                f'"{path}": quoted cells contain line breaks: {lines} lines were read as {broken} rows. If the '
                f"quotation marks are part of the text, remove them, or use --set task.quotes=false (nlp/text-table)."
            )
    except OSError as error:
        raise BadInputError(f'"{path}" cannot be read ({error.strerror}): check the path.') from error
    except UnicodeDecodeError as error:
        raise BadInputError(f'"{path}" is not UTF-8 ({error.reason}, byte {error.start}): save it as UTF-8.') from error
    except csv.Error as error:
        raise BadInputError(f'"{path}" is not a valid table ({error}): save it as plain CSV or TSV.') from error


def _lines(path: Path, stream: TextIO) -> Iterator[str]:
    """Yield the lines of a file. Raises `BadInputError` for one that is too long, before it is in memory."""
    longest = LIMITS["line"].value
    while line := stream.readline(longest + 1):
        check_limit("line", path, len(line))
        yield line


def read_table(
    path: Path, *, columns: Sequence[str] = (), separator: str = "", quotes: bool = True, faults: Faults = RAISE
) -> Table:
    """Return a table. Its first row is the header, unless `columns` gives the names."""
    rows = list(read_rows(path, separator=separator, quotes=quotes, faults=faults))
    names, body = (tuple(columns), rows) if columns or not rows else (tuple(rows[0][1]), rows[1:])
    return make_table(path, names, body, faults)


def make_table(
    path: Path, columns: tuple[str, ...], rows: Sequence[tuple[int, list[str]]], faults: Faults = RAISE
) -> Table:
    """Return rows as a table. Raises `BadInputError` if there are none, or if their lengths differ."""
    if not rows:
        raise BadInputError(f'"{path}" has no rows: add some.')
    for line, cells in rows:
        if len(cells) != len(columns):
            faults.refuse(
                f'"{path}", line {line}: {len(cells)} cells for {len(columns)} columns: check separator and quotes.'
            )
    whole = [(line, cells) for line, cells in rows if len(cells) == len(columns)]
    return Table(path, columns, [cells for _, cells in whole], [line for line, _ in whole], faults)


def check_columns(path: Path, *columns: str, quotes: bool = True) -> None:
    """Raise `BadInputError` if a table lacks one of the columns; only its first row is read."""
    _, header = next(read_rows(path, quotes=quotes), (0, []))
    if not header:
        raise BadInputError(f'"{path}" has no rows: add some.')
    for column in columns:
        try:
            find_column(path, header, column)
        except BadInputError as error:
            raise BadInputError(f"{error} Options name the columns, such as --set task.label=NAME.") from None


def table_files(request: LoadRequest, option: str, suffixes: Sequence[str] = RECORDS) -> dict[str, list[Path]]:
    """Return the tables of an option: of `all`, or of `train`, `valid` and `test`; `suffixes` are those in a folder.

    The option is a file, a folder with a table for each split, or a data set of the hub, which is downloaded.
    """
    value = str(request.options[option])
    if is_hub_place(value):
        return hub_files(value)
    return {name: [path] for name, path in _tables_at(option_path(request, option), suffixes, request.faults).items()}


def side_tables(request: LoadRequest, suffixes: Sequence[str] = RECORDS) -> dict[str, dict[str, list[Path]]]:
    """Return the tables of both domains as `table_files` does; without `source` if the user names no source."""
    options = ("source", "target") if has_source(request) else ("target",)
    return {option: table_files(request, option, suffixes) for option in options}


def _tables_at(where: Path, suffixes: Sequence[str], faults: Faults) -> dict[str, Path]:
    if not where.is_dir():
        return {"all": where}
    tables = [path for path in list_folder(where) if path.suffix.lower() in suffixes]
    by_part = named_parts((path.stem, path) for path in tables)
    if not by_part:
        raise BadInputError(
            f'"{where}" lacks the tables "train" and "test" ({", ".join(suffixes)}): add them, or use a single '
            f"table ({PART_NAMES})."
        )
    if others := [path.name for path in tables if path not in by_part.values()]:
        faults.note(f'Not read in "{where}": {quoted(others)}. They are not splits ({PART_NAMES}).')
    return by_part


def table_parts(
    files: Mapping[str, Sequence[Path]], read: Callable[[Path], Labelled[T]], group: Callable[[T], str]
) -> Parts[T]:
    """Return the published splits of the files from `table_files`; without these, a fifth is held out.

    Examples with groups or times are divided by these, others with the same `group` stay together. `valid` is used as
    in `labelled.published_parts`.
    """
    parts = {name: functools.reduce(join, map(read, paths)) for name, paths in files.items()}
    if "all" in parts:
        return divide(parts["all"], [group(example) for example in parts["all"].inputs])
    return keep_published(parts)


def read_texts(
    path: Path,
    *,
    text: str,
    label: str,
    quotes: bool = True,
    columns: SplitColumns = NO_COLUMNS,
    faults: Faults = RAISE,
) -> Labelled[str]:
    """Return the texts of one column with the labels of another, and groups and times from `columns`."""
    table = read_table(path, quotes=quotes, faults=faults)
    texts = table.column(text)
    for line, example in zip(table.lines, texts, strict=True):
        faults.locate(example, f"{path}, line {line}")
    return label_rows(table, texts, label, columns)


def label_rows(table: Table, inputs: Sequence[T], label: str, columns: SplitColumns = NO_COLUMNS) -> Labelled[T]:
    """Return `inputs`, one for each row of a table, with the labels of one column, and groups and times."""
    labels = table.labels(label)
    examples = columns.of(table, Labelled(where=table.path, inputs=inputs, labels=labels, faults=table.faults))
    return examples.take(row for row, name in enumerate(labels) if name)
