"""The option `--board`, and the result that a name refers to."""

from __future__ import annotations

import contextlib
import glob
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tlbench.cli.config import find_config
from tlbench.cli.config_values import path_of
from tlbench.cli.configured import say_source
from tlbench.errors import StoreError, UnknownNameError, UsageError
from tlbench.results.files import BOARD, slug

if TYPE_CHECKING:
    from tlbench.results.row import Row


TRAINED = ("device", "precision", "accumulation_steps", "compiled")
"""Fields that, beside options, may tell two results of one name from each other."""


def usual_board() -> Path:
    """Return the board of `tlbench run` in the settings file, else `leaderboards/local`."""
    ctx = click.get_current_context(silent=True)
    config = None if ctx is None or ctx.resilient_parsing else find_config()
    if ctx is None or config is None or "board" not in config.table("run"):
        return BOARD
    say_source(config, ctx)
    return Path(path_of(config, ("run", "board"), config.table("run")["board"]))


board_option = click.option(
    "--board",
    type=click.Path(file_okay=False, path_type=Path),
    default=usual_board,
    help=f"Folder of results and leaderboards.  [default: {BOARD}]",
)


def row_names(board: Path) -> dict[str, Path]:
    """Return the files of a board's rows by `DOMAIN/NAME`. The key of a row is part of its name."""
    from tlbench.results.row_files import row_paths

    return {f"{path.parent.name}/{path.stem}": path for path in row_paths(board)}


def row_files(board: Path, name: str) -> list[Path]:
    """Return the row file with this path, or those of the board whose key or name contains `name`."""
    path = Path(name).expanduser()
    if path.is_file():
        return [path]
    part = name.removesuffix(".json")
    return [path for full_name, path in row_names(board).items() if part in full_name]


def board_of(name: str, board: Path) -> Path:
    """Return the board on which the file `name` lies, BOARD/rows/DOMAIN/FILE; else `board`."""
    path = Path(name).expanduser()
    rows = path.resolve().parent.parent
    return rows.parent if path.is_file() and rows.name == "rows" else board


def find_row(board: Path, name: str) -> tuple[Path, Row]:
    """Return the one row of that name. Raises `UsageError` if there is none, or if there are several."""
    files = row_files(board, name)
    if not files:
        raise UnknownNameError("result", name, row_names(board), where=f'in "{board}"')
    if len(files) > 1:
        shown = ", ".join(_with_differences(files[:3]))
        raise UsageError(f'"{name}" matches {len(files)} results, such as {shown}: use a longer part of one name.')
    from tlbench.results.row_files import read_row

    try:
        return files[0], read_row(files[0])
    except StoreError as error:  # The user named a file that is not a row.
        raise UsageError(str(error)) from error


def _with_differences(files: Sequence[Path]) -> list[str]:
    """Return the names of results, each with what tells it from those of the same task, backbone, strategy and seed."""
    from tlbench.leaderboard.questions import differing, options, told
    from tlbench.results.row_files import read_row

    values: dict[Path, dict[str, Any]] = {}
    for path in files:
        with contextlib.suppress(StoreError):  # Whoever renders the board says so.
            row = read_row(path)
            values[path] = {**options(row), **{name: getattr(row, name) for name in TRAINED}, "commit": row.commit}
    names = []
    for path in files:
        start = path.stem.rpartition("--")[0]
        alike = [found for other, found in values.items() if other.stem.rpartition("--")[0] == start]
        telling = differing(alike) if path in values else []
        names.append(f'"{path.stem}"' + (f" ({told(values[path], telling)})" if telling else ""))
    return names


def scratch_of(board: Path, row: Row) -> Row | None:
    """Return the result of `scratch` on the board that a result is compared with, if there is one."""
    from tlbench.leaderboard.questions import scratches
    from tlbench.results.baselines import SCRATCH
    from tlbench.results.row_files import read_row
    from tlbench.results.schema_1 import spelling

    # The parts of a row's file name; the key of scratch is another, for its options are others.
    start, _, _ = row.file_name.rpartition(f"--{slug(spelling(row.strategy))}--")
    found = [row]
    for path in sorted((board / "rows").glob(f"{glob.escape(start)}--{spelling(SCRATCH)}--s{row.seed}--*.json")):
        with contextlib.suppress(StoreError):  # Whoever renders the board says so.
            found.append(read_row(path))
    return scratches(found)[0]
