"""Plugins -> Catalog: every spec with its origin, and every problem met on the way.

One broken plugin stops nobody: each is loaded in a try of its own and each hook implementation is called on its own,
so that what failed becomes a `PluginProblem` and the rest goes on.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any, TypeVar

import pluggy

from tlbench.contract import hooks as hookspecs
from tlbench.contract.events import Event
from tlbench.contract.specs import BackboneFamily, BackboneSpec, DomainSpec, KindSpec, StrategySpec, TaskSpec
from tlbench.errors import UnknownNameError, UsageError, describe
from tlbench.planning.discovery import PluginCandidate, PluginOrigin, with_installed
from tlbench.planning.guard import check_signal, guarded, pass_signal, same_folder

Spec = DomainSpec | TaskSpec | BackboneSpec | BackboneFamily | StrategySpec
S = TypeVar("S", DomainSpec, TaskSpec, BackboneSpec, StrategySpec)
HOOKS: Mapping[str, type[Spec]] = {
    "tlbench_domains": DomainSpec,
    "tlbench_tasks": TaskSpec,
    "tlbench_backbones": BackboneSpec,
    "tlbench_backbone_families": BackboneFamily,
    "tlbench_strategies": StrategySpec,
}
NAMES: Mapping[type[Spec], str] = {
    DomainSpec: r"[\w-]+",
    TaskSpec: r"[\w-]+/[\w.-]+",
    BackboneSpec: r"[\w.-]+(/[\w.-]+)?",
    BackboneFamily: r"[\w.-]+",
    StrategySpec: r"[\w.-]+",
}
"""Names become parts of file names, and a task's domain is read from its name."""


@dataclass(frozen=True, kw_only=True)
class PluginProblem:
    """Why a plugin, or one spec of it, is not in the catalog."""

    origin: PluginOrigin
    stage: str
    """`load`, `register`, `hook` or `spec`."""
    cause: str
    advice: str

    def __str__(self) -> str:
        return f"{self.origin}: {self.stage}: {self.cause} {self.advice}"


@dataclass(frozen=True, kw_only=True)
class Catalog:
    """Everything that the plugins of this environment offer."""

    domains: Mapping[str, DomainSpec]
    tasks: Mapping[str, TaskSpec]
    backbones: Mapping[str, BackboneSpec]
    families: Mapping[str, BackboneFamily]
    strategies: Mapping[str, StrategySpec]
    origins: Mapping[tuple[str, str], PluginOrigin]
    """(hook, spec name) -> plugin."""
    plugins: tuple[PluginOrigin, ...]
    problems: tuple[PluginProblem, ...]
    notify: Callable[[Event], None] = field(repr=False)
    """Hands an event to every plugin that listens."""

    def domain(self, name: str) -> DomainSpec:
        return _find("domain", name, self.domains)

    def task(self, name: str) -> TaskSpec:
        return _find("task", name, self.tasks)

    def home(self, backbone: str) -> BackboneSpec | BackboneFamily:
        """Return the backbone that is listed by that name, or the family that finds it: nothing is sought."""
        family, _, own = backbone.partition("/")
        if backbone in self.backbones:
            return self.backbones[backbone]
        if own and family in self.families:
            return self.families[family]
        raise UnknownNameError("backbone", backbone, [*self.backbones, *(f"{name}/NAME" for name in self.families)])

    def backbone(self, name: str) -> BackboneSpec:
        """Return a backbone that is listed, or that the family of its name finds."""
        found = self.home(name)
        if isinstance(found, BackboneSpec):
            return found
        if lacking := missing(found):
            raise UsageError(f"{lacking}.")
        with guarded(f'"find" of the family "{found.name}"'):
            return found.find(name.partition("/")[2])

    def strategy(self, name: str) -> StrategySpec:
        return _find("strategy", name, self.strategies)

    def origin(self, spec: Spec) -> PluginOrigin:
        hook = next(hook for hook, kind in HOOKS.items() if isinstance(spec, kind))
        if (hook, spec.name) not in self.origins:  # Found by its family.
            return self.origins["tlbench_backbone_families", spec.name.partition("/")[0]]
        return self.origins[hook, spec.name]


def _find(what: str, name: str, known: Mapping[str, S]) -> S:
    try:
        return known[name]
    except KeyError:
        raise UnknownNameError(what, name, known) from None


def missing(spec: TaskSpec | BackboneSpec | BackboneFamily | StrategySpec | KindSpec) -> str:
    """Return one sentence on the packages that a spec needs and this environment lacks, or an empty string."""
    absent = [name for name in spec.requires if find_spec(name) is None]
    if not absent:
        return ""
    install = f'pip install "tlbench[{spec.extra}]"' if spec.extra else f"pip install {' '.join(absent)}"
    return f'"{spec.name}" needs {", ".join(absent)}: {install}'


