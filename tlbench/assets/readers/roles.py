"""Columns of a table that tell when or where a row was recorded, rather than what it is."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tlbench.assets.readers.table_file import as_number, is_missing, is_usable

if TYPE_CHECKING:
    from tlbench.contract.task_data import Array

NAMELESS = re.compile(r"(unnamed: ?\d+(_level_\d+)?|__index_level_\d+__|)", re.IGNORECASE)
"""Names that an index without a name gets from pandas; R leaves it empty."""
INDEX_NAMES = re.compile(r"(index|idx|id|row|unnamed)([_ -]?(id|no|nr|num|number|index|\d+))?", re.IGNORECASE)
"""Names of columns that people give to an index, whatever it holds."""
DAY = r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}"
DENSE = r"(19|20)\d\d(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])([T ]?\d{4,6})?"
DATE = re.compile(rf"\s*(({DAY})([ T].*)?|{DENSE}|\d{{1,2}}:\d{{2}}(:\d.*)?)\s*")
SECONDS = (9.4e8, 2.3e9)
"""Seconds since 1970 in the years 2000 to 2042."""
UNITS = {"seconds": 1, "milliseconds": 10**3, "microseconds": 10**6, "nanoseconds": 10**9}
FEWEST = 10
"""Different numbers from which a rise is no coincidence, and rows of a run of numbers on average."""
MOST_RUNS = 20
"""Runs of numbers, as of tables that were joined with their indices, up to which a column numbers rows."""


def shown(name: str) -> str:
    """Return how a message names a column at the beginning of a sentence."""
    return f'Column "{name}"' if name else "A column without a name"


def is_nameless(name: str) -> bool:
    """Return whether a column's name is that of an index without a name."""
    return bool(NAMELESS.fullmatch(name))


def name_role(name: str) -> str:
    """Return what a column's name says of a row's place, as a verb with its object; empty if nothing."""
    return "is named as an index" if INDEX_NAMES.fullmatch(name.strip()) else ""


def role(cells: Sequence[str]) -> str:
    """Return what a column says of a row's place or time, as a verb with its object; empty if nothing."""
    present = [cell for cell in cells if not is_missing(cell)]
    if present and all(map(DATE.fullmatch, present)):
        return "holds dates or times of day"
    numbers = [as_number(cell) for cell in present]
    return number_role([number for number in numbers if is_usable(number)]) if all(map(is_usable, numbers)) else ""


def number_role(numbers: Sequence[float | None] | Array) -> str:
    """Return what numbers `(N,)` in the order of rows say of place or time; empty if nothing."""
    import numpy as np

    values = np.asarray(numbers, np.float64)
    if not len(values):
        return ""
    for unit, factor in UNITS.items():
        if SECONDS[0] * factor <= values.min() and values.max() <= SECONDS[1] * factor:
            return f"holds times ({unit} since 1970)"
    steps, different = np.diff(values), np.unique(values)
    if len(different) < FEWEST:
        return ""
    if len(different) == len(values) and np.all(np.diff(different) == 1):
        return "numbers the rows"
    if 1 < (runs := int(np.sum(steps != 1)) + 1) <= min(MOST_RUNS, len(values) // FEWEST):
        return f"numbers the rows in {runs} runs"
    if not (np.all(steps >= 0) or np.all(steps <= 0)):
        return ""
    return "rises or falls steadily from row to row"
