"""Tables - CSV, TSV, JSON, JSON lines, Parquet, Arrow - and texts with labels in them."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from tlbench.assets.limits import check_limit
from tlbench.assets.readers.delimited import text_rows
from tlbench.assets.readers.divided import NO_COLUMNS, SplitColumns, divide, keep_published
from tlbench.assets.readers.folders import TABLE_SUFFIXES, has_source, option_path
from tlbench.assets.readers.foreign import refuse_foreign
from tlbench.assets.readers.hub import hub_files, is_hub_place
from tlbench.assets.readers.labelled import PART_NAMES, Labelled, Parts, join_examples, quoted, worded_parts
from tlbench.assets.readers.objects import COLUMNAR_SUFFIXES, JSON, object_rows
from tlbench.assets.readers.walk import list_folder
from tlbench.contract.faults import RAISE, Faults
from tlbench.contract.requests import LoadRequest
from tlbench.errors import BadInputError, UnknownNameError

T = TypeVar("T")
OBJECTS = (*JSON, *COLUMNAR_SUFFIXES)
RECORDS = (*TABLE_SUFFIXES, *OBJECTS)
PIECE = re.compile("(?P<name>.+)-[0-9]{5}-of-(?P<count>[0-9]{5})")
"""The name of a file of a table that lies in several, as on the Hugging Face hub."""


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
    decimals: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)
    """Columns whose numbers had decimal commas, and how each wrote them."""

    def cells(self, column: str, rows: Iterable[int]) -> list[str]:
        """Return a column's cells in these rows."""
        position = find_column(self.path, self.columns, column)
        return [self.rows[row][position] for row in rows]

    def column(self, column: str) -> list[str]:
        """Return all cells of a column. Raises `BadInputError` if there is no such column."""
        return self.cells(column, range(len(self.rows)))

    def keep(self, positions: Sequence[int]) -> Table:
        """Return the table with the columns at these positions alone."""
        rows = [[row[position] for position in positions] for row in self.rows]
        return replace(self, columns=tuple(self.columns[position] for position in positions), rows=rows)

    def take(self, rows: Sequence[int]) -> Table:
        """Return the table with these rows alone."""
        return replace(self, rows=[self.rows[row] for row in rows], lines=[self.lines[row] for row in rows])

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
    """Return the position of a column; spaces around the name do not count.

    Raises `BadInputError` if there is no such column, or several.
    """
    column = column.strip()
    if columns.count(column) != 1:
        if column in columns:
            raise BadInputError(f'"{path}" has several columns "{column}": rename all but one.')
        alone = " Expected cells separated by a comma, semicolon, tab or |, and the names of columns in the first row."
        unknown = UnknownNameError("column", column, columns, where=f'in "{path}"')
        raise BadInputError(f"{unknown}{alone if len(columns) == 1 else ''}")
    return columns.index(column)


def read_rows(
    path: Path, *, separator: str = "", quotes: bool = True, faults: Faults = RAISE
) -> Iterator[tuple[int, list[str]]]:
    """Yield line number and cells of every row with a cell that is not blank.

    Without a separator, it is the one of commas, semicolons, tabs and vertical bars that gives rows of equal length.
    With `quotes=False` a quotation mark is an ordinary character. JSON and columnar formats give the names of their
    columns as the first row. Raises `BadInputError` for a file in another format, with what to do.
    """
    count = 0
    columnar = path.suffix.lower() in COLUMNAR_SUFFIXES
    refuse_foreign(path, (b"PAR1",) if columnar else ())
    as_objects = path.suffix.lower() in OBJECTS
    for line, cells in object_rows(path, faults) if as_objects else text_rows(path, separator, quotes, faults):
        count += len(cells)
        check_limit("cells", path, count)
        if any(cell.strip() for cell in cells):
            yield line, cells


def read_table(
    path: Path, *, columns: Sequence[str] = (), separator: str = "", quotes: bool = True, faults: Faults = RAISE
) -> Table:
    """Return a table. Its first row is the header, unless `columns` gives the names."""
    rows = list(read_rows(path, separator=separator, quotes=quotes, faults=faults))
    names, body = (tuple(columns), rows) if columns or not rows else (column_names(rows[0][1]), rows[1:])
    return make_table(path, names, body, faults)


def column_names(cells: Sequence[str]) -> tuple[str, ...]:
    """Return the cells of a header as names, without the spaces around them."""
    return tuple(cell.strip() for cell in cells)


