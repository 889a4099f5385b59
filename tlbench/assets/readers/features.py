"""Rows of a table as feature vectors: numbers unchanged, texts one-hot."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from tlbench.assets.readers.cells import is_numeric, number_cells
from tlbench.assets.readers.decimals import merged_decimals
from tlbench.assets.readers.divided import NO_COLUMNS, SplitColumns
from tlbench.assets.readers.labelled import Labelled, quoted
from tlbench.assets.readers.table_file import as_number, is_missing, is_usable
from tlbench.assets.readers.tables import Table, label_rows, read_table
from tlbench.contract.faults import RAISE, Faults
from tlbench.errors import BadInputError

if TYPE_CHECKING:
    from tlbench.contract.task_data import Array

MOST_CATEGORIES, MANY = 256, 20
"""A column of more texts is refused; one of many, in proportion to the rows, is noted."""

WHOLE = 1e15
"""Below it an inspection shows whole numbers with all digits."""
BOOLEANS = ("true", "false")


class TableRow(NamedTuple):
    """One row of a table."""

    table: Table
    """The table."""
    row: int
    """The row's position in it, from 0."""


def read_records(
    path: Path,
    *,
    label: str,
    columns: Sequence[str] = (),
    divided_by: SplitColumns = NO_COLUMNS,
    faults: Faults = RAISE,
) -> Labelled[TableRow]:
    """Return the rows of a table with the labels of one column, and groups and times from the columns `divided_by`.

    `columns` names the columns of a table without a header.
    """
    table = read_table(path, columns=columns, faults=faults)
    return label_rows(table, all_rows(table), label, divided_by)


def all_rows(table: Table) -> list[TableRow]:
    """Return every row of a table."""
    return [TableRow(table, row) for row in range(len(table.rows))]


