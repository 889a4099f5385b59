"""Plugins -> Catalog: every spec with its origin, and every error of a plugin.

A broken plugin does not affect the others: each plugin is loaded and each hook is called separately, and an error
becomes a `PluginProblem`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from typing import Any, TypeVar

import pluggy

from tlbench.contract import hooks as hookspecs
from tlbench.contract.backbone_specs import BackboneFamily, BackboneSpec
from tlbench.contract.diagnostics import AnalysisSpec, EstimatorSpec
from tlbench.contract.editions import DECLARATION, removed_field
from tlbench.contract.events import Event
from tlbench.contract.specs import DomainSpec, KindSpec, StrategySpec, TaskSpec
from tlbench.contract.training import wrong_recipe
from tlbench.errors import ContractError, UnknownNameError, UsageError, describe
from tlbench.planning.discovery import PluginCandidate, PluginOrigin, with_installed
from tlbench.planning.guard import check_signal, guarded, pass_signal, same_folder
from tlbench.planning.names import FORMS, NAMES
from tlbench.planning.notifier import Notifier
from tlbench.planning.published import fetched_model
from tlbench.planning.registration import PluginProblem, register
from tlbench.planning.watch import loading

Spec = DomainSpec | TaskSpec | BackboneSpec | BackboneFamily | StrategySpec | EstimatorSpec | AnalysisSpec
Requiring = TaskSpec | BackboneSpec | BackboneFamily | StrategySpec | EstimatorSpec | AnalysisSpec | KindSpec
"""Records that name packages in `requires`."""
S = TypeVar("S", DomainSpec, TaskSpec, BackboneSpec, StrategySpec, EstimatorSpec, AnalysisSpec)
HOOKS: Mapping[str, type[Spec]] = {
    "tlbench_domains": DomainSpec,
    "tlbench_tasks": TaskSpec,
    "tlbench_backbones": BackboneSpec,
    "tlbench_backbone_families": BackboneFamily,
    "tlbench_strategies": StrategySpec,
    "tlbench_estimators": EstimatorSpec,
    "tlbench_analyses": AnalysisSpec,
}


@dataclass(frozen=True, kw_only=True)
class Catalog:
    """Everything that the plugins of this environment offer."""

    domains: Mapping[str, DomainSpec]
    tasks: Mapping[str, TaskSpec]
    backbones: Mapping[str, BackboneSpec]
    families: Mapping[str, BackboneFamily]
    strategies: Mapping[str, StrategySpec]
    estimators: Mapping[str, EstimatorSpec]
    analyses: Mapping[str, AnalysisSpec]
    origins: Mapping[tuple[str, str], PluginOrigin]
    """(hook, spec name) -> plugin."""
    plugins: tuple[PluginOrigin, ...]
    editions: Mapping[str, int | None]
    """Plugin -> the edition of the plugin API that it declares, None if it declares none."""
    problems: tuple[PluginProblem, ...]
    listeners: tuple[str, ...]
    """Plugins that receive events."""
    notify: Callable[[Event], None] = field(repr=False)
    """Passes an event to every plugin that implements `tlbench_event`."""

    def domain(self, name: str) -> DomainSpec:
        return _find("domain", name, self.domains)

    def task(self, name: str) -> TaskSpec:
        return _find("task", name, self.tasks)

    def home(self, backbone: str) -> BackboneSpec | BackboneFamily:
        """Return the listed backbone of that name, or the family that can find it, without a search."""
        family, _, name = backbone.partition("/")
        if backbone in self.backbones:
            return self.backbones[backbone]
        if name and family in self.families:
            return self.families[family]
        raise UnknownNameError("backbone", backbone, [*self.backbones, *(f"{name}/NAME" for name in self.families)])

    def backbone(self, name: str) -> BackboneSpec:
        """Return a listed backbone, or one that its family finds."""
        home = self.home(name)
        if isinstance(home, BackboneSpec):
            return home
        if lacking := missing(home):
            raise UsageError(f"{lacking}.")
        model = fetched_model(home, name)
        with guarded(f'"find" of the family "{home.name}"'):
            asked = name.partition("/")[2]
            spec = home.find(asked, self.backbone) if home.joins else home.find(asked)
            if problem := wrong_recipe(spec):
                raise ContractError(f'Backbone "{name}": {problem}')
            spec = replace(spec, licence=model.licence) if model else spec
            return spec if spec.name == name else replace(spec, found_by=name)

    def strategy(self, name: str) -> StrategySpec:
        return _find("strategy", name, self.strategies)

    def estimator(self, name: str) -> EstimatorSpec:
        return _find("estimator", name, self.estimators)

    def analysis(self, name: str) -> AnalysisSpec:
        return _find("analysis", name, self.analyses)

    def origin(self, spec: Spec) -> PluginOrigin:
        hook = next(hook for hook, kind in HOOKS.items() if isinstance(spec, kind))
        if (hook, spec.name) not in self.origins:  # Found by its family.
            return self.origins["tlbench_backbone_families", spec.name.partition("/")[0]]
        return self.origins[hook, spec.name]


def _find(what: str, name: str, specs: Mapping[str, S]) -> S:
    try:
        return specs[name]
    except KeyError:
        raise UnknownNameError(what, name, specs) from None


def missing(spec: Requiring) -> str:
    """Return a message on the packages that a spec requires and this environment lacks, or an empty string."""
    absent = [name for name in spec.requires if find_spec(name) is None]
    if not absent:
        return ""
    install = f'pip install "tlbench[{spec.extra}]"' if spec.extra else f"pip install {' '.join(absent)}"
    return f'"{spec.name}" requires {", ".join(absent)}: {install}'


def load_catalog(
    listeners: Iterable[object] = (), also: Iterable[PluginCandidate] = (), only: Collection[str] | None = None
) -> Catalog:
    """Load every installed plugin and those of `also`. `listeners` are objects that receive events, such as a display.

    A plugin of `also` replaces installed plugins of the same distribution. With `only`, others than these are not
    loaded.
    """
    manager = pluggy.PluginManager("tlbench")
    manager.add_hookspecs(hookspecs)
    problems: list[PluginProblem] = []
    origins: dict[str, PluginOrigin] = {}
    with same_folder():
        for candidate in with_installed(also):
            if only is not None and str(candidate.origin) not in only:
                continue
            if problem := register(manager, candidate):
                problems.append(problem)
            else:
                origins[str(candidate.origin)] = candidate.origin
        specs, owners = _collect(manager, origins, problems)
    if only is None:
        _drop_tasks_without_backbone(specs, owners, problems)
    check_signal()
    for listener in listeners:
        manager.register(listener)
    return Catalog(
        domains=specs["tlbench_domains"],
        tasks=specs["tlbench_tasks"],
        backbones=specs["tlbench_backbones"],
        families=specs["tlbench_backbone_families"],
        strategies=specs["tlbench_strategies"],
        estimators=specs["tlbench_estimators"],
        analyses=specs["tlbench_analyses"],
        origins=owners,
        plugins=tuple(origins.values()),
        editions={name: getattr(manager.get_plugin(name), DECLARATION, None) for name in origins},
        problems=tuple(problems),
        listeners=tuple(name for name in origins if hasattr(manager.get_plugin(name), "tlbench_event")),
        notify=Notifier(manager),
    )


def _collect(
    manager: pluggy.PluginManager, origins: Mapping[str, PluginOrigin], problems: list[PluginProblem]
) -> tuple[dict[str, dict[str, Any]], dict[tuple[str, str], PluginOrigin]]:
    specs: dict[str, dict[str, Any]] = {hook: {} for hook in HOOKS}
    owners: dict[tuple[str, str], PluginOrigin] = {}
    for name, origin in origins.items():
        others = [plugin for other, plugin in manager.list_name_plugin() if other != name]
        for hook, kind in HOOKS.items():
            caller = manager.subset_hook_caller(hook, others)
            try:
                with loading(name):
                    returned = [spec for result in caller() for spec in result]
            except BaseException as error:  # noqa: BLE001 - a plugin may raise anything; it becomes a problem
                pass_signal(error)
                cause, advice = removed_field(error)
                if not cause:
                    cause, advice = f"{hook}: {describe(error)}", "Report this to the author of the plugin."
                problems.append(PluginProblem(origin=origin, stage="hook", cause=cause, advice=advice))
                continue
            for spec in returned:
                if problem := _refuse(spec, hook, kind, origin, owners):
                    problems.append(problem)
                else:
                    specs[hook][spec.name] = spec
                    owners[hook, spec.name] = origin
    return {hook: dict(sorted(by_name.items())) for hook, by_name in specs.items()}, owners


def _refuse(
    spec: Any, hook: str, kind: type[Spec], origin: PluginOrigin, owners: Mapping[tuple[str, str], PluginOrigin]
) -> PluginProblem | None:
    if not isinstance(spec, kind):
        cause, advice = f"{hook} returned a {type(spec).__name__}.", f"Return a list of {kind.__name__}."
    elif not re.fullmatch(NAMES[kind], spec.name):
        what = kind.__name__.removesuffix("Spec").lower()
        cause = f'Invalid {what} name "{spec.name}": expected {FORMS[kind]}.'
        advice = f"Use a name that matches {NAMES[kind]}."
    elif cause := wrong_recipe(spec):
        advice = "Correct the recipe."
    elif first := owners.get((hook, spec.name)):
        cause, advice = f'"{spec.name}" of {hook} already exists in {first}.', "Rename or uninstall one of them."
    else:
        return None
    return PluginProblem(origin=origin, stage="spec", cause=cause, advice=advice)


def _drop_tasks_without_backbone(
    specs: Mapping[str, dict[str, Any]],
    owners: Mapping[tuple[str, str], PluginOrigin],
    problems: list[PluginProblem],
) -> None:
    """Drop tasks whose default backbone does not exist, because a plan of all tasks would fail on the first of them."""
    tasks, backbones = specs["tlbench_tasks"], {*specs["tlbench_backbones"], *specs["tlbench_backbone_families"]}
    for task in [task for task in tasks.values() if not {task.backbone, task.backbone.partition("/")[0]} & backbones]:
        del tasks[task.name]
        cause = f'The default backbone "{task.backbone}" of "{task.name}" does not exist.'
        advice = "Install the plugin that offers it."
        problems.append(
            PluginProblem(origin=owners["tlbench_tasks", task.name], stage="spec", cause=cause, advice=advice)
        )
