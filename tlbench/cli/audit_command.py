"""`tlbench audit`."""

from __future__ import annotations

import dataclasses
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tlbench.cli import completion
from tlbench.cli.board import board_option
from tlbench.cli.catalog import plugin_option
from tlbench.cli.output import print_json, say, say_err
from tlbench.cli.settings import set_option

if TYPE_CHECKING:
    from tlbench.results.audits import Audit

STATUSES = {"clean": 0, "caught": 1, "undecided": 3}


@click.command("audit")
@click.argument("strategy", shell_complete=completion.names_of("strategies"))
@click.option("--task", default="", shell_complete=completion.names_of("tasks"), help="Default: the first that fits.")
@click.option(
    "--backbone",
    default="",
    shell_complete=completion.names_of("backbones"),
    help="Default: the backbone of the task.",
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@click.option("--device", type=click.Choice(["cpu", "cuda"]), default="cpu", show_default=True)
@set_option
@plugin_option
@board_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(
    strategy: str,
    task: str,
    backbone: str,
    seed: int,
    device: str,
    overrides: Mapping[str, str],
    plugins: Sequence[Path],
    board: Path,
    as_json: bool,
) -> None:
    """Audit a strategy: does its model depend on data that is withheld from it?

    STRATEGY adapts the same source model several times, each time in a process of its own: to the data as it is, to
    data in which all that it must not see is permuted or replaced, and without a data folder. The model must be the
    same, bit for bit. docs/audits.md says what this catches, and what it cannot catch.

    The certificate is written to audits/ on the board, and results of the same code and options have the mark audited.

    \b
    Exit status:
      0  clean
      1  caught: the model depends on withheld data, or the strategy opens files of data
      2  invalid request
      3  undecided: the strategy fails, or gives another model in each run
    """
    found = _audited(strategy, task, backbone, seed, device, overrides, plugins, board, quiet=as_json)
    _keep(found, board)
    if as_json:
        print_json(dataclasses.asdict(found))
    else:
        say(f"{found.outcome}: {found.strategy} of {found.plugin}")
    if status := STATUSES[found.outcome]:
        sys.exit(status)


def _audited(
    strategy: str,
    task: str,
    backbone: str,
    seed: int,
    device: str,
    overrides: Mapping[str, str],
    plugins: Sequence[Path],
    board: Path,
    quiet: bool,
) -> Audit:
    from tlbench.api.running import settings_for
    from tlbench.engine.audit import audit
    from tlbench.engine.planned import PlanRequest
    from tlbench.planning.selection import NONE, RunRequest

    run = RunRequest(
        tasks=(task,) if task else (),
        backbones=(backbone,) if backbone else (),
        strategies=(strategy,),
        references=(NONE,),
        seeds=(seed,),
        overrides=overrides,
    )
    request = PlanRequest(runs=[run], settings=settings_for(device, 1, board), plugins=plugins, find=False)
    with tempfile.TemporaryDirectory(prefix="tlbench-audit-") as folder:
        return audit(request, Path(folder), say_err if quiet else say)


def _keep(found: Audit, board: Path) -> None:
    """Write the certificate, and render the pages of the board if it has results."""
    from tlbench.leaderboard.render import render
    from tlbench.results.audits import write_audit
    from tlbench.results.row_files import read_rows

    write_audit(board, found)
    if rows := list(read_rows(board)):
        render(board, rows)
