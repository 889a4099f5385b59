"""Which rows are seeds of one question, and in what two questions differ."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from tlbench.leaderboard import versions
from tlbench.results import baselines
from tlbench.results.files import digest
from tlbench.results.row import Row

T = TypeVar("T")
AUGMENTATION = "augmentation"
"""An option that older results do not say: beside them it tells nothing."""


def model(row: Row) -> str:
    """Name what the seeds of one model start from, and the version of the code and of the data that made them."""
    return digest([baselines.model(row), versions.version(row), versions.data(row)])


def start(row: Row) -> str:
    """Name what a row starts from, and the version of the code and of the data that made it."""
    return digest([model(row), row.seed])


def attempt(row: Row) -> str:
    """Name what the seeds of a strategy have in common, whether they failed or not."""
    rules = [row.access, row.baseline, row.selection, baselines.requested_budget(row), row.augmentation]
    return digest([baselines.model(row), row.strategy, row.strategy_options, row.plugins, rules])


def comparisons(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Return for each row what the baselines of the same version give: see `baselines.comparisons`."""
    return _by_version(rows, baselines.comparisons)


def scratches(rows: Sequence[Row]) -> list[Row | None]:
    """Return for each row the `scratch` of the same version that it is compared with, if there is one."""
    return _by_version(rows, baselines.scratches)


def _by_version(rows: Sequence[Row], compare: Callable[[Sequence[Row]], Sequence[T]]) -> list[T]:
    by_version: dict[str, list[int]] = defaultdict(list)
    for place, row in enumerate(rows):
        by_version[versions.version(row)].append(place)
    found: dict[int, T] = {}
    for places in by_version.values():
        found |= zip(places, compare([rows[place] for place in places]), strict=True)
    return [found[place] for place in range(len(rows))]


def compared(rows: Sequence[Row]) -> list[Row]:
    """Return rows with the gains that their baselines give, whatever the rows say; without a baseline they say it."""
    return [
        row if all(getattr(row, name) == value for name, value in fields.items()) else replace(row, **fields)
        for row, fields in zip(rows, comparisons(rows), strict=True)
    ]


def options(row: Row) -> dict[str, Any]:
    """Return what may differ between rows of one task, backbone and strategy, by the name that a board gives it."""
    parts = {"task": row.task_options, "backbone": row.backbone_options, "source": row.source_options}
    flat = {f"{owner}.{name}": value for owner, part in parts.items() for name, value in part.items()}
    if row.weights_sha256:
        flat["backbone.weights"] = f"{row.weights} {row.weights_sha256[:6]}"
    budget = row.budget_rule or row.label_budget
    read = {"label_budget": budget, "task.files": row.files[:6], "metric": row.metric, AUGMENTATION: row.augmentation}
    plugins = {f"plugin of {role}": name for role, name in row.plugins.items()}
    kept = {f"remember.{name}": value for name, value in row.remembered_options.items()}
    if row.remembered:
        kept |= {"remember": row.remembered, "remember.files": row.remembered_files[:6]}
    return {**flat, **row.strategy_options, **read, **plugins, **kept}


def pretrained(row: Row) -> bool:
    """Return whether the encoder began with weights from a file; some files hold an architecture alone."""
    return bool(row.weights_sha256) and "random" not in (row.weights, row.backbone_options.get("weights"))


def model_options(row: Row) -> dict[str, Any]:
    """Return the options of the source model and of the backbone."""
    parts = {"backbone": row.backbone_options, "source": row.source_options}
    return {f"{owner}.{name}": value for owner, part in parts.items() for name, value in part.items()}


def place(row: Row) -> dict[str, Any]:
    """Return everything that may tell two models of one task, backbone and version from each other."""
    names = ("weights_sha256", "source_mode", "files", "machine", "device", "threads", "precision")
    fields = {name: getattr(row, name) for name in (*names, "accumulation_steps", "compiled")}
    return {**{f"task.{name}": value for name, value in row.task_options.items()}, **model_options(row), **fields}


def differing(every: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the names of the values that differ, in the order of the alphabet."""
    names = sorted({name for values in every for name in values})
    telling = [name for name in names if len({str(values.get(name)) for values in every}) > 1]
    known = {values[AUGMENTATION] for values in every if values.get(AUGMENTATION)}
    return [name for name in telling if name != AUGMENTATION or len(known) > 1]


def told(values: Mapping[str, Any], names: Sequence[str]) -> str:
    """Return values as a board names them; of those that are not there, only where no other one is there."""
    there = [f"{name}={values[name]}" for name in names if name in values]
    return ", ".join(there or [f"without {name}" for name in names])


def question(row: Row) -> str:
    """Name what the seeds of one entry have in common."""
    rules = [row.access, row.baseline, row.setting, row.selection, row.budget_unit, row.test_size]
    end = [row.status, row.stage, row.reason]
    training = [row.precision, row.accumulation_steps, row.compiled]
    place = [row.machine, row.device, row.threads, *training, versions.version(row), versions.data(row)]
    return digest([row.task, row.backbone, row.strategy, options(row), *rules, *place, *end])


def several_models(rows: Sequence[Row]) -> dict[str, list[str]]:
    """Return for each row's `encoder` the options in which its models differ, whatever the strategies."""
    models: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for row in rows:
        models[encoder(row)].append(model_options(row))
    return {name: differing(every) for name, every in models.items()}


def encoder(row: Row) -> str:
    """Name what models share that differ in their options alone; backbones have recipes of their own."""
    return digest([row.task, row.backbone, row.task_options, row.files])


def notes(rows: Sequence[Row]) -> dict[str, str]:
    """Return for each question the options that tell it from others of its strategy, and its model from other models.

    All of one task and backbone: a strategy at one image size stands beside baselines at another.
    """
    alike: dict[tuple[str, str, str], list[Row]] = defaultdict(list)
    for row in rows:
        alike[row.task, row.backbone, row.strategy].append(row)
    models = several_models(rows)
    texts = {}
    for group in alike.values():
        every = [options(row) for row in group]
        telling = sorted({*differing(every), *(name for row in group for name in models[encoder(row)])})
        several = len({row.device for row in group}) > 1
        for row, values in zip(group, every, strict=True):
            parts = [told(values, telling)] if telling else []
            if several:
                parts.append(row.device)
            if len({row.precision for row in group}) > 1:
                parts.append(row.precision)
            if len({row.accumulation_steps for row in group}) > 1:
                parts.append(f"batch in {row.accumulation_steps}")
            if len({row.compiled for row in group}) > 1:
                parts.append("compiled" if row.compiled else "not compiled")
            texts[question(row)] = ", ".join(parts)
    return texts
