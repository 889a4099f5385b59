"""`tlbench inspect`."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tlbench.cli.catalog import catalog_with, plugin_option
from tlbench.cli.completion import names_of
from tlbench.cli.output import print_facts, print_json, print_title, say
from tlbench.cli.settings import set_option

if TYPE_CHECKING:
    from tlbench.cli.inspection import Inspection
    from tlbench.contract.specs import TaskSpec

MOST = 40
"""Lines of a list that a terminal shows; JSON holds all."""


@click.command("inspect")
@click.argument("task", shell_complete=names_of("tasks"))
@set_option
@plugin_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(task: str, overrides: Mapping[str, str], plugins: Sequence[Path], as_json: bool) -> None:
    """Look at a task's data before a run, also at your own.

    Reads everything and prints sizes, classes, duplicates, how far the sides are apart, every file that is broken,
    and whatever else a run would refuse. Exit status 2 where it would refuse the data.
    """
    spec = catalog_with(plugins).task(task)
    found = _inspect(spec, overrides)
    if as_json:
        print_json({"task": spec.name, **dataclasses.asdict(found)})
    else:
        _print(spec, found)
    if found.refused:
        sys.exit(2)


def _inspect(task: TaskSpec, overrides: Mapping[str, str]) -> Inspection:
    from tlbench.assets.folders import data_folder
    from tlbench.contract.budget import Budget
    from tlbench.contract.requests import LoadRequest
    from tlbench.errors import UsageError
    from tlbench.planning.catalog import missing
    from tlbench.planning.expand import resolve_task

    if lacking := missing(task):
        raise UsageError(lacking)
    options = resolve_task(task, overrides)
    budget = Budget.parse(str(options.pop("label_budget"))).total
    request = LoadRequest(task=task.name, options=options, data_root=data_folder())

    from rich.console import Console

    with Console(stderr=True).status(f"Reading the data of {task.name}"):
        from tlbench.cli.inspection import inspect_task

        return inspect_task(task, request, budget)


def _print(task: TaskSpec, found: Inspection) -> None:
    print_title(f"data of {task.name}: {task.title}")
    copies = [{**line, "such as": line["such as"][0]} for line in found.duplicates]
    for title, lines in (("splits", found.splits), ("classes", found.classes), ("copies", copies)):
        print_facts({title: lines[:MOST]})
        _more(len(lines))
    if found.splits and not found.duplicates:
        say("\nNo two examples are equal.")
    if found.shift:
        say("\nshift")
        print_facts(found.shift, indent="  ")
    for title, sentences in (("worth knowing", found.notes), ("a run refuses this data", found.refused)):
        if sentences:
            say(f"\n{title}")
            for sentence in sentences[:MOST]:
                say(f"  - {sentence}")
            _more(len(sentences))
    say("" if found.refused else "\nNothing keeps a run from using this data.")


def _more(count: int) -> None:
    if count > MOST:
        say(f"... and {count - MOST} more: see --json")