def load_catalog(listeners: Iterable[object] = (), also: Iterable[PluginCandidate] = ()) -> Catalog:
    """Load every installed plugin and those of `also`; `listeners` are objects that watch, such as a display.

    Those of `also` stand in for installed ones of the same distribution.
    """
    manager = pluggy.PluginManager("tlbench")
    manager.add_hookspecs(hookspecs)
    problems: list[PluginProblem] = []
    origins: dict[str, PluginOrigin] = {}
    with same_folder():
        for source in with_installed(also):
            if problem := _register(manager, source):
                problems.append(problem)
            else:
                origins[str(source.origin)] = source.origin
        specs, owners = _collect(manager, origins, problems)
    check_signal()
    for listener in listeners:
        manager.register(listener)
    return Catalog(
        domains=specs["tlbench_domains"],
        tasks=specs["tlbench_tasks"],
        backbones=specs["tlbench_backbones"],
        families=specs["tlbench_backbone_families"],
        strategies=specs["tlbench_strategies"],
        origins=owners,
        plugins=tuple(origins.values()),
        problems=tuple(problems),
        notify=_Notifier(manager),
    )


def _register(manager: pluggy.PluginManager, source: PluginCandidate) -> PluginProblem | None:
    origin = source.origin
    try:
        module = source.load()
    except BaseException as error:  # noqa: BLE001 - a plugin may raise anything; it becomes a problem
        pass_signal(error)
        advice = f"Reinstall or remove it: pip uninstall {origin.distribution}"
        return PluginProblem(origin=origin, stage="load", cause=describe(error), advice=advice)
    unknown = sorted(name for name in vars(module) if name.startswith("tlbench_") and not _known(module, name))
    if unknown:
        known = [name for name in vars(hookspecs) if name.startswith("tlbench_")]
        cause = str(UnknownNameError("hook", unknown[0], known))
        return PluginProblem(origin=origin, stage="register", cause=cause, advice="Rename the function.")
    try:
        manager.register(module, name=str(origin))
    except (ValueError, pluggy.PluginValidationError) as error:
        advice = "Compare the function's arguments with tlbench.contract.hooks."
        return PluginProblem(origin=origin, stage="register", cause=describe(error), advice=advice)
    return None


def _known(module: Any, name: str) -> bool:
    """True for names that are no hook implementation at all, and for those that implement a hook of ours."""
    return not hasattr(getattr(module, name), "tlbench_impl") or hasattr(hookspecs, name)


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
                found = [spec for result in caller() for spec in result]
            except BaseException as error:  # noqa: BLE001 - a plugin may raise anything; it becomes a problem
                pass_signal(error)
                cause, advice = f"{hook}: {describe(error)}", "Report it to its author."
                problems.append(PluginProblem(origin=origin, stage="hook", cause=cause, advice=advice))
                continue
            for spec in found:
                if problem := _refuse(spec, hook, kind, origin, owners):
                    problems.append(problem)
                else:
                    specs[hook][spec.name] = spec
                    owners[hook, spec.name] = origin
    _drop_tasks_without_backbone(specs, owners, problems)
    return {hook: dict(sorted(found.items())) for hook, found in specs.items()}, owners


def _refuse(
    spec: Any, hook: str, kind: type[Spec], origin: PluginOrigin, owners: Mapping[tuple[str, str], PluginOrigin]
) -> PluginProblem | None:
    if not isinstance(spec, kind):
        cause, advice = f"{hook} gave a {type(spec).__name__}.", f"It must give records of {kind.__name__}."
    elif not re.fullmatch(NAMES[kind], spec.name):
        what = kind.__name__.removesuffix("Spec").lower()
        cause, advice = f'"{spec.name}" is no name of a {what}.', f"It must match {NAMES[kind]}."
    elif first := owners.get((hook, spec.name)):
        cause, advice = f'"{spec.name}" of {hook} is already there from {first}.', "Rename or uninstall one of them."
    else:
        return None
    return PluginProblem(origin=origin, stage="spec", cause=cause, advice=advice)


def _drop_tasks_without_backbone(
    specs: Mapping[str, dict[str, Any]],
    owners: Mapping[tuple[str, str], PluginOrigin],
    problems: list[PluginProblem],
) -> None:
    """Leave out tasks whose own backbone is not there: a plan of all tasks would stop at the first of them."""
    tasks, known = specs["tlbench_tasks"], {*specs["tlbench_backbones"], *specs["tlbench_backbone_families"]}
    for task in [task for task in tasks.values() if not {task.backbone, task.backbone.partition("/")[0]} & known]:
        del tasks[task.name]
        cause = f'"{task.name}" names the backbone "{task.backbone}", which no plugin offers.'
        advice = "Install the plugin that has it."
        problems.append(
            PluginProblem(origin=owners["tlbench_tasks", task.name], stage="spec", cause=cause, advice=advice)
        )


class _Notifier:
    """Calls every `tlbench_event`; a listener that raises is reported once and left out from then on."""

    def __init__(self, manager: pluggy.PluginManager) -> None:
        self._listeners = list(manager.hook.tlbench_event.get_hookimpls())

    def __call__(self, event: Event) -> None:
        check_signal()
        for listener in list(self._listeners):
            try:
                listener.function(*(event for _ in listener.argnames))
            except BaseException as error:  # noqa: BLE001 - a listener must not stop a run
                pass_signal(error)
                import warnings

                self._listeners.remove(listener)
                warnings.warn(f"A listener of tlbench_event failed and is left out: {describe(error)}", stacklevel=2)
