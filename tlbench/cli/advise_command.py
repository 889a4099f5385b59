"""`tlbench advise`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from tlbench.cli import completion
from tlbench.cli.board import board_option
from tlbench.cli.catalog import plugin_option
from tlbench.cli.output import print_json, say
from tlbench.cli.settings import set_option
from tlbench.leaderboard.advice.limits import NEEDS, Limits

NOTHING = (
    "No strategy has a score: there is nothing to choose among. tlbench leaderboard says what failed or was "
    "skipped, and why; tlbench run --strategy all tries them all."
)


@click.command("advise")
@click.argument("tasks", metavar="[TASK]...", nargs=-1, shell_complete=completion.names_of("tasks"))
@board_option
@click.option("--max-forgetting", type=float, metavar="X", help="Leave out strategies that forget more than this.")
@click.option("--max-ms", type=float, metavar="X", help="Leave out strategies that take more ms for an example (p50).")
@click.option(
    "--needs",
    multiple=True,
    type=click.Choice(NEEDS),
    help="Data that you can give for adaptation. Repeatable: strategies that need any other are left out.  "
    "[default: all of it]",
)
@click.option(
    "--backbones",
    metavar="NAME,NAME",
    help="Rank backbones for one task before training, by transferability estimators and by size.",
)
@click.option("--label-budget", default="", metavar="50 | 5/class | all", help="Labels that --backbones may use.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Seed of --backbones.")
@set_option
@plugin_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(
    tasks: Sequence[str],
    board: Path,
    max_forgetting: float | None,
    max_ms: float | None,
    needs: Sequence[str],
    backbones: str | None,
    label_budget: str,
    seed: int,
    overrides: Mapping[str, str],
    plugins: Sequence[Path],
    as_json: bool,
) -> None:
    """Say which strategy to use for each task of a board, and why.

    For each access, that is for the data that you can give: the strategy, its score with the 95 % interval and its
    difference from others, what it costs in forgetting, latency and adaptation, what the results cannot tell, and what
    else is worth trying. Of strategies that are not significantly different, the one that is cheaper to train is
    chosen, then the one that forgets less, then the faster one. docs/advice.md has all rules.

    \b
    tlbench advise                                          all tasks of --board, in brief
    tlbench advise vision/digits --max-forgetting 0.05      one task; keep the source
    tlbench advise --needs source --needs target-inputs     no target labels at hand
    tlbench advise vision/digits --backbones timm/A,timm/B  which backbone, before training

    Forgetting is that of the source head or, if there is none, of the probe. Milliseconds are those of the machine on
    which they were measured. What was not measured is not within a limit.
    """
    from tlbench.api.recommending import recommend
    from tlbench.errors import UsageError
    from tlbench.results.row_files import read_rows

    if backbones is not None:
        from tlbench.cli.advise_backbones import print_estimates

        names = [name.strip() for name in backbones.split(",") if name.strip()]
        print_estimates(tasks, names, board, label_budget, seed, overrides, plugins, as_json)
        return
    limits = Limits(max_forgetting=max_forgetting, max_ms=max_ms, needs=tuple(needs))
    rows = list(read_rows(board))
    if not rows:
        raise UsageError(f'No results in "{board}/rows": run tlbench run first, or choose another folder with --board.')
    advice = recommend(rows, board, limits, tasks)
    if as_json:
        print_json(advice.to_json())
    elif advice:
        say(advice.text if tasks else advice)
    else:
        say(NOTHING)
