"""Rows -> the runs of the page: every field in words, once for an entry if its seeds share it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tlbench.leaderboard import wording
from tlbench.leaderboard.aggregate import Entry
from tlbench.leaderboard.site.columnar import DIGITS, FINE, Texts, brief, column, three_decimals, three_digits
from tlbench.results.columns import COLUMNS, Column
from tlbench.results.row import Row

SHOWN_ELSEWHERE = (
    *("task", "domain", "backbone", "strategy", "seed", "rank", "seeds", "flags", "rows", "schema"),
    *("key", "negative_transfer"),
)
"""Columns of which the page of a run has more than a line, or that follow from others."""
OF_FEW = (
    *("score_matrix", "onnx_sha256", "predictions_sha256", "predictions_bytes", "parity", "peak_memory_bytes"),
    *("eager_score", "train_gap", "probe_before", "probe_after", "seconds"),
    *("training_loss", "score_curve", "training_scores"),
)
"""Fields with another value for each run that only a page of a few results has: `tlbench show` has them all."""
THREE_DECIMALS = ("score", "score_low", "score_high", "forgetting_head", "forgetting_probe")
"""Fields of which the page of a run shows three decimals."""
OF_SKIPPED = ("status", "reason")
"""Fields of a result that was skipped: nothing was computed, so that others say only what was asked for."""
BY_NAME = ("scores", "seconds", "estimates")
"""Fields that hold numbers by name."""
HASH_DIGITS = 12
"""Digits of a hash that the page shows: `tlbench show` has the rest."""


def run_ids(rows: Sequence[Row]) -> list[str]:
    """Return a short name for each row, by which `tlbench show` finds it; its file name if another one has that."""
    short = [row.file_name.removesuffix(".json").rpartition("--")[2] for row in rows]
    return [
        one if short.count(one) == 1 else row.file_name.removesuffix(".json")
        for one, row in zip(short, rows, strict=True)
    ]


def facts(entries: Sequence[Entry], texts: Texts, whole: bool) -> list[dict[str, Any]]:
    """Return a record for each field that some row has, with its values for entries or, if seeds differ, for runs.

    `whole`: also those of `OF_FEW`.
    """
    left_out = SHOWN_ELSEWHERE if whole else (*SHOWN_ELSEWHERE, *OF_FEW)
    fields = [one for one in COLUMNS if one.field not in left_out and one.field in Row.__annotations__]
    return [_fact(one, entries, texts) for one in fields if any(_there(entry, one.field) for entry in entries)]


def _there(entry: Entry, field: str) -> bool:
    return any(getattr(row, field) not in (None, (), {}, "") for row in entry.rows)


def _fact(one: Column, entries: Sequence[Entry], texts: Texts) -> dict[str, Any]:
    said = {"field": one.field, "heading": one.heading, "group": one.group, "unit": one.unit}
    if one.field in BY_NAME:
        return said | _by_name(entries, one.field, texts)
    shared = all(len({repr(getattr(row, one.field)) for row in entry.rows}) == 1 for entry in entries)
    rows = [row for entry in entries for row in (entry.rows[:1] if shared else entry.rows)]
    values = [_value(row, one.field) for row in rows]
    if any(isinstance(value, str) for value in values):
        values = [value if value is None or isinstance(value, str) else wording.in_words(value) for value in values]
    digits = FINE if one.field in THREE_DECIMALS else DIGITS
    shown = [_number(value, digits) for value in values]
    return said | {"of": "entry" if shared else "run", "values": column(shown, texts, digits)}


def _value(row: Row, field: str) -> Any:
    """Return a number as it is, and everything else in words."""
    value: Any = getattr(row, field)
    if value in (None, (), {}, "") or (row.status == "skipped" and field not in OF_SKIPPED):
        return None
    if field == "created":
        return str(value)[: len("2026-01-31T23:59")].replace("T", " ")
    if isinstance(value, str):
        return value[:HASH_DIGITS] if field.endswith("sha256") or field == "graph" else value
    return value if type(value) in (int, float) else wording.in_words(value)


def _number(value: Any, digits: int = DIGITS) -> Any:
    """Return a number with as few digits as the page of a run needs to show it; other values as they are."""
    return brief(value, digits, three_decimals, three_digits)


def _by_name(entries: Sequence[Entry], field: str, texts: Texts) -> dict[str, Any]:
    """Return the names of numbers for each entry, and the numbers of each run in their order."""
    names = [list(_named(entry, field)) for entry in entries]
    values = [
        [_number(getattr(row, field).get(name)) for name in own]
        for entry, own in zip(entries, names, strict=True)
        for row in entry.rows
    ]
    return {"of": "names", "names": [texts.numbers(own) for own in names], "values": values}


def _named(entry: Entry, field: str) -> Mapping[str, None]:
    return dict.fromkeys(name for row in entry.rows for name in getattr(row, field))
