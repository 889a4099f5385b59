"""Command line -> Plan: every pairing that was asked for, checked and expanded before anything runs."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tlbench.contract.budget import Budget
from tlbench.contract.options import Option, OptionValue, training_options
from tlbench.contract.requests import SELF_LABELLED, LoadRequest
from tlbench.contract.specs import EMPTY, HUB, BackboneSpec, Checkpoint, StrategySpec, TaskSpec
from tlbench.contract.task_data import Access
from tlbench.errors import MissingDataError, UnknownNameError, UsageError
from tlbench.planning import fingerprints
from tlbench.planning.catalog import Catalog, missing
from tlbench.planning.guard import guarded
from tlbench.planning.plan import PLACES, Pairing, Plan, SourcePlan
from tlbench.planning.settings import Settings

SOURCE_OPTIONS = training_options(steps=300, learning_rate=3e-3)
"""How the source model is trained: `--set source.NAME=VALUE`, or `source.NAME` in a backbone's recipe."""
MODES = ("finetune", "probe", "own-head")
SOURCE_MODE = Option(
    name="mode",
    default="finetune",
    summary="what is done with a checkpoint: `finetune` it on the source, `probe` it by a linear head, or take it with "
    "its `own-head` as it is",
)


@dataclass(frozen=True, kw_only=True)
class RunRequest:
    """What a user asked for; empty sequences stand for the default."""

    tasks: Sequence[str] = ()
    backbones: Sequence[str] = ()
    strategies: Sequence[str] = ()
    seeds: Sequence[int] = (0, 1, 2)
    label_budgets: Sequence[str] = ()
    """`50`, `5/class`, `all`: each strategy that sees target labels runs with each of them."""
    overrides: Mapping[str, OptionValue] = field(default_factory=dict)
    """`OWNER.NAME` -> value."""
    quick: bool = False
    """Train with a quarter of the steps: to see that everything runs."""


@dataclass(frozen=True, kw_only=True)
class Pretraining:
    """A checkpoint to be made by `tlbench pretrain`."""

    name: str
    backbone: str
    task: str
    objective: str = "supervised"
    seed: int = 0
    overrides: Mapping[str, OptionValue] = field(default_factory=dict)


def make_plan(run_requests: Sequence[RunRequest], catalog: Catalog, settings: Settings) -> Plan:
    """Expand wishes, in their order. Raises `UsageError` for unknown names, wrong values and missing files."""
    overrides = [_Overrides(run_request.overrides, quick=run_request.quick) for run_request in run_requests]
    pairings = [
        pairing
        for run_request, own in zip(run_requests, overrides, strict=True)
        for pairing in _pairings(run_request, catalog, own, settings)
    ]
    _check(overrides)
    if not pairings:
        raise UsageError("Nothing to run: no task and backbone fit together. See: tlbench list")
    return Plan(pairings=tuple(pairings))


def _pairings(
    run_request: RunRequest, catalog: Catalog, overrides: _Overrides, settings: Settings
) -> Iterator[Pairing]:
    named = [catalog.task(name) for name in dict.fromkeys(run_request.tasks)]
    tasks = named or [task for task in catalog.tasks.values() if task.data_from == "package"]
    backbones = [catalog.backbone(name) for name in dict.fromkeys(run_request.backbones)]
    strategies = _with_baselines([catalog.strategy(name) for name in dict.fromkeys(run_request.strategies)], catalog)
    for task in tasks:
        for backbone in _fitting(task, backbones, catalog):
            yield from _expand(task, backbone, strategies, run_request, overrides, settings)


def _with_baselines(wanted: Sequence[StrategySpec], catalog: Catalog) -> list[StrategySpec]:
    """Return the wanted strategies and the bounds that their scores are read against; all, where none is named."""
    everything = list(catalog.strategies.values())
    return [*wanted, *(spec for spec in everything if spec.baseline and spec not in wanted)] if wanted else everything


def _fitting(task: TaskSpec, wanted: Sequence[BackboneSpec], catalog: Catalog) -> list[BackboneSpec]:
    """Return the wanted backbones of the task's modality, or the task's own."""
    if not wanted:
        return [catalog.backbone(task.backbone)]
    return [backbone for backbone in wanted if backbone.modality == task.modality]


