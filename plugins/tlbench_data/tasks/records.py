"""Tables of normal and anomalous records: NSL-KDD (Tavallaee et al. 2009), and one's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tlbench import LoadRequest, Side, TaskData
from tlbench.assets import (
    FeatureEncoding,
    Labelled,
    Parts,
    TableRow,
    TableUse,
    all_rows,
    common_spelling,
    feature_decimals,
    hold_out,
    label_rows,
    make_side,
    missing_option,
    names_option,
    read_features,
    read_records,
    side_tables,
    split_columns,
    table_parts,
)
from tlbench_data.own import STATES
from tlbench_data.public import nsl_kdd_files

ATTACK, DIFFICULTY = "attack", "difficulty"
NSL_KDD = (*map(str, range(41)), ATTACK, DIFFICULTY)
"""41 features, the kind of attack, and how many classifiers of the data's authors got the record right."""


def load_table(request: LoadRequest) -> TaskData:
    """Read one table, or the tables `train` and `test`, for each domain.

    Equal records stay together, unless columns of groups or times say how to split.
    """
    label, normal, columns = str(request.options["label"]), str(request.options["normal"]), split_columns(request)
    remedy = "name the column with task.label=COLUMN, and its text of what is normal with task.normal=TEXT"
    use = TableUse(
        texts=(label, *columns.named()),
        left_out=names_option(request, "leave_out"),
        missing=missing_option(request),
    )

    def side(files: Mapping[str, Sequence[Path]]) -> Parts[TableRow]:
        decimals = feature_decimals([path for paths in files.values() for path in paths], use)

        def read(path: Path) -> Labelled[TableRow]:
            table = read_features(path, use, request.faults, decimals)
            return label_rows(table, all_rows(table), label, columns)

        return table_parts(files, read, _content).map(lambda records: binary(records, label, normal, remedy))

    *sources, target = request.faults.attempt_all(side, side_tables(request).values())
    source = sources[0] if sources else None
    train = (source or target).train.inputs
    log, fill = bool(request.options["log"]), use.missing == "fill"
    encoding = FeatureEncoding.learn(train, without=use.texts, log=log, fill=fill)
    tested = [] if source is None else source.test.inputs
    encoding.note_unseen([*tested, *target.train.inputs, *target.test.inputs])
    return encode(encoding, source, target)


def load_nsl_kdd(request: LoadRequest) -> TaskData:
    """Read both files; each kind of attack is split, equal records stay together."""
    train, test = (read_records(path, label=ATTACK, columns=NSL_KDD) for path in nsl_kdd_files(request))
    source = hold_out(train, [_features(record) for record in train.inputs])
    target = hold_out(test, [_features(record) for record in test.inputs], part=0.5)
    states = [parts.map(lambda records: binary(records, ATTACK, "normal")) for parts in (source, target)]
    encoding = FeatureEncoding.learn(states[0].train.inputs, without=(ATTACK, DIFFICULTY), log=True)
    return encode(encoding, *states)


def _content(record: TableRow) -> str:
    return "\t".join(record.table.rows[record.row])


def _features(record: TableRow) -> str:
    return "\t".join(record.table.rows[record.row][:41])


def binary(
    records: Labelled[TableRow], label: str, normal: str, remedy: str = "download the table again"
) -> Labelled[TableRow]:
    """Return records with `STATES` as labels: those without the label `normal` are anomalies.

    A split without both is a fault, whose message ends with `remedy`.
    """
    labels, names = [STATES[name != normal] for name in records.labels], sorted(set(records.labels))
    if len(set(labels)) < 2:
        shown = ", ".join(f'"{name[:40]}"' for name in names[:5]) + (", ..." if len(names) > 5 else "")
        records.faults.refuse(
            f'"{records.where}": column "{label}" must contain "{normal}" and another text in every split, but one '
            f"has only {shown}: {remedy}."
        )
    if alike := [name for name in names if name != normal and common_spelling(name) == common_spelling(normal)]:
        records.faults.note(
            f'Column "{label}" has "{alike[0]}" beside "{normal}", which is the label of normal records: records '
            f"with another spelling are anomalies. Give them one label if they mean the same.",
            records.where,
        )
    return records.with_inputs(records.inputs, labels)


def encode(encoding: FeatureEncoding, source: Parts[TableRow] | None, target: Parts[TableRow]) -> TaskData:
    """Return both domains as rows `(F,)` float64 with the names of their columns."""

    def features(records: Labelled[TableRow]) -> Labelled[Any]:
        rows = list(encoding.features(records.inputs))
        for row, (table, position) in zip(rows, records.inputs, strict=True):
            records.faults.locate(row, f"{table.path}, line {table.lines[position]}")
        return records.with_inputs(rows, records.labels)

    def side(parts: Parts[TableRow]) -> Side:
        return make_side(parts.map(features), STATES)

    first = None if source is None else side(source)
    reading = encoding.reading_of(target.train.inputs)
    return TaskData(source=first, target=side(target), columns=encoding.names, reading=reading)
