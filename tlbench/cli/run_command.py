"""`tlbench run`."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tlbench.api.carry_out import carry_out, lost
from tlbench.api.progress import progress
from tlbench.api.running import engine_of, run_requests, settings_for
from tlbench.cli import completion
from tlbench.cli.board import board_option
from tlbench.cli.catalog import plugin_option
from tlbench.cli.configured import ConfiguredCommand
from tlbench.cli.engine import engine_options
from tlbench.cli.outcome import print_results, wide_option
from tlbench.cli.output import print_json, say, say_err, say_wrapped
from tlbench.cli.settings import parse_seeds, set_option
from tlbench.cli.verbosity import level, verbosity_options

if TYPE_CHECKING:
    from tlbench.api.display import Display
    from tlbench.api.engines import Opened
    from tlbench.api.results import Results
    from tlbench.engine.job import Job
    from tlbench.planning.settings import Settings

REPLACED = (
    "backbones",
    "strategies",
    "references",
    "estimators",
    "analyses",
    "curves",
    "seeds",
    "label_budgets",
    "augment",
    "remember",
    "select",
    "tune",
)
"""Options that replace what a suite says."""
QUICK = (
    "--quick is a check, by default with one seed and a quarter of the steps{}. For numbers that say which strategy is "
    "better, leave it out."
)
MACHINE = ("device", "threads", "precision", "compiled")
"""Options of `settings_for`; those of `engine_of` are left."""


@click.command("run", cls=ConfiguredCommand)
@click.option(
    "--suite",
    default="embedded",
    show_default=True,
    shell_complete=completion.suites,
    help="Name of a suite (embedded, real, checkpoints, pretrained) or a TOML file.",
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
    metavar="all | NAME",
    help="Strategy. Repeatable.  [default: those that are not on request]",
)
@click.option(
    "--references",
    multiple=True,
    metavar="all | none | NAME",
    help="Baseline that is run too. Repeatable.  [default: all]",
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
    "--curves",
    is_flag=True,
    help="Also score the target at ten steps of training, for the time to the score of scratch. Trains a second time.",
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
    "--augment",
    multiple=True,
    metavar="none,weak,strong",
    help="How far training batches are varied; several are compared. Repeatable.  [default: as the task says]",
)
@click.option(
    "--select",
    default="",
    metavar="RULE",
    help="Choose among the models of a training by this rule, such as information-maximisation: docs/selection.md.",
)
@click.option(
    "--tune",
    type=click.IntRange(0),
    default=0,
    metavar="TRIALS",
    help="Try so many settings of each strategy on folds of its label budget, and adapt with the best one.",
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
@click.option(
    "--precision",
    type=click.Choice(["auto", "fp32", "tf32", "bf16"]),
    default="auto",
    show_default=True,
    help="Arithmetic of training. auto: bf16 on CUDA, else fp32; tf32: CUDA only.",
)
@click.option("--compile", "compiled", is_flag=True, help="Compile models for training: pays off in long training.")
@board_option
@engine_options
@verbosity_options
@click.option(
    "--dry-run", is_flag=True, help="Print the plan, for which a few training steps are timed, and run nothing."
)
@wide_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(
    suite: str,
    quick: bool,
    tasks: Sequence[str],
    overrides: Mapping[str, str],
    plugins: Sequence[Path],
    board: Path,
    dry_run: bool,
    wide: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Run tasks with backbones and strategies; write results and leaderboards.

    Without options, runs the suite `embedded` (all tasks that need no external data) with the default strategies.
    Stages in the cache (TLBENCH_CACHE) are reused, so that a stopped run can continue. Options may stand in
    tlbench.toml, in this folder or in one above it: README.md shows such a file.

    \b
    Exit status:
      0         all runs succeeded or were skipped
      1         a run failed
      2         invalid request or data, or a folder that is not writable
      3         results are missing in the leaderboard folder
      130, 143  stopped by Ctrl-C or SIGTERM
    """
    from tlbench.api.engines import opened
    from tlbench.engine.planned import PlanRequest

    replaced, machine = ({name: options.pop(name) for name in names} for names in (REPLACED, MACHINE))
    settings = settings_for(**machine, board=board, writes=not dry_run)
    runs = run_requests(suite, tasks, quick, replaced, overrides)
    request = PlanRequest(runs=runs, settings=settings, plugins=plugins)
    display, how = progress(level()), engine_of(**options)
    # The plan is for people, and finding out what it says takes time.
    shows = display.level <= logging.INFO and not dry_run
    with closing(display), opened(request, how, display, plan=shows) as run:
        for problem in run.problems:
            say_err(f"Plugin error: {problem}")
        if dry_run:
            if not _print_plan(run, settings, display, as_json):
                sys.exit(2)
            return
        results = carry_out(run, settings)
    _print(results, settings, as_json=as_json, wide=wide)
    status = _status(results)
    if quick and not as_json and level() <= logging.INFO:
        say_wrapped(QUICK.format("" if status else ": it shows that everything runs"))
    if status:
        sys.exit(status)


def _print(results: Results, settings: Settings, *, as_json: bool, wide: bool) -> None:
    if as_json:
        print_json(_as_json(results))
    else:
        print_results(results, settings.cache / "tlbench.log", wide=wide)
    if results.missing:
        say(f"Error: {lost(results, settings)}", err=True)


def _as_json(results: Results) -> dict[str, Any]:
    return {
        "computed": results.computed,
        "cached": results.cached,
        "seconds": results.seconds,
        "rows": [row.to_json() for row in results.rows],
        "missing": [row.file_name for row in results.missing],
        "without": list(results.without),
        "boards": [str(path) for path in results.pages],
    }


def _status(results: Results) -> int:
    """Return the exit status of a run."""
    if results.missing:
        return 3
    if any(row.bad_input for row in results.rows):
        return 2
    return int(any(row.status == "failed" for row in results.rows))


def _print_plan(run: Opened, settings: Settings, display: Display, as_json: bool) -> bool:
    """Print the plan; return whether nothing is known that makes a run of it fail."""
    plan = run.foreseen(settings)
    if as_json:
        print_json([_planned(job) for job in run.jobs])
        for error in plan.errors:
            say_err(f"Error: {error}")
        return not plan.errors
    for title, lines in plan.sections(reasons=True):
        display.section(title, lines, result=True)
    return not plan.errors


def _planned(job: Job) -> dict[str, Any]:
    names = ("task", "backbone", "strategy", "seed", "augmentation")
    about = {"budget": job.budget, "setting": job.fields["setting"], "reason to skip": job.skip or None}
    return {**{name: job.fields[name] for name in names}, **about}
