"""`tlbench leaderboard`."""

from __future__ import annotations

from pathlib import Path

import click

from tlbench.cli.board import board_option
from tlbench.cli.configured import ConfiguredCommand
from tlbench.cli.outcome import print_rows, wide_option
from tlbench.cli.output import say


@click.command("leaderboard", cls=ConfiguredCommand)
@board_option
@click.option("--plots", is_flag=True, help="Also draw plots (needs the extra plots).")
@click.option(
    "--parquet",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Also write the table to this Parquet file (needs the extra datasets).",
)
@wide_option
@click.option("--json", "as_json", is_flag=True, help="Print the content of leaderboard.json and write nothing.")
def command(board: Path, plots: bool, parquet: Path | None, wide: bool, as_json: bool) -> None:
    """Render leaderboards from results.

    Writes Markdown, CSV and LaTeX tables for each domain, and a README, leaderboard.json and over-tasks.json for all
    domains. Pages include plots that were drawn from the same results.
    """
    from tlbench.errors import UsageError
    from tlbench.leaderboard import render
    from tlbench.leaderboard.aggregate import aggregate, without_score
    from tlbench.results.row_files import read_rows

    if as_json and parquet is not None:
        raise UsageError("--json writes nothing: leave out --json or --parquet.")
    rows = list(read_rows(board))
    if not rows:
        raise UsageError(f'No results in "{board}/rows": run tlbench run first, or choose another folder with --board.')
    if as_json:
        say(render.json_text([*aggregate(rows, board), *without_score(rows)]).removesuffix("\n"))
        return
    if parquet is not None:
        from tlbench.leaderboard.parquet import write_parquet

        write_parquet(parquet, [*aggregate(rows, board), *without_score(rows)])
    pages = render.render(board, rows, plots=plots)
    print_rows(rows, wide=wide)
    say()
    for path in pages:
        say(path)
