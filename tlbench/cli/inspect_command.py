"""`tlbench inspect`."""

from __future__ import annotations

import dataclasses
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tlbench.cli.catalog import plugin_option
from tlbench.cli.completion import names_of
from tlbench.cli.configured import ConfiguredCommand
from tlbench.cli.output import print_facts, print_json, print_title, say
from tlbench.cli.settings import set_option
from tlbench.planning.named_files import catalog_with

if TYPE_CHECKING:
    from tlbench.cli.inspection import Inspection
    from tlbench.contract.budget import Budget
    from tlbench.contract.specs import TaskSpec

MOST = 40
"""Lines of a list that a terminal shows; JSON contains all."""


@click.command("inspect", cls=ConfiguredCommand)
@click.argument("task", shell_complete=names_of("tasks"))
@set_option
@plugin_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(task: str, overrides: Mapping[str, str], plugins: Sequence[Path], as_json: bool) -> None:
    """Check the data of a task before a run, including your own data.

    Reads all data and prints sizes, classes, duplicates, the shift between source and target domain, every broken file
    and every other error that would stop a run. Exit status 2: the data has errors.
    """
    spec = catalog_with(plugins).task(task)
    inspection, budget = _inspect(spec, overrides)
    labels = _labels(spec, inspection, budget)
    if as_json:
        print_json({"task": spec.name, **dataclasses.asdict(inspection), "labels": labels})
    else:
        _print(spec, inspection, labels)
    if inspection.refused:
        sys.exit(2)
    if not as_json:
        words = [word for name, value in overrides.items() for word in ("--set", f"{name}={value}")]
        say(f"Time, memory and disk of a run: {shlex.join(['tlbench', 'run', '--task', spec.name, *words])} --dry-run")


def _inspect(task: TaskSpec, overrides: Mapping[str, str]) -> tuple[Inspection, Budget]:
    from tlbench.assets.folders import data_folder
    from tlbench.contract.budget import Budget
    from tlbench.contract.requests import LoadRequest
    from tlbench.errors import UsageError
    from tlbench.planning.catalog import missing
    from tlbench.planning.expand import resolve_task

    if lacking := missing(task):
        raise UsageError(lacking)
    options = resolve_task(task, overrides)
    budget = Budget.parse(str(options.pop("label_budget")))
    request = LoadRequest(task=task.name, options=options, data_root=data_folder())

    from rich.console import Console

    with Console(stderr=True).status(f"Reading the data of {task.name}"):
        from tlbench.cli.inspection import inspect_task

        return inspect_task(task, request, budget.total), budget


def _labels(task: TaskSpec, inspection: Inspection, budget: Budget) -> str:
    """Return how many of the target's labels a run uses; nothing for data that cannot be loaded."""
    from tlbench.api.data_facts import labels_line

    there = sum(split["examples"] for split in inspection.splits if split["split"] == "target train")
    classes = sum(line["target train"] is not None for line in inspection.classes)
    return labels_line(task.kind.unit, [str(budget)], there, classes) if there else ""


def _print(task: TaskSpec, inspection: Inspection, labels: str) -> None:
    print_title(f"data of {task.name}: {task.title}")
    if inspection.setting:
        from tlbench.planning.compatibility import SETTINGS

        setting = f"{inspection.setting}: {SETTINGS[inspection.setting]}"
        print_facts({"setting": setting, "labels": labels})
    copies = [{**line, "such as": line["such as"][0]} for line in inspection.duplicates]
    for title, lines in (("splits", inspection.splits), ("classes", inspection.classes), ("duplicates", copies)):
        print_facts({title: lines[:MOST]})
        _more(len(lines))
    if inspection.splits and not inspection.duplicates:
        say("\nThere are no duplicates.")
    if inspection.shift:
        say("\nshift")
        print_facts(inspection.shift, indent="  ")
    for title, sentences in (("warnings", inspection.notes), ("errors", inspection.refused)):
        if sentences:
            say(f"\n{title}")
            for sentence in sentences[:MOST]:
                say(f"  - {sentence}")
            _more(len(sentences))
    errors, warnings = _count(len(inspection.refused), "error"), _count(len(inspection.notes), "warning")
    say(f"\nData {'invalid' if inspection.refused else 'OK'}: {errors}, {warnings}.")


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _more(count: int) -> None:
    if count > MOST:
        say(f"... and {count - MOST} more: see --json")
