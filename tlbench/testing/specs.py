"""Checks of the records themselves, and of the light module that they come from."""

from __future__ import annotations

import functools
import importlib.metadata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, get_args

from tlbench.contract.backbone_specs import BackboneFamily, BackboneSpec
from tlbench.contract.deferred import Deferred
from tlbench.contract.diagnostics import AnalysisSpec, EstimatorSpec
from tlbench.contract.options import Option
from tlbench.contract.requests import Augment, Layout
from tlbench.contract.specs import (
    BY_SOURCE_LABELS,
    BY_TARGET_INPUTS,
    DomainSpec,
    KindSpec,
    Selection,
    Setting,
    StrategySpec,
    TaskSpec,
)
from tlbench.contract.task_data import Access
from tlbench.errors import ContractError, UnknownNameError
from tlbench.planning.catalog import Spec
from tlbench.planning.code import code_of
from tlbench.planning.compatibility import BACKBONE_TRAITS, KIND_TRAITS, SOURCE_TRAITS
from tlbench.planning.discovery import PluginOrigin
from tlbench.testing.bench import Bench, Check, NotApplicableError, need
from tlbench.testing.child import ask

TYPES = {"str": str, "bool": bool, "int": int, "tuple": tuple, "frozenset": frozenset}
LABELLED = frozenset({Access.TARGET_LABELS, Access.TARGET_ALL_LABELS})
CHOOSES_ON: Mapping[str, frozenset[Access]] = {
    "target-validation": LABELLED,
    "target-folds": LABELLED,
    **dict.fromkeys(("target-inputs", *BY_TARGET_INPUTS), frozenset({Access.TARGET_INPUTS})),
    **dict.fromkeys(BY_SOURCE_LABELS, frozenset({Access.SOURCE})),
}
"""What a rule of selection chooses by: one of these parts of the data must be declared."""
TEXTS = ("title", "summary", "source", "target", "shift", "modality", "metric", "backbone")
"""Fields that must say something where a spec has them."""


def sort_of(spec: Spec) -> str:
    """Return what a spec is: `task`, `family` and the like."""
    return "family" if isinstance(spec, BackboneFamily) else type(spec).__name__.removesuffix("Spec").lower()


def label(spec: Spec) -> str:
    """Return what a message calls a spec: `Task "toy/blobs"`."""
    return f'{sort_of(spec).capitalize()} "{spec.name}"'


def spec_fields_are_valid(spec: Spec, bench: Bench) -> None:
    """Fields have their types, texts are not empty, options can be parsed."""
    for field in fields(spec):
        value, wanted = getattr(spec, field.name), TYPES.get(str(field.type).partition("[")[0])
        if wanted and not isinstance(value, wanted):
            raise ContractError(f"{label(spec)}: {field.name} is {value!r}; it must be {field.type}.")
        needless = field.name == "source" and getattr(spec, "setting", "") == "target-only"
        if field.name in TEXTS and not str(value).strip() and not needless:
            raise ContractError(f"{label(spec)}: {field.name} is empty: write one sentence.")
    if not isinstance(spec, DomainSpec):
        _check_requirements(spec)
    if not isinstance(spec, DomainSpec | BackboneFamily):
        _check_options(spec)
    _check_choices(spec)


def _check_options(spec: TaskSpec | BackboneSpec | StrategySpec | EstimatorSpec | AnalysisSpec) -> None:
    names = [option.name for option in spec.options if isinstance(option, Option)]
    if len(names) < len(spec.options) or len(set(names)) < len(names):
        raise ContractError(f"{label(spec)}: options must be a tuple of Option with different names.")
    teachers = [option.name for option in spec.options if option.backbone]
    if len(teachers) > (1 if isinstance(spec, StrategySpec) else 0):
        raise ContractError(
            f"{label(spec)}: {', '.join(teachers)}: one option of a strategy alone may name a backbone."
        )
    for option in spec.options:
        where = f'{label(spec)}: option "{option.name}"'
        if not option.name.isidentifier():
            raise ContractError(f"{where}: the name must be an identifier, because --set reads it.")
        if not option.summary.strip():
            raise ContractError(f"{where} has no summary: add one that says what it does.")
        if option.parse(str(option.default)) != option.default:
            raise ContractError(f"{where} cannot parse its own default {option.default!r}: change it.")


def _check_requirements(
    spec: TaskSpec | BackboneSpec | BackboneFamily | StrategySpec | EstimatorSpec | AnalysisSpec,
) -> None:
    for name in spec.requires:
        if not name.isidentifier():
            raise ContractError(
                f'{label(spec)}: requires contains "{name}"; it must hold top-level import names, such as "torch".'
            )
    known = importlib.metadata.metadata("tlbench").get_all("Provides-Extra") or []
    if spec.extra and spec.extra not in known:
        raise ContractError(
            f'{label(spec)}: unknown extra "{spec.extra}": use one of {", ".join(known)}, or leave it empty.'
        )


