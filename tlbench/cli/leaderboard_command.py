"""`tlbench leaderboard`."""

from __future__ import annotations

from pathlib import Path

import click

from tlbench.cli.board import board_option
from tlbench.cli.output import say


@click.command("leaderboard")
@board_option
@click.option("--plots", is_flag=True, help="Draw the pictures too (needs the extra plots).")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead: what leaderboard.json holds.")
def command(board: Path, plots: bool, as_json: bool) -> None:
    """Render the boards of the rows that are there.

    For each domain a page with tables, CSV and LaTeX; over all a README and leaderboard.json. Pages show the pictures
    that were drawn from the same rows.
    """
    from tlbench.errors import UsageError
    from tlbench.leaderboard import render
    from tlbench.leaderboard.aggregate import aggregate, without_score
    from tlbench.results.row_files import read_rows

    rows = list(read_rows(board))
    if not rows:
        raise UsageError(f'There are no rows below "{board}/rows": make some with tlbench run, or name --board DIR.')
    if as_json:
        say(render.json_text([*aggregate(rows), *without_score(rows)]).removesuffix("\n"))
        return
    for path in render.render(board, rows, plots=plots):
        say(path)
