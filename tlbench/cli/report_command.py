"""`tlbench report`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from tlbench.cli.board import board_of, board_option, find_row
from tlbench.cli.catalog import plugin_option
from tlbench.cli.output import say


@click.command("report")
@click.argument("name", metavar="[BOARD or RESULT]", required=False)
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), required=True, help="HTML file to write."
)
@board_option
@plugin_option
def command(name: str | None, output: Path, board: Path, plugins: Sequence[Path]) -> None:
    """Write an interactive page of your own results, which begins at one of them.

    \b
    tlbench report -o report.html                           the board of your runs; begins at the newest result
    tlbench report -o report.html my-board                  another folder of results
    tlbench report -o report.html finetune--s0              one result, and those of its task beside it

    Name a result by its file, its key or another unique part of its name in --board. The page is one file that needs no
    server and no network.
    """
    from tlbench.cli.site_cards import descriptions
    from tlbench.errors import UsageError
    from tlbench.leaderboard.site.data import site_data
    from tlbench.leaderboard.site.page import page
    from tlbench.planning.named_files import catalog_with
    from tlbench.results.files import write_bytes
    from tlbench.results.row_files import read_rows

    if name is not None and Path(name).is_dir():
        board, name = Path(name), None
    start = None
    if name is not None:
        _, start = find_row(board, name)
        board = board_of(name, board)
    rows = [row for row in read_rows(board) if start is None or row.task == start.task]
    if not rows:
        raise UsageError(f'No results in "{board}/rows": run tlbench run first, or choose another folder with --board.')
    if start is None:
        start = max(rows, key=lambda row: (row.status == "ok", not row.baseline, row.created or ""))
    elif start.file_name not in {row.file_name for row in rows}:
        raise UsageError(f'"{name}" is no result of the board "{board}": name its board with --board.')
    title = f"{start.task}: report" if len({row.task for row in rows}) == 1 else "Report of own runs"
    text = page(site_data(rows, board, descriptions(catalog_with(plugins)), title, start=start, whole=True))
    write_bytes(output, text.encode())
    say(f"{output}: {len(rows)} results, begins at {start.file_name}")
