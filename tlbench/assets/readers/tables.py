"""Tables - CSV, TSV, JSON, JSON lines, Parquet, Arrow - and texts with labels in them."""

from __future__ import annotations

import csv
import functools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from tlbench.assets.readers.faults import locate, note, refuse
from tlbench.assets.readers.folders import TABLE_SUFFIXES, list_folder, option_path
from tlbench.assets.readers.hub import hub_files, is_hub_place
from tlbench.assets.readers.labelled import (
    PART_NAMES,
    Labelled,
    Parts,
    hold_out,
    join,
    named_parts,
    published_parts,
    quoted,
)
from tlbench.assets.readers.objects import COLUMNAR_SUFFIXES, JSON, object_rows
from tlbench.contract.requests import LoadRequest
from tlbench.errors import BadInputError, UnknownNameError

T = TypeVar("T")
RECORDS = (*TABLE_SUFFIXES, *JSON, *COLUMNAR_SUFFIXES)


@dataclass(frozen=True)
class Table:
    """Cells as text, with the number of the line that each row ends on, or its count where a format has no lines."""

    path: Path
    """The file."""
    columns: tuple[str, ...]
    """Names of the columns."""
    rows: list[list[str]]
    """The cells of each row."""
    lines: list[int]
    """The line that each row ends on."""

    def cells(self, column: str, rows: Iterable[int]) -> list[str]:
        """Return a column's cells in these rows."""
        position = find_column(self.path, self.columns, column)
        return [self.rows[row][position] for row in rows]

    def column(self, column: str) -> list[str]:
        """Return all cells of a column. Raises `BadInputError` when there is none of that name."""
        return self.cells(column, range(len(self.rows)))

    def labels(self, column: str) -> list[str]:
        """Return the cells of a column, none of which may be empty."""
        cells = [cell.strip() for cell in self.column(column)]
        for line in (line for line, cell in zip(self.lines, cells, strict=True) if not cell):
            refuse(f'"{self.path}", line {line}: column "{column}" is empty: give every row a label.')
        return cells


def find_column(path: Path, columns: Sequence[str], column: str) -> int:
    """Return where a column stands. Raises `BadInputError` when there is none of that name."""
    if columns.count(column) != 1:
        problem = UnknownNameError("column", column, columns) if column not in columns else "It is there twice."
        raise BadInputError(f'"{path}" cannot be used: {problem}')
    return columns.index(column)


def read_rows(path: Path, *, separator: str = "", quotes: bool = True) -> Iterator[tuple[int, list[str]]]:
    """Yield line number and cells of every row that is not empty.

    Without a separator, `.tsv` is split at tabs and anything else at commas. With `quotes=False` a quotation mark is
    a character like any other. Formats of records give the names of their columns as the first row.
    """
    if path.suffix.lower() in (*JSON, *COLUMNAR_SUFFIXES):
        yield from object_rows(path)
        return
    separator = separator or ("\t" if path.suffix.lower() == ".tsv" else ",")
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.reader(
                stream, delimiter=separator, quoting=csv.QUOTE_MINIMAL if quotes else csv.QUOTE_NONE, strict=True
            )
            before = broken = lines = 0
            for cells in reader:
                if reader.line_num > before + 1:
                    broken, lines = broken + 1, lines + reader.line_num - before
                before = reader.line_num
                if cells:
                    yield reader.line_num, cells
        if broken:
            note(
                f'"{path}": cells in quotation marks hold line breaks: from {lines} lines, rows read: {broken}. If the '
                f"marks are part of the text, remove them, or read them as characters with --set task.quotes=false "
                f"(nlp/text-table)."
            )
    except OSError as error:
        raise BadInputError(f'"{path}" cannot be read ({error.strerror}): check the path.') from error
    except UnicodeDecodeError as error:
        raise BadInputError(f'"{path}" is not UTF-8 ({error.reason}, byte {error.start}): save it as UTF-8.') from error
    except csv.Error as error:
        raise BadInputError(f'"{path}" is not a table ({error}): save it as plain CSV or TSV.') from error


