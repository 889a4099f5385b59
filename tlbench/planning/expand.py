"""Run requests -> Plan: every run, checked and expanded before anything is computed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tlbench.contract.backbone_specs import BackboneSpec
from tlbench.contract.budget import Budget
from tlbench.contract.options import Option, OptionValue
from tlbench.contract.requests import LoadRequest
from tlbench.contract.specs import StrategySpec, TaskSpec
from tlbench.contract.task_data import Access
from tlbench.errors import MissingDataError, UsageError
from tlbench.planning.asked import Diagnostics, find_diagnostics
from tlbench.planning.augmentation import (
    cannot_vary,
    check_named,
    check_varies,
    named_strengths,
    strengths_of,
    with_named,
)
from tlbench.planning.catalog import Catalog, missing
from tlbench.planning.compatibility import lacking_layout, mismatch
from tlbench.planning.encoders import encoder_fields, source_options
from tlbench.planning.overrides import Overrides, check_applied
from tlbench.planning.plan import Pairing, Plan, SourcePlan
from tlbench.planning.plan_parts import PLACES
from tlbench.planning.rules import check_rule, selected_rule
from tlbench.planning.selection import RunRequest, Selection
from tlbench.planning.settings import Settings
from tlbench.planning.task_files import fingerprint_of, pinned, remember, setting_of
from tlbench.planning.teachers import with_teacher
from tlbench.planning.tuned import check_optuna, options_of, settled


@dataclass(frozen=True, kw_only=True)
class Pretraining:
    """A checkpoint that `tlbench pretrain` trains."""

    name: str
    backbone: str
    task: str
    objective: str = "supervised"
    seed: int = 0
    overrides: Mapping[str, OptionValue] = field(default_factory=dict)


MOST = 100_000
"""Maximum number of runs in a plan. Checking one takes some 50 microseconds, and running it seconds at least."""


def make_plan(run_requests: Sequence[RunRequest], catalog: Catalog, settings: Settings) -> Plan:
    """Expand run requests in their order. Raises `UsageError` for unknown names, invalid values, missing files and more
    than `MOST` runs, which are counted before the first is expanded.
    """
    selections = [Selection(run_request, catalog) for run_request in run_requests]
    for run_request, selection in zip(run_requests, selections, strict=True):
        check_rule(run_request.select, selection.strategies)
    if (count := sum(map(Selection.count, selections, run_requests))) > MOST:
        raise UsageError(
            f"The plan has {count:,} runs; the limit is {MOST:,}: select fewer tasks, backbones, strategies, label "
            f"budgets or seeds, and run the others with another command."
        )
    overrides = [Overrides(one.overrides, quick=one.quick, of_suite=one.of_suite) for one in run_requests]
    pairings = [
        pairing
        for run_request, selection, own in zip(run_requests, selections, overrides, strict=True)
        for pairing in _pairings(run_request, selection, catalog, own, settings)
    ]
    if not pairings:
        raise UsageError(_nothing_fits(selections))
    check_applied(overrides)
    check_optuna((pairing.strategy, pairing.strategy_options) for pairing in pairings)
    return Plan(pairings=tuple(pairings))


def _pairings(
    run_request: RunRequest, selection: Selection, catalog: Catalog, overrides: Overrides, settings: Settings
) -> Iterator[Pairing]:
    diagnostics = find_diagnostics(run_request.estimators, run_request.analyses, catalog, overrides)
    for task, backbone in selection.pairs:
        yield from _expand(task, backbone, selection.strategies, diagnostics, run_request, catalog, overrides, settings)


def _expand(
    task: TaskSpec,
    backbone: BackboneSpec,
    strategies: Sequence[StrategySpec],
    diagnostics: Diagnostics,
    run_request: RunRequest,
    catalog: Catalog,
    overrides: Overrides,
    settings: Settings,
) -> list[Pairing]:
    unusable = _unusable(task, backbone)
    if not unusable and run_request.skip_missing:
        unusable = _without_data(task, backbone, overrides, settings)
    source = _source_fields(task, backbone, overrides, settings, usable=not unusable)
    setting = source["setting"]
    remembered = None
    if run_request.remember and not unusable:
        kept = catalog.task(run_request.remember)
        remembered = remember(kept, task, setting, backbone, overrides, settings)
    own = Budget.parse(str(overrides.resolve(("task", task.name), (budget_option(task),))["label_budget"]))
    swept = [Budget.parse(text) for text in dict.fromkeys(run_request.label_budgets)]
    strengths, varied = named_strengths(run_request.augment), with_named(task, source["task_options"])
    check_varies(task, varied, backbone, strategies, strengths)
    pairings = [
        Pairing(
            **source,
            strategy=strategy,
            seed=seed,
            strategy_options=_strategy_options(strategy, backbone, run_request.tune, overrides),
            label_budget=budget,
            select=selected_rule(strategy, task, run_request.select),
            curves=run_request.curves,
            augment=strength,
            skip=unusable
            or missing(strategy)
            or mismatch(varied, setting, backbone, strategy)
            or cannot_vary(varied, backbone, strength),
            remembered=remembered,
            **diagnostics.fields(varied, setting, backbone),
        )
        for strategy in strategies
        for budget in (swept if swept and Access.TARGET_LABELS in strategy.access else [own])
        for strength in strengths_of(strategy, varied, backbone, strengths)
        for seed in dict.fromkeys(run_request.seeds)
    ]
    return [with_teacher(pairing, catalog, settings.cache) for pairing in pairings]


def _strategy_options(
    strategy: StrategySpec, backbone: BackboneSpec, tune: int, overrides: Overrides
) -> Mapping[str, OptionValue]:
    options = options_of(strategy, tune)
    owner = ("strategy", strategy.name)
    return settled(strategy, overrides.resolve(owner, options, backbone.recipe, training=strategy.recipe))


def plan_source(
    task: TaskSpec, backbone: BackboneSpec, seed: int, overrides: Mapping[str, OptionValue], settings: Settings
) -> SourcePlan:
    """Return the plan of a source model alone. Raises `UsageError` where task and backbone do not fit together."""
    if unusable := _unusable(task, backbone) or lacking_layout(task, backbone):
        raise UsageError(unusable)
    own = Overrides(overrides, quick=False)
    plan = SourcePlan(seed=seed, **_source_fields(task, backbone, own, settings, usable=True))
    check_applied([own])
    return plan


def _nothing_fits(selections: Sequence[Selection]) -> str:
    """Return a sentence on backbones of other modalities than the tasks."""
    tasks = {f'"{task.name}" has {task.modality} inputs' for one in selections for task in one.tasks}
    backbones = {
        f'"{backbone.name}" ({backbone.title}) takes {backbone.modality} inputs'
        for one in selections
        for backbone in one.backbones
    }
    return (
        f"Nothing to run: no selected backbone has the modality of a selected task. {'; '.join(sorted(tasks)[:3])}; "
        f"{'; '.join(sorted(backbones)[:3])}. Select others: tlbench list"
    )


def _unusable(task: TaskSpec, backbone: BackboneSpec) -> str:
    return missing(task) or missing(task.kind) or missing(task.kind_of_source) or missing(backbone)


def _without_data(task: TaskSpec, backbone: BackboneSpec, overrides: Overrides, settings: Settings) -> str:
    """Return a message on data that is missing and cannot be downloaded, or an empty string."""
    if task.data_from != "data-root" or task.origins:
        return ""
    options = overrides.resolve(("task", task.name), task.options, traits=backbone.traits)
    try:
        fingerprint_of(task, LoadRequest(task=task.name, options=options, data_root=settings.data_root), settings.cache)
    except MissingDataError as error:
        return str(error)
    return ""


def _source_fields(
    task: TaskSpec, backbone: BackboneSpec, overrides: Overrides, settings: Settings, usable: bool
) -> dict[str, Any]:
    """Return what a plan says of the source model; of what cannot run here no file is read."""
    task_options = overrides.resolve(("task", task.name), task.options, traits=backbone.traits)
    check_named(task, task_options)
    encoder = encoder_fields(backbone, overrides, settings.cache, usable)
    if usable:
        task_options = {name: pinned(value) if name in PLACES else value for name, value in task_options.items()}
    request = LoadRequest(task=task.name, options=task_options, data_root=settings.data_root)
    # Before the labels are asked for: it says which file is missing, and how to get it.
    fingerprint = fingerprint_of(task, request, settings.cache) if usable else ""
    setting = setting_of(task, request) if usable else task.setting
    # Resolved all the same: one command may run tasks with a source and without, where nothing is trained.
    trained = source_options(backbone, overrides)
    return {
        "task": task,
        "task_options": task_options,
        "source_options": {} if setting == "target-only" else trained,
        "fingerprint": fingerprint,
        "setting": setting,
        "data_root": settings.data_root,
        **encoder,
    }


def budget_option(task: TaskSpec) -> Option:
    """Return the option `task.label_budget`, which every task has in addition to its own."""
    summary = "labelled target examples that a strategy may use"
    return Option(name="label_budget", default=str(task.label_budget), summary=summary, unit=task.kind.unit)


def resolve_task(task: TaskSpec, overrides: Mapping[str, OptionValue]) -> dict[str, OptionValue]:
    """Return every option of a task, including `label_budget`. Raises `UsageError` for unknown options."""
    settings = Overrides(overrides, quick=False)
    options = settings.resolve(("task", task.name), (*task.options, budget_option(task)))
    check_applied([settings])
    return options
