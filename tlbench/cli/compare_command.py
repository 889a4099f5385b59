"""`tlbench compare`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from tlbench.cli.board import board_option
from tlbench.cli.output import print_json, say

if TYPE_CHECKING:
    from tlbench.leaderboard.matching import Sort


@click.command("compare")
@click.argument("a", metavar="A")
@click.argument("b", metavar="B")
@board_option
@click.option(
    "--by",
    type=click.Choice(["strategy", "backbone", "version", "board"]),
    help="What A and B are.  [default: what their names say]",
)
@click.option(
    "--fail-on",
    type=click.Choice(["regression"]),
    help="Exit with status 1 if B is significantly worse than A somewhere, or failed where A has a score.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def command(
    context: click.Context, a: str, b: str, board: Path, by: Sort | None, fail_on: str | None, as_json: bool
) -> None:
    """Compare two strategies, backbones, versions or boards: B minus A for each task, with significance.

    \b
    tlbench compare finetune frozen                       strategies of --board
    tlbench compare timm/resnet18 image/resnet-small      backbones
    tlbench compare 7d9c22f 4819169                       versions: commits, from 4 digits on
    tlbench compare old-board/ new-board/                 boards

    Two folders of results are boards. All other words are looked up in --board, as strategies, backbones and versions;
    if both are of several of these sorts, choose with --by. A strategy with several sets of options may be named by its
    full label on the board, such as "finetune (steps=50)", and a version by its own, such as "commit 7d9c22f with
    uncommitted changes".

    Only results with the same access, label budget, task options, data, test split and metric are compared; others are
    listed with the reason. Milliseconds are compared on the same machine alone. Each interval is one of 95 %: of 40
    comparisons without a true difference, up to two may be called better or worse by chance.

    \b
    Verdict on B:
      better, worse  the 95 % interval of the difference excludes 0
      equal          the same score with every seed
      undecided      anything else; needed is the number of seeds that would decide a difference of this size

    \b
    Exit status:
      0  success
      1  with --fail-on regression: B is significantly worse somewhere, or failed
      2  invalid request
      3  nothing to compare
    """
    from tlbench.api.comparing import compare

    named = context.get_parameter_source("board") is not ParameterSource.DEFAULT
    compared = compare(a, b, board=board if named else None, by=by)
    if as_json:
        print_json(compared.to_json())
    else:
        say(compared)
    if fail_on and (compared.counts["worse"] or any(one.lost for one in compared.uncompared)):
        sys.exit(1)
    if not len(compared):
        sys.exit(3)
