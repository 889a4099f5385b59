"""Strategies that the user passes: functions and specs of a session, beside the names of installed strategies."""

from __future__ import annotations

import dataclasses
import inspect
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import FunctionType
from typing import TYPE_CHECKING, Any

from tlbench.contract.options import training_options
from tlbench.contract.specs import StrategySpec
from tlbench.contract.task_data import Access
from tlbench.errors import UsageError

if TYPE_CHECKING:
    from tlbench.planning.catalog import Catalog
    from tlbench.planning.plan import Plan

Strategy = str | StrategySpec | Callable[..., Any]
HOOK = "tlbench_strategies"


@dataclass(frozen=True, kw_only=True)
class OwnStrategy:
    """A strategy that the user passed, and the name of its code."""

    spec: StrategySpec
    """Its functions carry the identity of their source and values."""
    code: str
    """Names its code and what it declares; another in every process if the code cannot be read."""
    unknown: tuple[str, ...]
    """Parts of its code that cannot be read or described, in words."""


def spec_of(function: Callable[..., Any]) -> StrategySpec:
    """Return a function as a strategy that is given the target labels and may train everything.

    Its name is that of the function, its summary the first sentence of the docstring, its options those of training.
    Raises `UsageError` for a callable that has no name of its own.
    """
    name = getattr(function, "__name__", "")
    if not isinstance(function, FunctionType) or not name.isidentifier():
        shown = "a lambda" if name == "<lambda>" else f"an object of the type {type(function).__name__}"
        raise UsageError(
            "A strategy is the name of an installed one, a function that `def` defines, or a tlbench.StrategySpec; got "
            f'{shown}. Give it a name: tlbench.StrategySpec(name="mine", ..., adapt=...).'
        )
    summary = " ".join((inspect.getdoc(function) or "A function of the user.").partition("\n\n")[0].split())
    return StrategySpec(
        name=name,
        title=name.replace("_", " "),
        summary=summary,
        access=frozenset({Access.TARGET_LABELS}),
        trains_encoder=True,
        recipe="full",
        adapt=function,
        options=training_options(steps=120, learning_rate=1e-3),
    )


def own_strategies(strategies: Sequence[Strategy], catalog: Catalog) -> list[OwnStrategy]:
    """Return the strategies that are no names. Raises `UsageError` for a name that is invalid or taken."""
    own = []
    taken = {*catalog.strategies, *(one for one in strategies if isinstance(one, str))}
    for given in strategies:
        if isinstance(given, str):
            continue
        spec = given if isinstance(given, StrategySpec) else spec_of(given)
        _check_name(spec.name, taken)
        taken.add(spec.name)
        own.append(_followed(spec))
    return own


def _check_name(name: str, taken: set[str]) -> None:
    from tlbench.planning.catalog import FORMS, NAMES

    if not re.fullmatch(NAMES[StrategySpec], name):
        raise UsageError(
            f'Invalid strategy name "{name}": expected {FORMS[StrategySpec]}, which matches {NAMES[StrategySpec]}.'
        )
    if name in taken:
        raise UsageError(f'There are two strategies of the name "{name}", one of them yours: give it another name.')


def _followed(spec: StrategySpec) -> OwnStrategy:
    """Return a strategy whose functions say what they are made of."""
    from tlbench.planning.by_value import by_value
    from tlbench.planning.code_values import ByValue, Values
    from tlbench.results.files import digest

    held = {field.name: getattr(spec, field.name) for field in dataclasses.fields(spec)}
    functions: dict[str, Any] = {name: by_value(value) for name, value in held.items() if callable(value)}
    named: dict[str, ByValue] = functions
    declared = {name: value for name, value in held.items() if name not in {*functions, "title", "summary", "paper"}}
    code = digest([Values().describe(declared), {name: one.identity for name, one in named.items()}])
    unknown = tuple(dict.fromkeys(reason for one in named.values() for reason in one.unknown))
    return OwnStrategy(spec=dataclasses.replace(spec, **functions), code=code[:12], unknown=unknown)


def with_strategies(catalog: Catalog, own: Sequence[OwnStrategy]) -> Catalog:
    """Return the catalog with strategies that no plugin offers; rows name their code in place of a plugin."""
    from tlbench.planning.discovery import PluginOrigin

    origins = {
        (HOOK, one.spec.name): PluginOrigin(
            entry_point=one.spec.name,
            distribution="function",
            version="of unknown code, not published" if one.unknown else one.code,
        )
        for one in own
    }
    specs = {one.spec.name: one.spec for one in own}
    return dataclasses.replace(
        catalog, strategies={**catalog.strategies, **specs}, origins={**catalog.origins, **origins}
    )


def marked(plan: Plan, own: Sequence[OwnStrategy]) -> Plan:
    """Return a plan whose pairings say which code their strategies have."""
    by_name = {one.spec.name: one for one in own}

    def mark(pairing: Any) -> Any:
        if (one := by_name.get(pairing.strategy.name)) is None:
            return pairing
        return dataclasses.replace(pairing, own_code=one.code, published=not one.unknown)

    return dataclasses.replace(plan, pairings=tuple(map(mark, plan.pairings)))


def unpublished(own: Sequence[OwnStrategy]) -> list[str]:
    """Return a sentence for each strategy whose results are neither cached nor published."""
    return [
        f'Results of "{one.spec.name}" are computed in every run and not written to the board: '
        f"{'; '.join(one.unknown)}. Define the function in a file or a notebook's cell, and give it plain values."
        for one in own
        if one.unknown
    ]
