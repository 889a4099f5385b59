"""`tlbench inspect`."""

from __future__ import annotations

import dataclasses
import re
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tlbench.cli.catalog import plugin_option
from tlbench.cli.completion import names_of
from tlbench.cli.configured import ConfiguredCommand
from tlbench.cli.output import print_facts, print_json, print_title, say, say_wrapped
from tlbench.cli.settings import set_option
from tlbench.planning.named_files import catalog_with

if TYPE_CHECKING:
    from tlbench.cli.inspection import Inspection
    from tlbench.contract.backbone_specs import BackboneSpec
    from tlbench.contract.budget import Budget
    from tlbench.contract.specs import TaskSpec

MOST = 40
"""Lines of a list that a terminal shows; JSON contains all."""
ALIKE = 3
"""Sentences that differ only in numbers and in what is quoted, of which a terminal shows so many."""
LONGEST = 40
"""Characters of a class's name that a terminal shows."""


@click.command("inspect", cls=ConfiguredCommand)
@click.argument("task", shell_complete=names_of("tasks"))
@set_option
@plugin_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(task: str, overrides: Mapping[str, str], plugins: Sequence[Path], as_json: bool) -> None:
    """Check the data of a task before a run, including your own data.

    Reads all data and prints how columns are read, sizes, classes, duplicates, the shift between source and target
    domain, every broken file and every other error that would stop a run. Checkpoints and backbones are not read: with
    these, `tlbench run --dry-run` checks that a run can start. Exit status 2: the data has errors.
    """
    catalog = catalog_with(plugins)
    spec = catalog.task(task)
    # Only answers in a context are looked for by the default backbone, whose packages may not be installed.
    backbone = catalog.backbone(spec.backbone) if spec.kind.layout == "context" else None
    inspection, budget = _inspect(spec, backbone, overrides)
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


def _inspect(task: TaskSpec, backbone: BackboneSpec | None, overrides: Mapping[str, str]) -> tuple[Inspection, Budget]:
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

        return inspect_task(task, request, budget.total, backbone), budget


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
        print_facts({"setting": setting, "labels": labels, **_image_sizes(inspection)})
    lists: dict[str, Sequence[Mapping[str, Any]]] = {
        "columns": inspection.columns,
        "splits": _finite(inspection.splits),
        "classes": _short(inspection.classes),
        "duplicates": [{**line, "such as": line["such as"][0]} for line in inspection.duplicates],
    }
    for title, lines in lists.items():
        print_facts({title: list(lines[:MOST])})
        _more(len(lines))
    if inspection.splits and not inspection.duplicates:
        say("\nThere are no duplicates.")
    if inspection.shift:
        say("\nshift")
        print_facts({name: str(value) for name, value in inspection.shift.items()}, indent="  ")
    for title, sentences in (("warnings", inspection.notes), ("errors", inspection.refused)):
        if sentences:
            _print_sentences(title, sentences)
    errors, warnings = _count(len(inspection.refused), "error"), _count(len(inspection.notes), "warning")
    say(f"\nData {'invalid' if inspection.refused else 'OK'}: {errors}, {warnings}.")


def _image_sizes(inspection: Inspection) -> dict[str, str]:
    """Return the sizes of images before and after the task, as a plan has them; nothing without images in files."""
    from tlbench.api.data_facts import loaded_line

    original, loaded = inspection.images.get("in their files"), inspection.images.get("as loaded")
    return {"images": loaded_line(original, loaded)} if original and loaded else {}


def _print_sentences(title: str, sentences: Sequence[str]) -> None:
    """Print sentences, of those about many lines of a file the first ones and their number."""
    alike: dict[str, list[str]] = {}
    for sentence in sentences:
        alike.setdefault(re.sub(r'"[^"]*"|\d+', "", sentence), []).append(sentence)
    say(f"\n{title}")
    for group in list(alike.values())[:MOST]:
        for sentence in group[:ALIKE]:
            say_wrapped(f"  - {sentence}")
        if len(group) > ALIKE:
            say(f"  ... and {len(group) - ALIKE} more like this: see --json")
    _more(len(alike))


def _finite(splits: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return what is known of splits, without the numbers of values that are not finite if there are no such values."""
    if any(split.get("not finite") for split in splits):
        return list(splits)
    return [{name: value for name, value in split.items() if name != "not finite"} for split in splits]


def _short(classes: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return classes with long names cut."""
    return [{**line, "class": _cut(str(line["class"]))} for line in classes]


def _cut(name: str) -> str:
    return name if len(name) <= LONGEST else f"{name[: LONGEST - 3]}..."


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _more(count: int) -> None:
    if count > MOST:
        say(f"... and {count - MOST} more: see --json")