def read_table(path: Path, *, columns: Sequence[str] = (), separator: str = "", quotes: bool = True) -> Table:
    """Return a table; its first row names the columns unless `columns` does."""
    found = list(read_rows(path, separator=separator, quotes=quotes))
    names, body = (tuple(columns), found) if columns or not found else (tuple(found[0][1]), found[1:])
    return make_table(path, names, body)


def make_table(path: Path, columns: tuple[str, ...], found: Sequence[tuple[int, list[str]]]) -> Table:
    """Return rows as a table. Raises `BadInputError` where there are none, or one is longer or shorter."""
    if not found:
        raise BadInputError(f'"{path}" has no rows: fill it.')
    for line, cells in found:
        if len(cells) != len(columns):
            refuse(f'"{path}", line {line}: {len(cells)} cells for {len(columns)} columns: check separator and quotes.')
    whole = [(line, cells) for line, cells in found if len(cells) == len(columns)]
    return Table(path, columns, [cells for _, cells in whole], [line for line, _ in whole])


def check_columns(path: Path, *columns: str, quotes: bool = True) -> None:
    """Raise `BadInputError` where a table's first row lacks one of the columns; nothing more is read."""
    _, header = next(read_rows(path, quotes=quotes), (0, []))
    if not header:
        raise BadInputError(f'"{path}" has no rows: fill it.')
    for column in columns:
        find_column(path, header, column)


def table_files(request: LoadRequest, option: str) -> dict[str, list[Path]]:
    """Return the tables that an option names: of `all`, or of `train`, `valid` and `test`.

    It names a file, a folder with a table for each part, or a data set of the hub, which is fetched.
    """
    chosen = str(request.options[option])
    if is_hub_place(chosen):
        return hub_files(chosen)
    return {name: [path] for name, path in _tables_at(option_path(request, option)).items()}


def _tables_at(where: Path) -> dict[str, Path]:
    if not where.is_dir():
        return {"all": where}
    found = [path for path in list_folder(where) if path.suffix.lower() in RECORDS]
    chosen = named_parts((path.stem, path) for path in found)
    if not chosen:
        raise BadInputError(
            f'"{where}" lacks the tables "train" and "test" (.csv, .jsonl, .parquet, ...): name them so, or give one '
            f"table alone ({PART_NAMES})."
        )
    if others := [path.name for path in found if path not in chosen.values()]:
        note(f'Not read in "{where}", being no part: {quoted(others)} ({PART_NAMES}).')
    return chosen


def table_parts(
    files: Mapping[str, Sequence[Path]], read: Callable[[Path], Labelled[T]], group: Callable[[T], str]
) -> Parts[T]:
    """Return the published parts of what `table_files` returns, else a fifth of all held out.

    `group` names what must stay on one side. `valid` is treated as `labelled.published_parts` does.
    """
    parts = {name: functools.reduce(join, map(read, paths)) for name, paths in files.items()}
    if "all" in parts:
        return hold_out(parts["all"], [group(example) for example in parts["all"].inputs])
    return published_parts(parts)


def read_texts(path: Path, *, text: str, label: str, quotes: bool = True) -> Labelled[str]:
    """Return the texts of one column with the labels of another."""
    table = read_table(path, quotes=quotes)
    texts = table.column(text)
    for line, found in zip(table.lines, texts, strict=True):
        locate(found, f"{path}, line {line}")
    return label_rows(table, texts, label)


def label_rows(table: Table, inputs: Sequence[T], label: str) -> Labelled[T]:
    """Return what a table's rows hold, with the labels of one column."""
    labels = table.labels(label)
    examples = Labelled(where=table.path, inputs=inputs, labels=labels)
    return examples.take(row for row, name in enumerate(labels) if name)