def _expand(
    task: TaskSpec,
    backbone: BackboneSpec,
    strategies: Iterable[StrategySpec],
    run_request: RunRequest,
    overrides: _Overrides,
    settings: Settings,
) -> list[Pairing]:
    unusable = _unusable(task, backbone)
    source = _source_fields(task, backbone, overrides, settings, usable=not unusable)
    own = Budget.parse(str(overrides.resolve(("task", task.name), (budget_option(task),))["label_budget"]))
    swept = [Budget.parse(text) for text in dict.fromkeys(run_request.label_budgets)]
    return [
        Pairing(
            **source,
            strategy=strategy,
            seed=seed,
            strategy_options=overrides.resolve(("strategy", strategy.name), strategy.options, backbone.recipe),
            label_budget=budget,
            skip=unusable or missing(strategy) or mismatch(task, backbone, strategy),
        )
        for strategy in strategies
        for budget in (swept if swept and Access.TARGET_LABELS in strategy.access else [own])
        for seed in dict.fromkeys(run_request.seeds)
    ]


def plan_source(
    task: TaskSpec, backbone: BackboneSpec, seed: int, overrides: Mapping[str, OptionValue], settings: Settings
) -> SourcePlan:
    """Return the plan of a source model alone. Raises `UsageError` where task and backbone do not fit together."""
    if unusable := _unusable(task, backbone) or lacking_layout(task, backbone):
        raise UsageError(unusable)
    own = _Overrides(overrides, quick=False)
    plan = SourcePlan(seed=seed, **_source_fields(task, backbone, own, settings, usable=True))
    _check([own])
    return plan


def _unusable(task: TaskSpec, backbone: BackboneSpec) -> str:
    return missing(task) or missing(task.kind) or missing(task.kind_of_source) or missing(backbone)


def _source_fields(
    task: TaskSpec, backbone: BackboneSpec, overrides: _Overrides, settings: Settings, usable: bool
) -> dict[str, Any]:
    """Return what a plan says of the source model; of what cannot run here no file is read."""
    task_options = overrides.resolve(("task", task.name), task.options, traits=backbone.traits)
    backbone_options = overrides.resolve(("backbone", backbone.name), backbone.options)
    checkpoint = _checkpoint(backbone, backbone_options) if usable else None
    if usable:
        task_options = {name: _pinned(value) if name in PLACES else value for name, value in task_options.items()}
    request = LoadRequest(task=task.name, options=task_options, data_root=settings.data_root)
    return {
        "task": task,
        "backbone": backbone,
        "task_options": task_options,
        "backbone_options": backbone_options,
        "source_options": _source_options(backbone, overrides),
        "fingerprint": _fingerprint(task, request, settings.cache) if usable else "",
        "data_root": settings.data_root,
        "checkpoint": checkpoint,
        "weights": fingerprints.checkpoint_hash(checkpoint.files, settings.cache) if checkpoint else "",
    }


def _pinned(place: OptionValue) -> OptionValue:
    """Return a place on the hub with its commit: what a name stands for may change."""
    if not str(place).startswith(HUB):
        return place
    from tlbench.assets.readers.hub import pinned

    return pinned(str(place))


def _checkpoint(backbone: BackboneSpec, options: Mapping[str, OptionValue]) -> Checkpoint | None:
    with guarded(f'"checkpoint" of the backbone "{backbone.name}"'):
        return backbone.checkpoint(options) if backbone.checkpoint else None


def _fingerprint(task: TaskSpec, request: LoadRequest, cache: Path) -> str:
    """Return what names the contents of a task's files. Raises `MissingDataError` that says how to get them."""
    try:
        with guarded(f'"files" of the task "{task.name}"'):
            return fingerprints.fingerprint(task.files(request), cache)
    except MissingDataError as error:
        if not task.origins:
            raise
        raise MissingDataError(f"{error} To download it: tlbench fetch {task.name}") from error


def _source_options(backbone: BackboneSpec, overrides: _Overrides) -> dict[str, OptionValue]:
    """Return how the source model is made. Raises `UnknownNameError` for a mode that is none."""
    options = (*SOURCE_OPTIONS, SOURCE_MODE) if backbone.checkpoint else SOURCE_OPTIONS
    resolved = overrides.resolve(("source",), options, backbone.recipe)
    if (mode := resolved.get("mode", "finetune")) not in MODES:
        raise UnknownNameError("source mode", str(mode), MODES)
    return resolved