@dataclass(frozen=True)
class FeatureEncoding:
    """How columns become features: learnt from the training records of the source domain."""

    columns: tuple[str, ...]
    """Columns that become features, in this order."""
    categories: dict[str, list[str]]
    """The texts of each column without numbers. Any other text becomes a vector of zeros."""
    log: bool
    """Whether numbers go through log(1 + x)."""
    fill: bool = False
    """Whether a cell without a usable number becomes NaN, rather than a fault."""

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the F features: a column of numbers has one, a categorical one has one for each text."""
        texts = ((name, self.categories.get(name)) for name in self.columns)
        return tuple(
            itertools.chain.from_iterable(
                [name] if known is None else [f"{name}={text}" for text in known] for name, known in texts
            )
        )

    @property
    def reading(self) -> dict[str, Any]:
        """What `record_reader` needs to read a table with decimal points in the same way."""
        return {"columns": self.columns, "categories": self.categories, "log": self.log, "fill": self.fill}

    def reading_of(self, records: Sequence[TableRow]) -> dict[str, Any]:
        """Return what `record_reader` needs to read a table as those of these records were, decimal commas included."""
        decimals = merged_decimals(table.decimals for table, _ in rows_by_table(records))
        return {**self.reading, "decimals": {name: how for name, how in decimals.items() if name in self.columns}}

    @classmethod
    def learn(
        cls, records: Sequence[TableRow], *, without: Iterable[str], log: bool = False, fill: bool = False
    ) -> FeatureEncoding:
        """Use all columns except those in `without`, and those that are empty. One without any number is categorical.

        With `log`, numbers go through log(1 + x) and must not be negative. With `fill`, empty, NaN and infinite cells
        become NaN.
        """
        if not records:
            raise BadInputError(
                "There are no training rows from which the columns of features could be read: add some."
            )
        table = records[0].table
        features = [column for column in table.columns if column not in {name.strip() for name in without}]
        columns, categories = [], {}
        for column in features:
            texts = sorted({text for table, rows in rows_by_table(records) for text in _texts(table, rows, column)})
            if all(map(is_missing, texts)) and not is_numeric(texts):
                table.faults.note(f'Column "{column}" is left out: it is empty in all training rows.', table.path)
                table.faults.describe(column, "left out: empty")
                continue
            columns.append(column)
            if not is_numeric(texts):
                categories[column] = _categories(table, column, texts, len(records))
            table.faults.describe(column, _reading(texts))
        if not columns:
            raise BadInputError(f'"{table.path}" has only label columns: add columns of features.')
        return cls(tuple(columns), categories, log, fill)

    def note_unseen(self, records: Sequence[TableRow]) -> None:
        """Note texts of categorical columns in these rows that no training row has from which they were learnt."""
        for table, sentence in unseen_texts(records, self.categories):
            table.faults.note(sentence)

    def features(self, records: Sequence[TableRow]) -> Array:
        """Return `(N, F)` float64, column after column."""
        return row_features(records, self.columns, self.categories, log=self.log, fill=self.fill)


def row_features(
    records: Sequence[TableRow],
    columns: Sequence[str],
    categories: Mapping[str, Sequence[str]],
    *,
    log: bool,
    fill: bool,
) -> Array:
    """Return `(N, F)` float64, column after column, as the fields of `FeatureEncoding` say."""
    import numpy as np

    return np.concatenate(
        [
            np.concatenate(
                [
                    _one_hot(table, rows, column, categories[column])
                    if column in categories
                    else _numbers_of(table, rows, column, log, fill)
                    for column in columns
                ],
                axis=1,
            )
            for table, rows in rows_by_table(records)
        ]
    )


def unseen_texts(records: Sequence[TableRow], categories: Mapping[str, Sequence[str]]) -> Iterator[tuple[Table, str]]:
    """Yield, for each categorical column of a table with texts that were not learnt, the table and a sentence."""
    for column, known in categories.items():
        for table, rows in rows_by_table(records):
            cells = _texts(table, rows, column)
            if other := Counter(cell for cell in cells if cell not in known):
                yield (
                    table,
                    f'"{table.path}", column "{column}": {other.total()} of {len(cells)} cells have a text that no '
                    f"training row has from which categories are learnt, such as {quoted(list(other)[:3])}: all "
                    f"such texts are alike to a model.",
                )


def _one_hot(table: Table, rows: Sequence[int], column: str, categories: Sequence[str]) -> Array:
    import numpy as np

    cells = np.array(_texts(table, rows, column))
    return np.asarray(cells[:, None] == np.array(categories), np.float64)


def _numbers_of(table: Table, rows: Sequence[int], column: str, log: bool, fill: bool) -> Array:
    import numpy as np

    numbers = number_cells(table, rows, column, fill=fill)
    if log and np.nanmin(numbers, initial=0) < 0:
        line = table.lines[rows[int(np.nanargmin(numbers))]]
        advice = ": use task.log=false." if table.faults.advises else "."
        raise BadInputError(
            f'"{table.path}", line {line}, column "{column}": {np.nanmin(numbers)} has no logarithm{advice}'
        )
    return (np.log1p(numbers) if log else numbers)[:, None]


def _texts(table: Table, rows: Iterable[int], column: str) -> list[str]:
    """Return a column's cells in these rows without the spaces around them, booleans in lower case.

    A data frame writes `True`, JSON `true`, a spreadsheet `TRUE`.
    """
    cells = [cell.strip() for cell in table.cells(column, rows)]
    return [cell.lower() if cell.lower() in BOOLEANS else cell for cell in cells]


def _categories(table: Table, column: str, texts: list[str], rows: int) -> list[str]:
    if len(texts) > MOST_CATEGORIES:
        table.faults.refuse(
            f'"{table.path}", column "{column}" has {len(texts)} different texts (at most {MOST_CATEGORIES} are '
            f"allowed): remove it if it identifies rows, or use --set task.leave_out={column}."
        )
    elif len(texts) > max(MANY, rows / 2):
        table.faults.note(
            f'Column "{column}" has {len(texts)} different texts in {rows} training rows, such as {quoted(texts[:3])}, '
            f"and is read as categories. Save it as numbers if it is one, or use --set task.leave_out={column}",
            table.path,
        )
    return texts[:MOST_CATEGORIES]


def _reading(texts: Sequence[str]) -> str:
    """Return how a column is read, for an inspection."""
    numbers = [float(text) for text in texts if is_usable(as_number(text))]
    return f"number: {_range(min(numbers), max(numbers))}" if numbers else f"category: {len(texts)} values"


def _range(low: float, high: float) -> str:
    """Return `1 to 1700000000`: whole numbers with all digits, others with as many as tell them apart."""
    whole = all(one.is_integer() and abs(one) < WHOLE for one in (low, high))
    forms = [".0f"] if whole else [".6g", ".9g", ".12g", ".17g"]
    shown = next((form for form in forms if f"{low:{form}}" != f"{high:{form}}"), forms[0])
    return f"{low:{shown}} to {high:{shown}}"


def rows_by_table(records: Sequence[TableRow]) -> list[tuple[Table, list[int]]]:
    """Return consecutive records of the same table, in order."""
    runs = itertools.groupby(records, key=lambda record: id(record.table))
    groups = [list(run) for _, run in runs]
    return [(group[0].table, [record.row for record in group]) for group in groups]
