"""Strategies that the user passed: functions and specs of a session, which no plugin offers."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from tlbench.contract.specs import StrategySpec
from tlbench.errors import UsageError
from tlbench.planning.by_value import by_value
from tlbench.planning.catalog import Catalog
from tlbench.planning.code_values import ByValue, Values
from tlbench.planning.discovery import PluginOrigin
from tlbench.planning.names import FORMS, NAMES
from tlbench.planning.plan import Pairing, Plan
from tlbench.results.files import digest

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


def check_name(name: str, taken: Collection[str]) -> None:
    """Raise `UsageError` for a name that is invalid or taken."""
    if not re.fullmatch(NAMES[StrategySpec], name):
        raise UsageError(
            f'Invalid strategy name "{name}": expected {FORMS[StrategySpec]}, which matches {NAMES[StrategySpec]}.'
        )
    if name in taken:
        raise UsageError(f'There are two strategies of the name "{name}", one of them yours: give it another name.')


def followed(spec: StrategySpec) -> OwnStrategy:
    """Return a strategy whose functions say what they are made of."""
    held = {field.name: getattr(spec, field.name) for field in dataclasses.fields(spec)}
    functions: dict[str, Any] = {name: by_value(value) for name, value in held.items() if callable(value)}
    named: dict[str, ByValue] = functions
    declared = {name: value for name, value in held.items() if name not in {*functions, "title", "summary", "paper"}}
    code = digest([Values().describe(declared), {name: one.identity for name, one in named.items()}])
    unknown = tuple(dict.fromkeys(reason for one in named.values() for reason in one.unknown))
    return OwnStrategy(spec=dataclasses.replace(spec, **functions), code=code[:12], unknown=unknown)


def with_strategies(catalog: Catalog, own: Sequence[OwnStrategy]) -> Catalog:
    """Return the catalog with strategies that no plugin offers; rows name their code in place of a plugin.

    Raises `UsageError` for a name that a plugin has.
    """
    for one in own:
        check_name(one.spec.name, catalog.strategies)
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

    def mark(pairing: Pairing) -> Pairing:
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