def budget_option(task: TaskSpec) -> Option:
    """Return the setting `task.label_budget`, which every task has beside its own options."""
    summary = "labelled target examples a strategy may see"
    return Option(name="label_budget", default=str(task.label_budget), summary=summary, unit=task.kind.unit)


def mismatch(task: TaskSpec, backbone: BackboneSpec, strategy: StrategySpec) -> str:
    """Return why the three make no sense together, or an empty string."""
    if task.setting not in strategy.settings:
        return f'"{strategy.name}" needs one label space on both sides; "{task.name}" is {task.setting}.'
    if task.kind.layout in SELF_LABELLED and Access.TARGET_INPUTS in strategy.access:
        return f'"{strategy.name}" sees target inputs, which for {task.kind.name} are the labels.'
    if strategy.kinds and task.kind.name not in strategy.kinds:
        return f'"{strategy.name}" is for {", ".join(strategy.kinds)}; "{task.name}" is {task.kind.name}.'
    if not task.kind.supervised and strategy.trains_encoder:
        return f'"{strategy.name}" learns from labels that differ; "{task.name}" has training examples of one only.'
    if lacking := [trait for trait in strategy.needs if trait not in (*backbone.traits, *task.kind.traits)]:
        return f'"{strategy.name}" needs {", ".join(lacking)}; neither "{backbone.name}" nor {task.kind.name} has that.'
    return lacking_layout(task, backbone)


def lacking_layout(task: TaskSpec, backbone: BackboneSpec) -> str:
    """Return which features a task needs that the backbone does not give, or an empty string."""
    for kind in {task.kind.layout, task.kind_of_source.layout}:
        if kind not in backbone.layouts:
            return f'"{task.name}" needs {kind} features; "{backbone.name}" gives {", ".join(backbone.layouts)}.'
    return ""


def default(option: Option, owner: str, recipe: Mapping[str, OptionValue], traits: Collection[str] = ()) -> OptionValue:
    """Return an option's value where the user names none: the backbone's recipe for its owner, for all, or its own."""
    return recipe.get(f"{owner}.{option.name}", recipe.get(option.name, option.default_for(traits)))


def resolve_task(task: TaskSpec, overrides: Mapping[str, OptionValue]) -> dict[str, OptionValue]:
    """Return every option of a task, `label_budget` among them. Raises `UsageError` for what it has not."""
    settings = _Overrides(overrides, quick=False)
    options = settings.resolve(("task", task.name), (*task.options, budget_option(task)))
    _check([settings])
    return options


class _Overrides:
    """The `--set OWNER.NAME=VALUE` of a wish, and which of them something answered to."""

    def __init__(self, values: Mapping[str, OptionValue], quick: bool) -> None:
        self.quick = quick
        self.values = {tuple(key.rsplit(".", 1)): value for key, value in values.items()}
        self.met: set[tuple[str, ...]] = set()
        self.known: set[str] = set()

    def resolve(
        self,
        owners: tuple[str, ...],
        options: Iterable[Option],
        recipe: Mapping[str, OptionValue] = EMPTY,
        traits: Collection[str] = (),
    ) -> dict[str, OptionValue]:
        """Return every option's value: the user's, else the backbone's recipe, else the default."""
        resolved: dict[str, OptionValue] = {}
        for option in options:
            value = default(option, owners[-1], recipe, traits)
            for owner in owners:
                self.known.add(f"{owner}.{option.name}")
                if (owner, option.name) in self.values:
                    self.met.add((owner, option.name))
                    value = self.values[owner, option.name]
            resolved[option.name] = option.parse(value)
            if self.quick and option.name == "steps":
                resolved[option.name] = max(1, int(resolved[option.name]) // 4)
        return resolved


def _check(run_requests: Sequence[_Overrides]) -> None:
    """Raise `UnknownNameError` for a setting that nothing has in any of the wishes."""
    met = set().union(*(run_request.met for run_request in run_requests))
    known = set().union(*(run_request.known for run_request in run_requests))
    for run_request in run_requests:
        for key in run_request.values:
            if key not in met:
                raise UnknownNameError("option in this plan", ".".join(key), known)