def _check_choices(spec: Spec) -> None:
    problem = ""
    match spec:
        case TaskSpec():
            if spec.setting not in get_args(Setting):
                problem = f"setting is {spec.setting!r}; it must be {' or '.join(get_args(Setting))}."
            elif spec.augment_strength not in get_args(Augment):
                strengths = ", ".join(get_args(Augment))
                problem = f"augment_strength is {spec.augment_strength!r}; use one of {strengths}."
            elif spec.label_budget < 1:
                problem = f"label_budget is {spec.label_budget}; it must be at least 1."
            elif spec.data_from != "user" and not spec.licence:
                problem = "licence is empty: name the terms of use of its data, or write generated."
        case BackboneSpec():
            if not spec.layouts or not set(spec.layouts) <= set(get_args(Layout)):
                problem = f"layouts are {spec.layouts}; use any of {', '.join(get_args(Layout))}."
            elif spec.checkpoint is not None and not spec.licence:
                problem = "licence is empty: name the terms of use of its weights."
        case StrategySpec():
            if not spec.settings or not set(spec.settings) <= set(get_args(Setting)):
                problem = f"settings are {spec.settings}; use any of {', '.join(get_args(Setting))}."
            elif wrong := _wrong_selection(spec):
                problem = wrong
            elif not spec.baseline and not spec.paper:
                problem = 'paper is empty: cite the description of the method, or write "unpublished".'
        case EstimatorSpec() | AnalysisSpec():
            if not spec.paper:
                problem = 'paper is empty: cite the description of the method, or write "unpublished".'
    if problem:
        raise ContractError(f"{label(spec)}: {problem}")


def _wrong_selection(spec: StrategySpec) -> str:
    """Return what is wrong with a rule of selection, or an empty string."""
    for rule in (spec.selection, *spec.selections):
        if rule not in get_args(Selection):
            return f"a selection is {rule!r}; use one of {', '.join(get_args(Selection))}."
        needed = CHOOSES_ON.get(rule, frozenset())
        if needed and not needed & spec.access:
            return f'The selection "{rule}" needs Access.{" or Access.".join(sorted(one.name for one in needed))}.'
    return ""


def needs_are_known(spec: StrategySpec | EstimatorSpec | AnalysisSpec, bench: Bench) -> str | None:
    """Each trait in `needs`, and each modality, is one that something here has; a misspelt one skips every run."""
    catalog = bench.catalog
    known = {*KIND_TRAITS, *SOURCE_TRAITS, *BACKBONE_TRAITS, "two-views"}.union(
        *(task.traits + task.kind.traits for task in catalog.tasks.values()),
        *(backbone.traits for backbone in catalog.backbones.values()),
    )
    if unknown := [name for name in spec.needs if name not in known]:
        return f"{label(spec)}: needs: {UnknownNameError('trait', unknown[0], known)} Nothing installed gives it."
    modalities = {task.modality for task in catalog.tasks.values()}
    if isinstance(spec, StrategySpec) and (unknown := [one for one in spec.modalities if one not in modalities]):
        return f"{label(spec)}: modalities: {UnknownNameError('modality', unknown[0], modalities)}"
    return None


def module_is_light(spec: Spec, bench: Bench) -> None:
    """Listing what an installed plugin offers imports no heavy library."""
    if bench.plugin is not None and bench.plugin.is_file():
        raise NotApplicableError("A plugin in a single file may import heavy libraries at its top.")
    refuse_heavy(spec, _heavy(bench.catalog.origin(spec), bench.plugin), "importing its plugin and listing its specs")


@functools.cache
def _heavy(origin: PluginOrigin, plugin: Path | None) -> Sequence[str]:
    """Return the heavy libraries that a plugin imports: one process answers for all its specs."""
    heavy: list[str] = ask(origin, plugin)["heavy"]
    return heavy


def refuse_heavy(spec: Spec, libraries: Sequence[str], what: str) -> None:
    """Raise `ContractError` if a fresh process had to import heavy libraries."""
    if libraries:
        raise ContractError(
            f"{label(spec)}: {what} imports {', '.join(libraries)}: import it inside the functions that need it, or "
            f"name these functions with tlbench.deferred."
        )


def deferred_functions_exist(spec: Spec, bench: Bench) -> None:
    """What a spec names with `deferred` can be imported."""
    if not isinstance(spec, DomainSpec):
        need(spec)
    for name, target in _deferred_in(spec):
        try:
            target.resolve()
        except ImportError as error:
            raise ContractError(
                f'{label(spec)}: {name}: the module "{target.module}" cannot be imported: {error}.'
            ) from error
        except AttributeError as error:
            raise ContractError(
                f'{label(spec)}: {name}: the module "{target.module}" has no "{target.name}".'
            ) from error


def _deferred_in(spec: Any) -> Iterator[tuple[str, Deferred]]:
    """Yield the deferred functions in the fields of a record, also those of its kinds and of partial functions."""
    for field in fields(spec):
        value = getattr(spec, field.name)
        if isinstance(value, KindSpec):
            yield from ((f"{field.name}.{name}", target) for name, target in _deferred_in(value))
        while isinstance(value, functools.partial):
            value = value.func
        if isinstance(value, Deferred):
            yield field.name, value


def code_can_be_followed(spec: Spec, bench: Bench) -> str | None:
    """The source says which code the functions use: cached results depend on it."""
    functions = [value for field in fields(spec) if callable(value := getattr(spec, field.name))]
    unfollowed = sorted(code_of(*functions).unfollowed)
    if not unfollowed:
        return None
    return (
        f"{label(spec)}: {', '.join(unfollowed)} imports modules by names that are computed at run time, "
        f"so every change in its package recomputes cached results. Use import statements or tlbench.deferred."
    )


SPEC_CHECKS: tuple[Check[Any], ...] = (
    spec_fields_are_valid,
    module_is_light,
    deferred_functions_exist,
    code_can_be_followed,
)
"""Checks of a spec of any kind."""
