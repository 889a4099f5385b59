"""`tlbench merge`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from tlbench.cli.board import board_option
from tlbench.cli.configured import ConfiguredCommand
from tlbench.cli.output import print_json, say


@click.command("merge", cls=ConfiguredCommand)
@click.argument("boards", metavar="BOARD...", nargs=-1, required=True, type=click.Path(path_type=Path))
@board_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(boards: Sequence[Path], board: Path, as_json: bool) -> None:
    """Add the results of other boards to a board, and render its leaderboards anew.

    A result that is there already stays as it is. If another board has it with other numbers, it is named with the
    fields that differ; what each run measures anew, such as seconds and latencies, does not count. A result with
    another key and another score contradicts too if its commit, versions, data and options are the same.

    Links are not followed, and only files that belong to a result are taken: its predictions, its latency, and the PNG
    pictures of its analyses.

    \b
    Exit status:
      0  the board has the results of all boards
      1  some results contradict those that the board has, or were left out: they cannot be read, or are links
    """
    from tlbench.errors import UsageError
    from tlbench.leaderboard.render import render
    from tlbench.results.merging import merge
    from tlbench.results.row_files import read_rows, row_paths

    for other in boards:
        if not row_paths(other):
            raise UsageError(f'No results in "{other}/rows": name the folder of a board.')
        if other.resolve() == board.resolve():
            raise UsageError(f'"{other}" is the board that results are added to: name another with --board.')
    merged = merge(boards, board)
    render(board, list(read_rows(board)))
    if as_json:
        print_json(
            {
                "added": merged.copied,
                "there": merged.known,
                "contradictions": [
                    {"file": one.file, "board": str(one.board), "fields": list(one.differing), "known": one.known}
                    for one in merged.contradictions
                ],
                "left_out": merged.left_out,
            }
        )
    else:
        for one in merged.contradictions:
            than = f" than {one.known}" * (one.known != one.file)
            say(f'contradiction: {one.file}: "{one.board}" has another {", ".join(one.differing)}{than}; not taken')
        say(
            f"{len(merged.copied)} results added, {len(merged.known)} there already, "
            f"{len(merged.contradictions)} contradict those of {board}, {len(merged.left_out)} left out"
        )
    if merged.contradictions or merged.left_out:
        sys.exit(1)
