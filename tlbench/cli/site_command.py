"""`tlbench site`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from tlbench.cli.board import usual_board
from tlbench.cli.catalog import plugin_option
from tlbench.cli.output import say


@click.command("site")
@click.argument(
    "board", metavar="[BOARD]", type=click.Path(file_okay=False, path_type=Path), required=False, default=usual_board
)
@click.option(
    "-o", "--output", type=click.Path(file_okay=False, path_type=Path), required=True, help="Folder of index.html."
)
@click.option("--title", default="Transfer learning leaderboard", show_default=True, help="Heading of the page.")
@plugin_option
def command(board: Path, output: Path, title: str, plugins: Sequence[Path]) -> None:
    """Write an interactive page of a board to index.html in a folder.

    The page recommends strategies for the data, the forgetting and the milliseconds that you allow, and has all results
    in a table, the trade-off between score and costs, comparisons, and a page for each task, strategy and run. It is
    one file that needs no server and no network.

    BOARD is a folder of results.  [default: leaderboards/local]
    """
    from tlbench.cli.site_cards import descriptions
    from tlbench.errors import UsageError
    from tlbench.leaderboard.site.data import site_data
    from tlbench.leaderboard.site.page import page
    from tlbench.planning.named_files import catalog_with
    from tlbench.results.files import write_bytes
    from tlbench.results.row_files import read_rows

    rows = list(read_rows(board))
    if not rows:
        raise UsageError(f'No results in "{board}/rows": run tlbench run first, or name another folder.')
    text = page(site_data(rows, board, descriptions(catalog_with(plugins)), title))
    path = output / "index.html"
    write_bytes(path, text.encode())
    say(f"{path}: {len(rows)} results, {len(text.encode()) / 1000:,.0f} kB")
