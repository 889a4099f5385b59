"""Test splits of a domain that has none: by groups, by time, or by names; and the columns that say so."""

from __future__ import annotations

import math
import os
import re
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from tlbench.assets.readers.decimals import with_decimal_points
from tlbench.assets.readers.labelled import Labelled, Parts, hold_out, published_parts
from tlbench.contract.requests import LoadRequest
from tlbench.errors import BadInputError, UnknownNameError
from tlbench.results.files import text_of

if TYPE_CHECKING:
    from tlbench.assets.readers.tables import Table
    from tlbench.contract.faults import Faults

T = TypeVar("T")


class SplitColumns(NamedTuple):
    """Columns of a user's table by which its examples are divided; empty for none."""

    group: str = ""
    """Speaker, patient, session: all examples of a group are in the same split."""
    time: str = ""
    """The latest examples are the test split."""

    def named(self) -> tuple[str, ...]:
        """Return the columns that there are."""
        return tuple(filter(None, self))

    def of(self, table: Table, examples: Labelled[T]) -> Labelled[T]:
        """Return the examples, one for each row of a table, with their groups and times."""
        return replace(
            examples,
            groups=table.filled(self.group, "group") if self.group else None,
            times=_times_in(table, self.time) if self.time else None,
        )


HALF = re.compile("[\ud800-\udfff]")
"""Half a character of UTF-16, which JSON can hold and UTF-8 cannot."""
NO_COLUMNS = SplitColumns()
"""Of a table without groups and times."""


def split_columns(request: LoadRequest) -> SplitColumns:
    """Return the columns in the options `group` and `time` of a task that has these."""
    return SplitColumns(*(str(request.options.get(name, "")).strip() for name in SplitColumns._fields))


def check_no_columns(root: Path, columns: SplitColumns, label: str = "label") -> None:
    """Raise `BadInputError` for columns of a folder, in which no table names groups and times.

    `label` is the other column that a table of its files has beside `file`.
    """
    if named := columns.named():
        shown = next((name for name in named if name != label), label)
        raise BadInputError(
            f'"{root}" is a folder, which has no column "{shown}": list its files in a table with the columns file, '
            f"{label} and {shown}, and pass that table (task.group, task.time)."
        )


def divide(examples: Labelled[T], names: Sequence[str], part: float = 0.2) -> Parts[T]:
    """Return a training and a test split of examples, of which about `part` are test data.

    With times, the latest are; a group counts as late as its last example. Else the hash of a name decides, as in
    `hold_out`: that of the group, or of `names` if there are no groups.
    """
    if examples.groups is not None and len(set(examples.groups)) == 1:
        examples.faults.note(f'All examples of "{examples.where}" are of one group: none can be held out (task.group).')
    if examples.times is not None:
        return _latest(examples, examples.times, part)
    return hold_out(examples, names if examples.groups is None else examples.groups, part)


def _latest(examples: Labelled[T], times: Sequence[float], part: float) -> Parts[T]:
    names = [str(place) for place in range(len(times))] if examples.groups is None else examples.groups
    ends: dict[str, float] = {}
    for name, time in zip(names, times, strict=True):
        ends[name] = max(time, ends.get(name, time))
    last = [ends[name] for name in names]
    ordered, cuts = sorted(last), sorted(set(last))[1:]
    if not cuts:
        what = "examples" if examples.groups is None else "groups end"
        raise BadInputError(
            f'"{examples.where}": all {what} at the same time: leave out task.time, or correct its column.'
        )
    # Equal times stay together: nothing tells which of them is the later one.
    cut = min(cuts, key=lambda time: abs(len(last) - bisect_left(ordered, time) - part * len(last)))
    parts = Parts(
        train=examples.take(i for i, time in enumerate(last) if time < cut),
        test=examples.take(i for i, time in enumerate(last) if time >= cut),
    )
    examples.faults.note(
        f'The test split of "{examples.where}" is the latest {len(parts.test)} of {len(last)} examples (task.time).'
    )
    _check_order(parts)
    return parts


