"""`tlbench run`."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tlbench.cli import completion
from tlbench.cli.board import board_option
from tlbench.cli.catalog import catalog_with, plugin_option
from tlbench.cli.diagnostic_lines import diagnostic_lines
from tlbench.cli.output import print_json, print_table, say
from tlbench.cli.progress import progress
from tlbench.cli.settings import parse_seeds, set_option
from tlbench.leaderboard import wording
from tlbench.leaderboard.aggregate import Entry, aggregate, without_score
from tlbench.leaderboard.render import render
from tlbench.results.columns import TERMINAL, columns
from tlbench.results.row_files import read_rows

if TYPE_CHECKING:
    from tlbench.engine.runner import Outcome
    from tlbench.planning.expand import RunRequest
    from tlbench.planning.plan import Plan
    from tlbench.planning.settings import Settings
    from tlbench.results.row import Row


@click.command("run")
@click.option(
    "--suite",
    default="embedded",
    show_default=True,
    shell_complete=completion.suites,
    help="Name of a suite (embedded, real, checkpoints) or a TOML file.",
)
@click.option("--quick", is_flag=True, help="Quick check: one seed and a quarter of the training steps.")
@click.option(
    "--task",
    "tasks",
    multiple=True,
    shell_complete=completion.names_of("tasks"),
    help="Task to run. Repeatable.  [default: all tasks of the suite]",
)
@click.option(
    "--backbone",
    "backbones",
    multiple=True,
    shell_complete=completion.names_of("backbones"),
    help="Backbone. Repeatable.  [default: the default backbone of each task]",
)
@click.option(
    "--strategy",
    "strategies",
    multiple=True,
    shell_complete=completion.names_of("strategies"),
    help="Strategy. Repeatable. Baselines are added.  [default: all]",
)
@click.option(
    "--estimator",
    "estimators",
    multiple=True,
    shell_complete=completion.names_of("estimators"),
    help="Also estimate transferability before adaptation. Repeatable.",
)
@click.option(
    "--analysis",
    "analyses",
    multiple=True,
    shell_complete=completion.names_of("analyses"),
    help="Also analyse what adaptation changed. Repeatable.",
)
@click.option(
    "--seeds",
    default="",
    callback=parse_seeds,
    help="Number (3), range (1000-1004) or list (7,9).  [default: 3, or those of the suite]",
)
@click.option(
    "--label-budget",
    "label_budgets",
    multiple=True,
    metavar="50 | 5/class | all",
    help="Labelled target examples. Repeat it for a learning curve.  [default: the label budget of the task]",
)
@click.option(
    "--remember",
    default="",
    metavar="TASK",
    shell_complete=completion.names_of("tasks"),
    help="Measure forgetting on this task, for tasks without a source domain. Its options: --set remember.NAME=VALUE.",
)
@set_option
@plugin_option
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", show_default=True)
@click.option(
    "--threads", type=click.IntRange(1), default=1, show_default=True, help="Threads of each numeric library."
)
@board_option
@click.option("--dry-run", is_flag=True, help="Print the plan and run nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(
    suite: str,
    quick: bool,
    tasks: Sequence[str],
    backbones: Sequence[str],
    strategies: Sequence[str],
    estimators: Sequence[str],
    analyses: Sequence[str],
    seeds: Sequence[int],
    label_budgets: Sequence[str],
    remember: str,
    overrides: Mapping[str, str],
    plugins: Sequence[Path],
    device: str,
    threads: int,
    board: Path,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Run tasks with backbones and strategies; write results and leaderboards.

    Without options, runs the suite `embedded` (all tasks that need no external data) with all strategies. Stages in
    the cache (TLBENCH_CACHE) are reused, so that a stopped run can continue.

    \b
    Exit status:
      0         all runs succeeded or were skipped
      1         a run failed
      2         invalid request or data, or a folder that is not writable
      3         results are missing in the leaderboard folder
      130, 143  stopped by Ctrl-C or SIGTERM
    """
    from tlbench.engine import runner
    from tlbench.planning.expand import make_plan
    from tlbench.planning.fingerprints import resolve_device
    from tlbench.planning.settings import Settings

    replaced = {"backbones": backbones, "strategies": strategies, "seeds": seeds, "label_budgets": label_budgets}
    replaced["remember"] = remember
    replaced |= {"estimators": estimators, "analyses": analyses}
    settings = Settings(device=resolve_device(device), threads=threads, board=board)
    settings.check_cache()
    if not dry_run:
        settings.check_board()
    display = progress()
    catalog = catalog_with(plugins, [display])
    for problem in catalog.problems:
        say(f"Plugin error: {problem}", err=True)
    plan = make_plan(_run_requests(suite, tasks, quick, replaced, overrides), catalog, settings)
    if dry_run:
        _print_plan(plan, as_json)
        return
    with closing(display):
        outcome = runner.run(plan, catalog, settings)
    _report(outcome, settings, as_json)


