"""Tables whose labels are numbers, or several columns of 0 and 1."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from tlbench import BadInputError, LoadRequest, Side, Split, TaskData
from tlbench.assets import (
    FeatureEncoding,
    Labelled,
    Parts,
    Table,
    TableRow,
    TableUse,
    all_rows,
    feature_decimals,
    missing_option,
    names_option,
    number_cells,
    read_features,
    read_text_table,
    rows_by_table,
    side_tables,
    split_columns,
    table_parts,
)
from tlbench.learning import check_targets
from tlbench_data.vectors import label_columns

Records = Sequence[TableRow]


def load_numbers(request: LoadRequest) -> TaskData:
    """Read rows as feature vectors `(F,)` float64, and the label columns as numbers `(N, C)`."""
    names = label_columns(request)
    texts = split_columns(request).named()
    use = TableUse(
        texts=texts, numbers=names, left_out=names_option(request, "leave_out"), missing=missing_option(request)
    )

    def reader(paths: Sequence[Path]) -> Callable[[Path], Table]:
        decimals = feature_decimals(paths, use)
        return lambda path: read_features(path, use, request.faults, decimals)

    sides = _sides(request, reader)
    first, *others = sides.values()
    encoding = FeatureEncoding.learn(
        first.train.inputs, without=use.others, log=bool(request.options["log"]), fill=use.missing == "fill"
    )
    tested = [half for parts in others for half in (parts.train, parts.test)]
    encoding.note_unseen([record for half in (first.test, *tested) for record in half.inputs])
    reading = encoding.reading_of(sides["target"].train.inputs)
    return replace(_data(sides, names, encoding.features), columns=encoding.names, reading=reading)


def load_tags(request: LoadRequest) -> TaskData:
    """Read texts, and the label columns as 0 and 1, `(N, L)`."""
    names, column = label_columns(request), str(request.options["text"])

    def texts(records: Records) -> list[str]:
        return [text for record in records for text in record.table.cells(column, [record.row])]

    def read(path: Path) -> Table:
        return read_text_table(
            path,
            texts=(column,),
            tags=names,
            quotes=bool(request.options["quotes"]),
            missing=missing_option(request, ("refuse", "drop")),
            faults=request.faults,
        )

    reading = {"columns": [column], "quotes": bool(request.options["quotes"])}
    return replace(_data(_sides(request, lambda paths: read), names, texts), reading=reading)


def _data(sides: Mapping[str, Parts[TableRow]], names: Sequence[str], inputs: Callable[[Records], Any]) -> TaskData:
    made = {name: _side(parts, names, inputs) for name, parts in sides.items()}
    return TaskData(source=made.get("source"), target=made["target"])


def _sides(
    request: LoadRequest, reader: Callable[[Sequence[Path]], Callable[[Path], Table]]
) -> dict[str, Parts[TableRow]]:
    """Return the rows of `source`, if there is one, and `target`; a fifth of a single table is held out, equal rows
    together, or as the columns of groups and times say. `reader` makes the reader of all tables of one of them."""
    columns = split_columns(request)

    def side(files: Mapping[str, Sequence[Path]]) -> Parts[TableRow]:
        read = reader([path for paths in files.values() for path in paths])

        def rows(path: Path) -> Labelled[TableRow]:
            table = read(path)
            records = all_rows(table)
            examples = Labelled(where=path, inputs=records, labels=[""] * len(records), faults=request.faults)
            return columns.of(table, examples)

        return table_parts(files, rows, row)

    def row(record: TableRow) -> str:
        return "\t".join(record.table.rows[record.row])

    tables = side_tables(request)
    return dict(zip(tables, request.faults.attempt_all(side, tables.values()), strict=True))


def _side(parts: Parts[TableRow], names: Sequence[str], inputs: Callable[[Records], Any]) -> Side:
    def split(half: Labelled[TableRow]) -> Split:
        columns = [
            np.concatenate([number_cells(table, rows, name) for table, rows in rows_by_table(half.inputs)])
            for name in names
        ]
        labels = np.stack(columns, 1)
        try:
            check_targets(labels, names)
        except BadInputError as error:
            half.faults.refuse(f'"{half.where}": {error}.')
        return Split(inputs=inputs(half.inputs), labels=labels, groups=half.groups)

    return Side(labels=tuple(names), train=split(parts.train), test=split(parts.test))
