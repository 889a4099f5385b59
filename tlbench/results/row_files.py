"""The rows of a board, read back: each is checked, and what cannot be believed is left out by name."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from pathlib import Path

from tlbench.errors import StoreError
from tlbench.results.files import canonical
from tlbench.results.row import Row
from tlbench.results.row_checks import check


def row_paths(board: Path) -> list[Path]:
    """Return the files of a board's rows by name; what is hidden, such as a file that is being written, is none."""
    return sorted(path for path in (board / "rows").glob("*/*.json") if not path.name.startswith("."))


def read_rows(board: Path) -> Iterator[Row]:
    """Yield the rows of a board in the order of their names.

    Warns of each file that is left out: one that is damaged, whose values cannot be right, or whose name is not the
    one that its row has, for a copy is no further seed.
    """
    for path in row_paths(board):
        try:
            row = read_row(path)
            if f"{path.parent.name}/{path.name}" != row.file_name:
                raise StoreError(
                    f'The row "{path}" is named otherwise than its content, which is "{row.file_name}": it may be a '
                    "copy. Remove it, or give it that name."
                )
        except StoreError as error:
            warnings.warn(f"{error} It is left out.", stacklevel=2)
        else:
            yield row


def read_row(path: Path) -> Row:
    """Return the row of a file. Raises `StoreError` that names one that is damaged or cannot be right."""
    try:
        if not path.is_file():
            raise StoreError("it is no regular file")
        text = path.read_text(encoding="utf-8")
        record = json.loads(text)
        if "\\u" in text:  # Half a character, which JSON may hold by its escape, could not be written again.
            canonical(record).encode()
        row = Row.from_json(record)
        check(row)
    except RecursionError:
        error: Exception = StoreError("it is nested too deep")
    except (OSError, ValueError, StoreError) as caught:
        error = caught
    else:
        return row
    raise StoreError(f'The row "{path}" cannot be read: {error}. Remove it, or restore it.') from error
