"""The option `--board`, and the row that a user means."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from tlbench.errors import StoreError, UnknownNameError, UsageError
from tlbench.results.files import BOARD

if TYPE_CHECKING:
    from tlbench.results.row import Row

board_option = click.option(
    "--board",
    type=click.Path(file_okay=False, path_type=Path),
    default=BOARD,
    show_default=True,
    help="Folder of rows and boards.",
)


def row_names(board: Path) -> dict[str, Path]:
    """Return the files of a board's rows by `DOMAIN/NAME`; the key of each is a part of its name."""
    from tlbench.results.row_files import row_paths

    return {f"{path.parent.name}/{path.stem}": path for path in row_paths(board)}


def row_files(board: Path, name: str) -> list[Path]:
    """Return the row file of that path, else those of a board whose key, or a part of whose name, it is."""
    path = Path(name).expanduser()
    if path.is_file():
        return [path]
    return [path for known, path in row_names(board).items() if name.removesuffix(".json") in known]


def find_row(board: Path, name: str) -> tuple[Path, Row]:
    """Return the one row of that name. Raises `UsageError` where there is none, or several."""
    files = row_files(board, name)
    if not files:
        raise UnknownNameError(f'row below "{board}"', name, row_names(board))
    if len(files) > 1:
        shown = ", ".join(f'"{path.stem}"' for path in files[:3])
        raise UsageError(f'"{name}" is part of the names of {len(files)} rows, such as {shown}: name more of one.')
    from tlbench.results.row_files import read_row

    try:
        return files[0], read_row(files[0])
    except StoreError as error:  # The user named what is no row.
        raise UsageError(str(error)) from error
