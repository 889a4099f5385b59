"""Tables whose labels are numbers, or several columns of 0 and 1."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tlbench import BadInputError, LoadRequest, Side, Split, TaskData
from tlbench.assets import (
    Encoding,
    Labelled,
    Parts,
    Record,
    by_table,
    number_cells,
    read_table,
    table_files,
    table_parts,
)
from tlbench.learning import check_targets

Records = Sequence[Record]


def load_numbers(request: LoadRequest, names: Sequence[str]) -> TaskData:
    """Read rows as feature vectors `(F,)` float64, and the label columns as numbers `(N, C)`."""
    source, target = _parts(request, "source"), _parts(request, "target")
    encoding = Encoding.learn(source.train.inputs, without=names, log=bool(request.options["log"]))
    return TaskData(source=_side(source, names, encoding.features), target=_side(target, names, encoding.features))


def load_tags(request: LoadRequest, names: Sequence[str]) -> TaskData:
    """Read texts, and the label columns as 0 and 1, `(N, L)`."""
    column = str(request.options["text"])

    def texts(records: Records) -> list[str]:
        return [text for record in records for text in record.table.cells(column, [record.row])]

    source, target = _parts(request, "source"), _parts(request, "target")
    return TaskData(source=_side(source, names, texts), target=_side(target, names, texts))


def _parts(request: LoadRequest, option: str) -> Parts[Record]:
    """Return the rows of a domain; a fifth of a single table is held out, equal rows together."""

    def read(path: Path) -> Labelled[Record]:
        table = read_table(path, faults=request.faults)
        rows = range(len(table.rows))
        records = [Record(table, row) for row in rows]
        return Labelled(where=path, inputs=records, labels=[""] * len(rows), faults=request.faults)

    return table_parts(table_files(request, option), read, lambda record: "\t".join(record.table.rows[record.row]))


def _side(parts: Parts[Record], names: Sequence[str], inputs: Callable[[Records], Any]) -> Side:
    def split(half: Labelled[Record]) -> Split:
        columns = [
            np.concatenate([number_cells(table, rows, name) for table, rows in by_table(half.inputs)]) for name in names
        ]
        labels = np.stack(columns, 1)
        try:
            check_targets(labels, names)
        except BadInputError as error:
            half.faults.refuse(f'"{half.where}": {error}.')
        return Split(inputs=inputs(half.inputs), labels=labels)

    return Side(labels=tuple(names), train=split(parts.train), test=split(parts.test))
