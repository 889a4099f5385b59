"""`tlbench leaderboard`."""

from __future__ import annotations

from pathlib import Path

import click

from tlbench.cli.output import print_json


@click.command("leaderboard")
@click.option(
    "--board",
    type=click.Path(file_okay=False, path_type=Path),
    default="leaderboards",
    show_default=True,
    help="Folder of rows and boards.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead.")
def command(board: Path, as_json: bool) -> None:
    """Render the boards of the rows that are there: Markdown and CSV for each domain, and a README over all."""
    from tlbench.errors import UsageError
    from tlbench.leaderboard import render
    from tlbench.leaderboard.aggregate import aggregate, as_record
    from tlbench.rows import read_rows

    rows = list(read_rows(board))
    if not rows:
        raise UsageError(f'There are no rows below "{board}/rows": make some with tlbench run, or name --board DIR.')
    if as_json:
        print_json([as_record(entry) for entry in aggregate(rows)])
        return
    for path in render.render(board, rows):
        click.echo(path)
