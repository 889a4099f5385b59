"""`tlbench run`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import click


def _seeds(context: click.Context, parameter: click.Parameter, value: str) -> tuple[int, ...]:
    """`3` stands for 0, 1, 2; `1000-1004` for a range; `7,9` for those."""
    try:
        if "-" in value:
            first, last = value.split("-")
            return tuple(range(int(first), int(last) + 1))
        return tuple(int(seed) for seed in value.split(",")) if "," in value else tuple(range(int(value)))
    except ValueError:
        raise click.BadParameter(f'"{value}" is no count (3), range (1000-1004) or list (7,9).') from None


def _overrides(context: click.Context, parameter: click.Parameter, value: Sequence[str]) -> Mapping[str, str]:
    overrides = {}
    for text in value:
        key, equals, setting = text.partition("=")
        if not equals or "." not in key:
            raise click.BadParameter(f'"{text}" is not OWNER.NAME=VALUE, such as adversarial.conditional=true.')
        overrides[key] = setting
    return overrides


@click.command("run")
@click.option(
    "--task",
    "tasks",
    multiple=True,
    help="Task to run; repeatable. Default: every task that needs no data from outside.",
)
@click.option("--backbone", "backbones", multiple=True, help="Backbone; repeatable. Default: each task's own.")
@click.option("--strategy", "strategies", multiple=True, help="Strategy; repeatable. Default: all.")
@click.option(
    "--seeds", default="1", callback=_seeds, show_default=True, help="Count (3), range (1000-1004) or list (7,9)."
)
@click.option(
    "--set",
    "overrides",
    multiple=True,
    callback=_overrides,
    metavar="OWNER.NAME=VALUE",
    help="Change an option; repeatable.",
)
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", show_default=True)
@click.option(
    "--threads", type=click.IntRange(1), default=1, show_default=True, help="Threads of every numeric library."
)
@click.option(
    "--board",
    type=click.Path(file_okay=False, path_type=Path),
    default="leaderboards",
    show_default=True,
    help="Folder for rows and boards.",
)
@click.option("--dry-run", is_flag=True, help="Print the plan and run nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(
    tasks: Sequence[str],
    backbones: Sequence[str],
    strategies: Sequence[str],
    seeds: Sequence[int],
    overrides: Mapping[str, str],
    device: str,
    threads: int,
    board: Path,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Run pairings and write their rows and boards.

    What is in the cache (TLBENCH_CACHE) is not computed again; a stopped run goes on where it was.
    """
    from tlbench import runner
    from tlbench.identity import resolve_device
    from tlbench.plan import Settings
    from tlbench.planning import Wish, make_plan
    from tlbench.plugins import load_catalog

    settings = Settings(device=resolve_device(device), threads=threads, board=board)
    catalog = load_catalog()
    wish = Wish(tasks=tasks, backbones=backbones, strategies=strategies, seeds=seeds, overrides=overrides)
    plan = make_plan(wish, catalog, settings)
    outcome = runner.run(plan, catalog, settings)
    for row in outcome.rows:
        print(
            row.task,
            row.strategy,
            row.seed,
            row.status,
            row.reason,
            row.score,
            row.eager_score,
            row.score_matrix,
            row.forgetting_head,
            row.forgetting_probe,
            row.p50_ms,
            row.contended,
            row.parity,
        )
    print(outcome.seconds, outcome.computed)
