"""Rows of a table as feature vectors: numbers unchanged, texts one-hot."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tlbench.assets.readers.cells import as_number, number_cells
from tlbench.assets.readers.divided import NO_COLUMNS, SplitColumns
from tlbench.assets.readers.labelled import Labelled
from tlbench.assets.readers.tables import Table, label_rows, read_table
from tlbench.contract.faults import RAISE, Faults
from tlbench.errors import BadInputError

if TYPE_CHECKING:
    from tlbench.contract.task_data import Array

MOST_CATEGORIES = 256


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
    records = [TableRow(table, row) for row in range(len(table.rows))]
    return label_rows(table, records, label, divided_by)


@dataclass(frozen=True)
class FeatureEncoding:
    """How columns become features: learnt from the training records of the source domain."""

    columns: tuple[str, ...]
    """Columns that become features, in this order."""
    categories: dict[str, list[str]]
    """The texts of each column without numbers. Any other text becomes a vector of zeros."""
    log: bool
    """Whether numbers go through log(1 + x)."""

    @classmethod
    def learn(cls, records: Sequence[TableRow], *, without: Iterable[str], log: bool = False) -> FeatureEncoding:
        """Use all columns except those in `without`. A column without any number is categorical.

        With `log`, numbers go through log(1 + x) and must not be negative.
        """
        table = records[0].table
        columns = tuple(column for column in table.columns if column not in set(without))
        if not columns:
            raise BadInputError(f'"{table.path}" has only label columns: add columns of features.')
        categories = {}
        for column in columns:
            texts = sorted({cell for table, rows in rows_by_table(records) for cell in table.cells(column, rows)})
            if all(as_number(text) is None for text in texts):
                categories[column] = texts
            if len(categories.get(column, ())) > MOST_CATEGORIES:
                raise BadInputError(
                    f'"{table.path}", column "{column}" has {len(texts)} different texts: remove it if it '
                    f"identifies rows (at most {MOST_CATEGORIES} are allowed)."
                )
        return cls(columns, categories, log)

    def features(self, records: Sequence[TableRow]) -> Array:
        """Return `(N, F)` float64, column after column."""
        import numpy as np

        return np.concatenate([self._block(table, rows) for table, rows in rows_by_table(records)])

    def _block(self, table: Table, rows: Sequence[int]) -> Array:
        import numpy as np

        return np.concatenate(
            [
                self._one_hot(table, rows, column) if column in self.categories else self._numbers(table, rows, column)
                for column in self.columns
            ],
            axis=1,
        )

    def _one_hot(self, table: Table, rows: Sequence[int], column: str) -> Array:
        import numpy as np

        cells, categories = np.array(table.cells(column, rows)), np.array(self.categories[column])
        return np.asarray(cells[:, None] == categories, np.float64)

    def _numbers(self, table: Table, rows: Sequence[int], column: str) -> Array:
        import numpy as np

        numbers = number_cells(table, rows, column)
        if self.log and numbers.min() < 0:
            line = table.lines[rows[int(numbers.argmin())]]
            raise BadInputError(
                f'"{table.path}", line {line}, column "{column}": {numbers.min()} has no logarithm: use task.log=false.'
            )
        return (np.log1p(numbers) if self.log else numbers)[:, None]


def rows_by_table(records: Sequence[TableRow]) -> list[tuple[Table, list[int]]]:
    """Return consecutive records of the same table, in order."""
    runs = itertools.groupby(records, key=lambda record: id(record.table))
    groups = [list(run) for _, run in runs]
    return [(group[0].table, [record.row for record in group]) for group in groups]