def by_file(files: Labelled[Path]) -> Labelled[Path]:
    """Return files with groups, for examples that are parts of them: each file is a group if there are no others."""
    root = files.where.parent if files.where.is_file() else files.where
    names = [text_of(os.path.relpath(path, root.parent)) for path in files.inputs]
    return replace(files, groups=names) if files.groups is None else files


def keep_published(parts: Mapping[str, Labelled[T]]) -> Parts[T]:
    """Return published splits as `labelled.published_parts` does; test examples that are not the latest are noted."""
    published = published_parts(parts)
    _check_order(published)
    return published


def _check_order(parts: Parts[T]) -> None:
    train, test = parts.train.times or (), parts.test.times or ()
    last = max(train, default=-math.inf)
    if early := sum(time <= last for time in test):
        whose = "" if parts.test.groups is None else " Groups stay whole, and some of them overlap in time."
        parts.test.faults.note(
            f'{early} of {len(test)} test examples of "{parts.test.where}" are not later than the last training '
            f"example (task.time).{whose}"
        )


def with_fields(
    examples: Labelled[T], records: Sequence[Mapping[str, Any]], places: Sequence[str], columns: SplitColumns
) -> Labelled[T]:
    """Return examples with groups and times from fields of their records, one for each example.

    `places` are those of the records, for messages. Without a field of groups, examples keep the groups that they have.
    """
    fields = list(dict.fromkeys(name for record in records for name in record))

    def filled(field: str, what: str) -> list[str]:
        if field not in fields:
            raise BadInputError(str(UnknownNameError("field", field, fields, where=f'in "{examples.where}"')))
        return [
            _filled(record, field, what, place, examples.faults) for record, place in zip(records, places, strict=True)
        ]

    groups, times = columns
    return replace(
        examples,
        groups=filled(groups, "group") if groups else examples.groups,
        times=_times(filled(times, "time"), [f'{place}, "{times}"' for place in places], examples.faults)
        if times
        else None,
    )


def _filled(record: Mapping[str, Any], field: str, what: str, place: str, faults: Faults) -> str:
    """Return a text, number or date of a record as text; a record without one is refused."""
    value = record.get(field)
    if isinstance(value, list | tuple | dict | bytes):
        faults.refuse(f'{place}: "{field}" is {value!r:.40}; expected a text or a number as the {what}.')
        return ""
    text = "" if value is None or value != value else str(value).strip()  # NaN is an empty cell of pandas.
    if not text:
        faults.refuse(f'{place}: "{field}" is empty or missing: give every record a {what}.')
    elif HALF.search(text):
        faults.refuse(f'{place}: "{field}" has half a character: write the whole character.')
    return text


def _times_in(table: Table, column: str) -> list[float]:
    cells = with_decimal_points(table, [column]).filled(column, "time")
    return _times(cells, [f'"{table.path}", line {line}, column "{column}"' for line in table.lines], table.faults)


def _times(cells: Sequence[str], places: Sequence[str], faults: Faults) -> list[float]:
    """Return times as numbers; they are all numbers, or all dates of ISO 8601, with a time zone or without."""
    read = [_time(cell) for cell in cells]
    form = next((form for form, _ in filter(None, read)), "")
    for place, cell, time in zip(places, cells, read, strict=True):
        if cell and (time is None or time[0] != form):
            faults.refuse(
                f'{place}: "{cell}" is not a time like the others: use a number everywhere, or a date such as '
                f"2024-03-31 or 2024-03-31T12:30:00, all with a time zone or none."
            )
    return [math.inf if time is None else time[1] for time in read]


def _time(cell: str) -> tuple[str, float] | None:
    """Return the form of a time and the time as a number; None for what is neither a number nor a date."""
    try:
        number = float(cell)
    except ValueError:
        pass
    else:
        return ("number", number) if math.isfinite(number) else None
    try:
        moment = datetime.fromisoformat(cell)
    except ValueError:
        return None
    form = "date" if moment.tzinfo is None else "date with a time zone"
    return form, (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
