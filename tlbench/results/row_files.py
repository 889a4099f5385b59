"""The rows of a board, read back: each is checked, and what cannot be believed is left out by name."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tlbench.errors import StoreError
from tlbench.results.escapes import plain, shortened
from tlbench.results.files import canonical, file_sha256
from tlbench.results.latency_files import wrong_latency
from tlbench.results.left_out import LeftOut
from tlbench.results.prediction_files import LARGEST as LARGEST_PREDICTIONS
from tlbench.results.row import Row
from tlbench.results.row_checks import wrong_fields
from tlbench.results.values import Wrong, in_words

State = tuple[int, ...]
Known = dict[Path, tuple[State, Row]]
"""Rows that were read, with the state that their files had."""
SETTLED = 2 * 10**9
"""Nanoseconds after which a change of a file surely has another time than the one before."""
LARGEST = 10_000_000
"""Bytes of a row's file, which is read as a whole; a usual one has 5,000."""


def row_paths(board: Path) -> list[Path]:
    """Return the files of a board's rows by name; what is hidden, such as a file that is being written, is none."""
    return sorted(path for path in (board / "rows").glob("*/*.json") if not path.name.startswith("."))


def read_rows(board: Path, known: Known | None = None) -> Iterator[Row]:
    """Yield the rows of a board in the order of their names.

    Warns of the files that are left out: those that are damaged, whose values cannot be right, whose predictions are
    not those that were scored, or whose name is not the one that their row has, for a copy is no further seed.

    `known` are rows that were read before, and is filled: what has not changed since then is not read again.
    """
    known = {} if known is None else known
    with LeftOut() as left_out:
        for path in row_paths(board):
            state = _state(path)
            if state and path in known and known[path][0] == state:
                yield known[path][1]
                continue
            try:
                row = _named(path)
            except StoreError as error:
                left_out.note(f"{error} It is left out.")
            else:
                if state:
                    known[path] = state, row
                yield row


def _state(path: Path) -> State | None:
    """Return what changes with a row's file and its predictions; None if one has changed a moment ago."""
    found: list[int] = []
    for part in (path, path.with_suffix(".npz")):
        try:
            about = part.stat()
        except OSError:
            found.append(0)
            continue
        if time.time_ns() - about.st_ctime_ns < SETTLED:
            return None
        found += [about.st_size, about.st_mtime_ns, about.st_ctime_ns, about.st_ino]
    return tuple(found)


def _named(path: Path) -> Row:
    """Return the row of a file of a board, which must have the row's name."""
    row = read_row(path)
    if f"{path.parent.name}/{path.name}" != row.file_name:
        raise StoreError(
            f'The row "{plain(str(path))}" is named otherwise than its content, which is "{row.file_name}": it may be '
            "a copy. Remove it, or give it that name."
        )
    return row


def read_row(path: Path) -> Row:
    """Return the row of a file. Raises `StoreError` that names one that is damaged or cannot be right."""
    try:
        row = parsed(path)
        for wrong in wrong_parts(row, path):
            raise StoreError(in_words(*wrong))
    except (StoreError, RecursionError) as error:
        said = shortened(plain(str(error)))
        raise StoreError(f'The row "{plain(str(path))}" cannot be read: {said}. Remove it, or restore it.') from error
    return row


def parsed(path: Path) -> Row:
    """Return the row of a file, whatever its values. Raises `StoreError` with what is wrong with the file."""
    try:
        return Row.from_json(_record(path))
    except RecursionError as error:
        raise StoreError("it is nested too deep") from error
    except (OSError, ValueError) as error:
        raise StoreError(str(error)) from error


def wrong_parts(row: Row, path: Path) -> Wrong:
    """Yield the invalid fields of a row, then those that contradict the files beside it: predictions and latency."""
    wrong = list(wrong_fields(row))
    yield from wrong
    if not wrong:
        yield from _wrong_predictions(row, path.with_suffix(".npz"))
        yield from wrong_latency(row, path.absolute().parent.parent.parent)


def _record(path: Path) -> Any:
    """Return the JSON of a row's file."""
    if not path.is_file():
        raise StoreError("it is no regular file")
    if (size := path.stat().st_size) > LARGEST:
        raise StoreError(f"it has {size} bytes, expected at most {LARGEST}")
    text = path.read_text(encoding="utf-8")
    record = json.loads(text)
    if "\\u" in text:  # Half a character, which JSON may hold by its escape, could not be written again.
        canonical(record).encode()
    return record


def _wrong_predictions(row: Row, path: Path) -> Wrong:
    """Yield hash or size of a row if the file of predictions beside it is not the one that was scored."""
    if row.predictions_sha256 is None or not path.is_file():
        return
    try:
        size = path.stat().st_size
        own = file_sha256(path) if size <= LARGEST_PREDICTIONS else f"a file of at most {LARGEST_PREDICTIONS} bytes"
    except OSError as error:
        size, own = 0, f"a file that can be read ({error.strerror})"
    if own != row.predictions_sha256:
        said = f'{own}: "{plain(path.name)}" does not hold the predictions that were scored'
        yield "predictions_sha256", row.predictions_sha256, said
    elif row.predictions_bytes not in (None, size):
        yield "predictions_bytes", row.predictions_bytes, f'{size}, the size of "{plain(path.name)}"'
