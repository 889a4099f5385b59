"""Row -> the command, or the request, that runs it again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from tlbench.contract.backbone_specs import BackboneSpec
from tlbench.contract.options import Option, OptionValue
from tlbench.contract.specs import EMPTY, StrategySpec, TaskSpec
from tlbench.contract.training import SOURCE
from tlbench.errors import UsageError
from tlbench.planning.augmentation import usual_strength, with_named
from tlbench.planning.catalog import Catalog
from tlbench.planning.encoders import SOURCE_MODE, SOURCE_OPTIONS
from tlbench.planning.overrides import default_value
from tlbench.planning.plan import is_weights
from tlbench.planning.plan_parts import PLACES
from tlbench.planning.rules import own_rule
from tlbench.planning.selection import NONE, RunRequest
from tlbench.planning.settings import Settings
from tlbench.planning.tuned import options_of
from tlbench.results.row import Row

PATH = "PATH"
"""What stands for a file or folder of the user."""


@dataclass(frozen=True, kw_only=True)
class Repeat:
    """What has to be said beside task, strategy and seed to run a row's pairing again; empty for a default."""

    backbone: str
    label_budget: str
    select: str
    augment: str
    remember: str
    precision: str
    overrides: Mapping[str, str]
    """`OWNER.NAME` -> value; `PATH` for a file or folder of the user, whose place a row does not hold."""


def repeat_of(row: Row, catalog: Catalog) -> Repeat:
    """Return what runs a row's pairing again.

    An option appears if its value differs from the current default. A task, backbone or strategy that is not installed
    has no defaults.
    """
    task, backbone = catalog.tasks.get(row.task), catalog.backbones.get(row.backbone)
    strategy = catalog.strategies.get(row.strategy)
    selects = strategy and task and row.selection in strategy.selections and row.selection != own_rule(strategy, task)
    usual = task and backbone and usual_strength(with_named(task, row.task_options), backbone)
    varied = row.augmentation and row.augmentation != usual
    settings = [
        *_places(row, task),
        *_remembered(row, catalog),
        *_budget(row, task),
        *_changed(row, task, backbone, strategy),
    ]
    return Repeat(
        backbone=row.backbone if task is None or task.backbone != row.backbone else "",
        label_budget=row.budget_rule,
        select=row.selection if selects else "",
        augment=(row.augmentation or "") if varied else "",
        remember=row.remembered or "",
        precision=row.precision if row.precision != Settings(device=row.device).training_precision else "",
        overrides={name: value for name, _, value in (setting.partition("=") for setting in settings)},
    )


def repeat_command(row: Row, catalog: Catalog) -> list[str]:
    """Return the words of the command that runs a row's pairing again; `PATH` stands for each file of the user."""
    repeat = repeat_of(row, catalog)
    words = ["tlbench", "run", "--task", row.task]
    if repeat.backbone:
        words += ["--backbone", repeat.backbone]
    words += ["--strategy", row.strategy, "--seeds", f"{row.seed}-{row.seed}", "--device", row.device]
    for name in ("label_budget", "select", "augment", "remember", "precision"):
        if value := getattr(repeat, name):
            words += [f"--{name.replace('_', '-')}", value]
    if row.compiled:
        words.append("--compile")
    if row.threads != 1:
        words += ["--threads", str(row.threads)]
    return words + [word for name, value in repeat.overrides.items() for word in ("--set", f"{name}={value}")]


def repeat_request(row: Row, catalog: Catalog) -> RunRequest:
    """Return the request whose plan is a row's pairing alone. Raises `UsageError` if it needs files of the user."""
    repeat = repeat_of(row, catalog)
    if places := [name for name, value in repeat.overrides.items() if value == PATH]:
        raise UsageError(f"it needs files whose place a result does not hold: {', '.join(places)}")
    return RunRequest(
        tasks=(row.task,),
        backbones=(row.backbone,),
        strategies=(row.strategy,),
        references=(NONE,),
        seeds=(row.seed,),
        label_budgets=(repeat.label_budget,) if repeat.label_budget else (),
        augment=(repeat.augment,) if repeat.augment else (),
        select=repeat.select,
        remember=repeat.remember,
        overrides=repeat.overrides,
    )


def _places(row: Row, task: TaskSpec | None) -> Iterator[str]:
    if task is not None and task.data_from == "user":
        named = [option.name for option in task.options if option.name in PLACES]
        alone = row.setting == "target-only"
        yield from (f"task.{name}={PATH}" for name in named if not (alone and name == "source"))


def _remembered(row: Row, catalog: Catalog) -> Iterator[str]:
    """Yield the options of the remembered task."""
    kept = catalog.tasks.get(row.remembered or "")
    if kept is not None and kept.data_from == "user":
        yield f"remember.target={PATH}"
    defaults = {option.name: option.default for option in kept.options} if kept else {}
    for name, value in row.remembered_options.items():
        if defaults.get(name) != value:
            yield f"remember.{name}={str(value).lower() if isinstance(value, bool) else value}"


def _budget(row: Row, task: TaskSpec | None) -> Iterator[str]:
    if not row.budget_rule and (task is None or row.label_budget != task.label_budget):
        yield f"task.label_budget={row.label_budget}"


def _changed(
    row: Row, task: TaskSpec | None, backbone: BackboneSpec | None, strategy: StrategySpec | None
) -> Iterator[str]:
    """Yield `OWNER.NAME=VALUE` for every option whose value on the row differs from its default."""
    recipe, traits = (backbone.recipe, backbone.traits) if backbone else (EMPTY, ())
    training, strategy_options = (strategy.recipe, options_of(strategy)) if strategy else ("", ())
    owned: tuple[tuple[str, Mapping[str, OptionValue], Iterable[Option], Mapping[str, OptionValue], str], ...] = (
        ("task", row.task_options, task.options if task else (), EMPTY, ""),
        ("backbone", row.backbone_options, backbone.options if backbone else (), EMPTY, ""),
        ("source", row.source_options, (*SOURCE_OPTIONS, SOURCE_MODE), recipe, SOURCE),
        (row.strategy, row.strategy_options, strategy_options, recipe, training),
    )
    for owner, values, options, own_recipe, kind in owned:
        defaults = {option.name: option.parse(default_value(option, kind, own_recipe, traits)) for option in options}
        for name, value in values.items():
            if owner == "backbone" and is_weights(name, value) and value not in ("", "random"):
                yield f"backbone.{name}={PATH}"  # A row holds the name of a file, not its path.
            elif defaults.get(name) != value:
                yield f"{owner}.{name}={str(value).lower() if isinstance(value, bool) else value}"
