"""Flows of networks as Zeek logs them, home devices and office computers.

The files are described in TLBENCH_DATA/zeek_flows/README.md. Each capture is in both splits, so it is no group; a
random split inside captures says how well other flows of the same networks are told apart, not those of another one.
"""

from __future__ import annotations

import string
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from tlbench import LoadRequest, TaskData
from tlbench.assets import FeatureEncoding, Parts, Table, TableRow, all_rows, label_rows, read_table, split_by_table
from tlbench_data.listed import flow_files
from tlbench_data.tasks.records import binary, encode

NUMBERS = (
    "duration", "orig_bytes", "resp_bytes", "missed_bytes", "orig_pkts", "orig_ip_bytes", "resp_pkts", "resp_ip_bytes",
)  # fmt: skip
TEXTS = ("proto", "service", "conn_state")
HISTORY, LABEL, SPLIT = "history", "label", "split"
EVENTS = (*string.ascii_letters, "^")
"""The signs of `history`: upper case for the sender, lower case for the other end, ^ if both ends were swapped."""


def load(request: LoadRequest) -> TaskData:
    """Read rows `(F,)`; NaN stands for what Zeek did not measure. Texts and events are those of the source's training:
    others of the target, such as the service sip, are vectors of zeros.

    Columns that tell capture, time, kind of attack and number of equal flows are no features.
    """
    source, target = (_side(path, request) for path in flow_files(request))
    train = source.train.inputs
    absent = [event for event in map(event_column, EVENTS) if not _occurs(train, event)]
    encoding = FeatureEncoding.learn(train, without=(LABEL, SPLIT, *absent), log=True, fill=True)
    return encode(encoding, source, target)


def event_column(event: str) -> str:
    """Return the name of the feature that counts one sign of `history`."""
    return f"{HISTORY} {event}"


def _side(path: Path, request: LoadRequest) -> Parts[TableRow]:
    table = _with_counts(read_table(path, faults=request.faults))
    records = label_rows(table, all_rows(table), LABEL)
    return split_by_table(table, records, table.column(SPLIT), 0.3).map(lambda half: binary(half, LABEL, "benign"))


def _with_counts(table: Table) -> Table:
    """Return the columns of features, label and split, with a count of each event in place of the history."""
    kept = (*NUMBERS, *TEXTS, LABEL, SPLIT)
    cells = zip(*map(table.column, kept), strict=True)
    rows = [
        [*row, *(str(history.count(event)) for event in EVENTS)]
        for row, history in zip(cells, table.column(HISTORY), strict=True)
    ]
    return replace(table, columns=(*kept, *map(event_column, EVENTS)), rows=rows)


def _occurs(records: Sequence[TableRow], column: str) -> bool:
    table = records[0].table
    return any(cell != "0" for cell in table.cells(column, [record.row for record in records]))
