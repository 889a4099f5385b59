"""`tlbench explain`."""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tlbench.cli.board import board_of, board_option, find_row, scratch_of
from tlbench.cli.catalog import plugin_option
from tlbench.cli.output import say, say_wrapped
from tlbench.errors import UsageError
from tlbench.planning.named_files import catalog_with

if TYPE_CHECKING:
    from tlbench.planning.catalog import Catalog
    from tlbench.results.row import Row


@click.command("explain")
@click.argument("name", metavar="RESULT")
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), required=True, help="HTML file to write."
)
@click.option(
    "--analysis", "analyses", multiple=True, help="Analysis to compute. Repeatable.  [default: all that are installed]"
)
@click.option("--no-run", is_flag=True, help="Show what the board has; compute nothing.")
@board_option
@plugin_option
def command(
    name: str, output: Path, analyses: Sequence[str], no_run: bool, board: Path, plugins: Sequence[Path]
) -> None:
    """Write a page on RESULT: what adaptation changed, what predictions rest on, and all fields of the result.

    The analyses that the result lacks are computed first, by running it again with what the cache has; they then stand
    on the result, too. The page is one HTML file that needs no other.
    """
    from tlbench.cli.row_card import row_sections
    from tlbench.leaderboard.aggregate import aggregate
    from tlbench.leaderboard.row_page import Described, row_page
    from tlbench.planning.repeat import repeat_command
    from tlbench.results.files import write_bytes

    catalog = catalog_with(plugins)
    path, row = find_row(board, name)
    if row.status != "ok":
        raise UsageError(f'"{row.file_name}" has no model to explain: its status is {row.status} ({row.reason}).')
    words = repeat_command(row, catalog)
    if not no_run and _compute(row, words, analyses or _installed(catalog), board, plugins):
        # A result of another board stays as it is: what was computed is on this one.
        path, row = find_row(board, str(board / "rows" / row.file_name))
    board = board_of(str(path), board)
    described = {
        spec.name: Described(title=spec.title, summary=spec.summary, reading=spec.reading)
        for spec in catalog.analyses.values()
    }
    flags = [sentence for entry in aggregate([row]) for _, sentence in entry.flags]
    page = row_page(row, board, row_sections(row), described, flags, shlex.join(words), scratch_of(board, row))
    write_bytes(output, page.encode())
    say(f"{output}: {len(row.analyses)} analyses of {row.file_name}")


def _installed(catalog: Catalog) -> list[str]:
    from tlbench.planning.catalog import missing

    return [name for name, spec in catalog.analyses.items() if not missing(spec)]


def _compute(row: Row, words: Sequence[str], wanted: Sequence[str], board: Path, plugins: Sequence[Path]) -> bool:
    """Run the result again with the analyses that it lacks; return whether it is on the board after that."""
    from tlbench.cli.run_command import command as run

    lacking = [name for name in wanted if name not in row.analyses]
    if not lacking:
        return False
    if any(word.endswith("=PATH") for word in words):
        say_wrapped(
            f"The paths of your files are not on the result. To compute analyses: {shlex.join(words)} "
            + " ".join(f"--analysis {name}" for name in lacking)
        )
        return False
    more = [word for name in lacking for word in ("--analysis", name)]
    more += [word for path in plugins for word in ("--plugin", str(path))]
    again = [*words[2:], "--references", "none", "--board", str(board), *more, "-q"]
    with contextlib.suppress(SystemExit):  # What failed is an analysis; the page says which are there.
        run.main(again, prog_name="tlbench run", standalone_mode=False)
    return (board / "rows" / row.file_name).is_file()
