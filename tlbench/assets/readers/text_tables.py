"""A user's table of texts and labels: its rows without those to drop, and what an inspection says of its columns."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tlbench.assets.readers.feature_tables import REFUSE, TableUse, usable_rows
from tlbench.assets.readers.tables import Table, find_column, read_table
from tlbench.contract.faults import RAISE, Faults
from tlbench.errors import BadInputError


def read_text_table(
    path: Path,
    *,
    texts: Sequence[str],
    labels: Sequence[str] = (),
    tags: Sequence[str] = (),
    quotes: bool = True,
    missing: str = REFUSE,
    faults: Faults = RAISE,
) -> Table:
    """Return a table with columns of texts, of labels that are names, and of tags that are numbers.

    With `missing="drop"`, rows are left out in which one of these is blank; else these rows are noted. Raises
    `BadInputError` if the table lacks a column, or if a column of texts is named twice: a label that is also a text
    would give itself away.
    """
    named = [name.strip() for name in (*texts, *labels, *tags)]
    if twice := [name for name in named[: len(texts)] if named.count(name) > 1]:
        raise BadInputError(
            f'Column "{twice[0]}" of "{path}" is a text and has another use too: name different columns (task.text, '
            f"task.pair, task.label, task.group, task.time)."
        )
    table = read_table(path, quotes=quotes, faults=faults)
    uses = {**dict.fromkeys(texts, "text"), **dict.fromkeys(labels, "label"), **dict.fromkeys(tags, "label: number")}
    uses = {name.strip(): what for name, what in uses.items()}
    for name in uses:
        find_column(path, table.columns, name)
    for name in table.columns:
        faults.describe(name, uses.get(name, "not used"))
    return usable_rows(table, TableUse(texts=(*texts, *labels), numbers=tuple(tags), missing=missing), ())
