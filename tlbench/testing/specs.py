"""Checks of the records themselves, and of the light module that they come from."""

from __future__ import annotations

import importlib.metadata
from dataclasses import fields
from typing import Any, get_args

from tlbench.contract.options import Option
from tlbench.contract.requests import Layout
from tlbench.contract.specs import BackboneFamily, BackboneSpec, DomainSpec, Setting, StrategySpec, TaskSpec
from tlbench.errors import ContractError
from tlbench.planning.catalog import Spec
from tlbench.testing.bench import Bench
from tlbench.testing.child import ask

TYPES = {"str": str, "bool": bool, "int": int, "tuple": tuple, "frozenset": frozenset}
TEXTS = ("title", "summary", "source", "target", "shift", "modality", "metric", "backbone")
"""Fields that must say something where a spec has them."""


def sort_of(spec: Spec) -> str:
    """Return what a spec is: `task`, `family` and the like."""
    return "family" if isinstance(spec, BackboneFamily) else type(spec).__name__.removesuffix("Spec").lower()


def label(spec: Spec) -> str:
    """Return what a message calls a spec: `Task "toy/blobs"`."""
    return f'{sort_of(spec).capitalize()} "{spec.name}"'


def spec_fields_are_valid(spec: Spec, bench: Bench) -> None:
    """Every field has its type, every text says something, every option can be read."""
    for field in fields(spec):
        value, wanted = getattr(spec, field.name), TYPES.get(str(field.type).partition("[")[0])
        if wanted and not isinstance(value, wanted):
            raise ContractError(f"{label(spec)}: {field.name} is {value!r}: it must be {field.type}.")
        if field.name in TEXTS and not str(value).strip():
            raise ContractError(f"{label(spec)}: {field.name} is empty: write one sentence.")
    if not isinstance(spec, DomainSpec):
        _check_requirements(spec)
    if isinstance(spec, TaskSpec | BackboneSpec | StrategySpec):
        _check_options(spec)
    _check_choices(spec)


def _check_options(spec: TaskSpec | BackboneSpec | StrategySpec) -> None:
    names = [option.name for option in spec.options if isinstance(option, Option)]
    if len(names) < len(spec.options) or len(set(names)) < len(names):
        raise ContractError(f"{label(spec)}: options must be records of Option, each with a name of its own.")
    for option in spec.options:
        where = f'{label(spec)}: option "{option.name}"'
        if not option.name.isidentifier():
            raise ContractError(f"{where} has no identifier as its name: --set could not be read.")
        if not option.summary.strip():
            raise ContractError(f"{where} has no summary: say what it does.")
        if option.parse(str(option.default)) != option.default:
            raise ContractError(f"{where} does not read its own default back: {option.default!r}.")


def _check_requirements(spec: TaskSpec | BackboneSpec | BackboneFamily | StrategySpec) -> None:
    for name in spec.requires:
        if not name.isidentifier():
            raise ContractError(f'{label(spec)}: requires names "{name}": it takes top-level import names.')
    known = importlib.metadata.metadata("tlbench").get_all("Provides-Extra") or []
    if spec.extra and spec.extra not in known:
        raise ContractError(
            f'{label(spec)}: tlbench has no extra "{spec.extra}": name one of {", ".join(known)}, or none.'
        )


def _check_choices(spec: Spec) -> None:
    problem = ""
    match spec:
        case TaskSpec():
            if spec.setting not in get_args(Setting):
                problem = f"setting is {spec.setting!r}: it takes {' or '.join(get_args(Setting))}."
            elif spec.label_budget < 1:
                problem = "label_budget must be at least 1."
            elif spec.data_from != "user" and not spec.licence:
                problem = "licence is empty: say under which terms its data may be used, or that it is generated."
        case BackboneSpec():
            if not spec.layouts or not set(spec.layouts) <= set(get_args(Layout)):
                problem = f"layouts are {spec.layouts}: they take {' and '.join(get_args(Layout))}."
            elif spec.checkpoint is not None and not spec.licence:
                problem = "licence is empty: say under which terms its weights may be used."
        case StrategySpec():
            if not spec.settings or not set(spec.settings) <= set(get_args(Setting)):
                problem = f"settings are {spec.settings}: they take {' and '.join(get_args(Setting))}."
            elif not spec.baseline and not spec.paper:
                problem = 'paper is empty: name where the method is described, or write "unpublished".'
    if problem:
        raise ContractError(f"{label(spec)}: {problem}")


def module_is_light(spec: Spec, bench: Bench) -> None:
    """Listing the catalog must cost no torch."""
    answer = ask(bench.catalog.origin(spec), bench.plugin)
    refuse_heavy(spec, answer, "Importing its plugin and listing its specs")


def refuse_heavy(spec: Spec, answer: dict[str, Any], what: str) -> None:
    """Raise `ContractError` where a fresh process had to import something heavy."""
    if answer["heavy"]:
        raise ContractError(
            f"{label(spec)}: {what} imports {', '.join(answer['heavy'])}: import it inside the functions that need it."
        )