def _report(outcome: Outcome, settings: Settings, as_json: bool) -> None:
    """Render the leaderboards, unless results are missing; print what a run did, and exit if a result is not there."""
    boards = [] if outcome.missing else render(settings.board, list(read_rows(settings.board)))
    if as_json:
        print_json(
            {
                "computed": outcome.computed,
                "cached": outcome.cached,
                "seconds": outcome.seconds,
                "rows": [row.to_json() for row in outcome.rows],
                "missing": [row.file_name for row in outcome.missing],
                "without": outcome.without,
                "boards": [str(path) for path in boards],
            }
        )
    else:
        _print_outcome(outcome, boards)
    if outcome.missing:
        say(
            f'Error: {len(outcome.missing)} of {len(outcome.rows)} results are missing in "{settings.board}": check '
            f'disk space, permissions and "{settings.cache / "tlbench.log"}", then run the same command again.',
            err=True,
        )
    if status := _status(outcome):
        sys.exit(status)


def _status(outcome: Outcome) -> int:
    """Return the exit status of a run."""
    if outcome.missing:
        return 3
    if any(row.bad_input for row in outcome.rows):
        return 2
    return int(any(row.status == "failed" for row in outcome.rows))


def _run_requests(
    suite: str,
    tasks: Sequence[str],
    quick: bool,
    arguments: Mapping[str, Sequence[Any]],
    overrides: Mapping[str, str],
) -> list[RunRequest]:
    """Return the run requests of a suite. Arguments of the command line replace those of the suite."""
    from tlbench.assets.checkpoints import models_folder
    from tlbench.planning.suites import read_suite

    chosen = read_suite(suite).of_tasks(tasks)
    replaced: dict[str, Any] = {name: value for name, value in arguments.items() if value}
    if quick:
        replaced = {"seeds": (0,), **replaced}
    run_requests = [
        dataclasses.replace(run, quick=quick, **replaced, overrides={**run.overrides, **overrides})
        for run in chosen.runs
    ]
    chosen.check_checkpoints(run_requests, models_folder())
    return run_requests


def _print_plan(plan: Plan, as_json: bool) -> None:
    lines = [
        {
            "task": pairing.task.name,
            "backbone": pairing.backbone.name,
            "strategy": pairing.strategy.name,
            "seed": pairing.seed,
            "budget": str(pairing.label_budget),
            "setting": pairing.setting,
            "reason to skip": pairing.skip or None,
        }
        for pairing in plan.pairings
    ]
    print_json(lines) if as_json else print_table(lines)


def _print_outcome(outcome: Outcome, boards: Sequence[Path]) -> None:
    several = len({row.backbone for row in outcome.rows}) > 1
    print_table([_line(entry, several) for entry in aggregate(outcome.rows)])
    for line in [*_without_score(outcome.rows), *diagnostic_lines(outcome)]:
        say(line)
    counts = ", ".join(f"{sum(row.status == s for row in outcome.rows)} {s}" for s in ("ok", "failed", "skipped"))
    say(f"\nresults: {counts}")
    say(f"{outcome.computed} stages computed, {outcome.cached} from cache")
    if outcome.seconds:
        spent = "   ".join(f"{stage} {seconds:.1f}" for stage, seconds in outcome.seconds.items())
        say(f"CPU seconds: {spent}   total {sum(outcome.seconds.values()):.1f}")
    if boards:
        say(f"leaderboards: {boards[-1]}")


def _without_score(rows: Sequence[Row]) -> list[str]:
    """Return a line for each reason why runs of a task and backbone failed or were skipped."""
    groups: dict[tuple[str, ...], list[Entry]] = {}
    for entry in without_score(rows):
        row = entry.first
        key = (wording.ending(entry), row.task, row.backbone, f"{wording.seeds(entry.rows)}: {row.reason}")
        groups.setdefault(key, []).append(entry)
    return [
        f"{end}: {task} {backbone} {', '.join(dict.fromkeys(entry.first.strategy for entry in entries))} {why}"
        for (end, task, backbone, why), entries in groups.items()
    ]


def _line(entry: Entry, several: bool) -> dict[str, Any]:
    """Return the cells of an entry under their titles; the backbone is named if there are several."""
    shown = [column for column in columns(TERMINAL) if several or column.field != "backbone"]
    return {column.title: entry.value(column.field) for column in shown}
