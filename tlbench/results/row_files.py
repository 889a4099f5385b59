"""The rows of a board, read back: each is checked, and what cannot be believed is left out by name."""

from __future__ import annotations

import functools
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tlbench.errors import StoreError
from tlbench.results.escapes import plain, shortened
from tlbench.results.files import canonical, file_sha256
from tlbench.results.left_out import LeftOut
from tlbench.results.row import Row
from tlbench.results.row_checks import check

SETTLED = 2 * 10**9
"""Nanoseconds after which a change of a file surely has another time than the one before."""
LARGEST = 10_000_000
"""Bytes of a row's file, which is read as a whole; a usual one has 5,000."""


def row_paths(board: Path) -> list[Path]:
    """Return the files of a board's rows by name; what is hidden, such as a file that is being written, is none."""
    return sorted(path for path in (board / "rows").glob("*/*.json") if not path.name.startswith("."))


def read_rows(board: Path) -> Iterator[Row]:
    """Yield the rows of a board in the order of their names.

    Warns of the files that are left out: those that are damaged, whose values cannot be right, whose predictions are
    not those that were scored, or whose name is not the one that their row has, for a copy is no further seed.
    """
    with LeftOut() as left_out:
        for path in row_paths(board):
            try:
                row = read_row(path)
                if f"{path.parent.name}/{path.name}" != row.file_name:
                    raise StoreError(
                        f'The row "{plain(str(path))}" is named otherwise than its content, which is '
                        f'"{row.file_name}": it may be a copy. Remove it, or give it that name.'
                    )
            except StoreError as error:
                left_out.note(f"{error} It is left out.")
            else:
                yield row


def read_row(path: Path) -> Row:
    """Return the row of a file. Raises `StoreError` that names one that is damaged or cannot be right."""
    try:
        row = Row.from_json(_record(path))
        check(row)
        _check_predictions(row, path.with_suffix(".npz"))
    except RecursionError:
        error: Exception = StoreError("it is nested too deep")
    except (OSError, ValueError, StoreError) as caught:
        error = caught
    else:
        return row
    said = shortened(plain(str(error)))
    raise StoreError(f'The row "{plain(str(path))}" cannot be read: {said}. Remove it, or restore it.') from error


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


def _check_predictions(row: Row, path: Path) -> None:
    """Raise `StoreError` if the file of predictions beside a row is not the one that was scored."""
    if row.predictions_sha256 is None or not path.is_file():
        return
    if _hash(path) != row.predictions_sha256:
        raise StoreError(f'"{plain(path.name)}" does not hold the predictions that were scored')


def _hash(path: Path) -> str:
    """Return the hash of a file, remembered: a run refreshes its board many times, and predictions may be large."""
    state = path.stat()
    if time.time_ns() - state.st_ctime_ns < SETTLED:
        return file_sha256(path)
    return _hash_of(path, (state.st_size, state.st_mtime_ns, state.st_ctime_ns, state.st_ino))


@functools.lru_cache(maxsize=100_000)
def _hash_of(path: Path, state: tuple[int, ...]) -> str:
    return file_sha256(path)