def make_table(
    path: Path, columns: tuple[str, ...], rows: Sequence[tuple[int, list[str]]], faults: Faults = RAISE
) -> Table:
    """Return rows as a table. Raises `BadInputError` if there are none, or if their lengths differ.

    Blank cells at the end of a row that has too many do not count. If rows begin with their numbers and have one cell
    more than there are names, the first column has none, as R writes it.
    """
    if not rows:
        raise BadInputError(f'"{path}" has no rows: add some.')
    width = len(columns)
    rows = [(line, cells[:width] if _blank(cells[width:]) else cells) for line, cells in rows]
    if all(len(cells) == width + 1 and cells[0] == str(number) for number, (_, cells) in enumerate(rows, 1)):
        columns, width = ("", *columns), width + 1
    for line, cells in rows:
        if len(cells) != width:
            faults.refuse(f'"{path}", line {line}: {len(cells)} cells for {width} columns: check separator and quotes.')
    whole = [(line, cells) for line, cells in rows if len(cells) == width]
    if not whole:
        raise BadInputError(f'"{path}" has no row with {width} cells, as many as it has columns: correct it.')
    table = Table(path, columns, [cells for _, cells in whole], [line for line, _ in whole], faults)
    return _without_copies(table) if len(set(columns)) < width else table


def _blank(cells: Sequence[str]) -> bool:
    return not any(cell.strip() for cell in cells)


def _without_copies(table: Table) -> Table:
    """Return a table without empty nameless columns, and those with both name and cells of an earlier one."""
    seen: dict[tuple[str, tuple[str, ...]], int] = {}
    for position, name in enumerate(table.columns):
        cells = tuple(row[position] for row in table.rows)
        if name or not _blank(cells):
            if (name, cells) in seen:
                table.faults.note(f'Column "{name}" is there twice with the same cells: it is used once.', table.path)
            seen.setdefault((name, cells), position)
    return table.keep(list(seen.values()))


def check_columns(path: Path, *columns: str, quotes: bool = True, faults: Faults = RAISE) -> None:
    """Raise `BadInputError` if a table lacks one of the columns; only its first row is read."""
    _, header = next(read_rows(path, quotes=quotes, faults=faults), (0, []))
    if not header:
        raise BadInputError(f'"{path}" has no rows: add some.')
    for column in columns:
        try:
            find_column(path, column_names(header), column)
        except BadInputError as error:
            nested = " Columns of lists, objects or bytes are not read." if path.suffix.lower() in OBJECTS else ""
            raise BadInputError(f"{error}{nested} Options name the columns, such as --set task.label=NAME.") from None


def table_files(request: LoadRequest, option: str, suffixes: Sequence[str] = RECORDS) -> dict[str, list[Path]]:
    """Return the tables of an option: of `all`, or of `train`, `valid` and `test`; `suffixes` are those in a folder.

    The option is a file, a folder with a table for each split (`train.csv`, `train-v2.0.json`), or a data set of the
    hub, which is downloaded.
    """
    value = str(request.options[option])
    if is_hub_place(value):
        return hub_files(value)
    return _tables_at(option_path(request, option), suffixes, request.faults)


def side_tables(request: LoadRequest, suffixes: Sequence[str] = RECORDS) -> dict[str, dict[str, list[Path]]]:
    """Return the tables of both domains as `table_files` does; without `source` if the user names no source."""
    options = ("source", "target") if has_source(request) else ("target",)
    return {option: table_files(request, option, suffixes) for option in options}


def _tables_at(where: Path, suffixes: Sequence[str], faults: Faults) -> dict[str, list[Path]]:
    if not where.is_dir():
        return {"all": [where]}
    tables = _whole([path for path in list_folder(where) if path.suffix.lower() in suffixes])
    by_part = worded_parts((name, paths[0]) for name, paths in tables)
    if not by_part:
        raise BadInputError(
            f'"{where}" lacks the tables "train" and "test" ({", ".join(suffixes)}): add them, or use a single '
            f"table ({PART_NAMES})."
        )
    files = {part: paths for part, first in by_part.items() for _, paths in tables if paths[0] == first}
    if others := [path.name for _, paths in tables for path in paths if paths not in files.values()]:
        faults.note(f'Not read in "{where}": {quoted(others)}. They are not splits ({PART_NAMES}).')
    return files


def _whole(paths: Sequence[Path]) -> list[tuple[str, list[Path]]]:
    """Return the name of each table without its ending, and its files: one, or the pieces in which it lies.

    Raises `BadInputError` if a piece is missing.
    """
    tables: dict[tuple[str, str], list[Path]] = {}
    for path in paths:
        piece = PIECE.fullmatch(path.stem)
        tables.setdefault((piece["name"] if piece else path.stem, path.suffix), []).append(path)
    for files in tables.values():
        piece = PIECE.fullmatch(files[0].stem)
        if piece and len(files) != int(piece["count"]):
            raise BadInputError(
                f'"{files[0]}" is one of {int(piece["count"])} files of a table, of which {len(files)} are there: add '
                f"the others."
            )
    return [(name, files) for (name, _), files in tables.items()]


def table_parts(
    files: Mapping[str, Sequence[Path]], read: Callable[[Path], Labelled[T]], group: Callable[[T], str]
) -> Parts[T]:
    """Return the published splits of the files from `table_files`; without these, a fifth is held out.

    Examples with groups or times are divided by these, others with the same `group` stay together. `valid` is used as
    in `labelled.published_parts`.
    """
    parts = {name: functools.reduce(join_examples, map(read, paths)) for name, paths in files.items()}
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
