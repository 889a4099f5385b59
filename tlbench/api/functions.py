"""Strategies that the user passes: functions and specs of a session, beside the names of installed strategies."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from types import FunctionType
from typing import TYPE_CHECKING, Any

from tlbench.contract.options import training_options
from tlbench.contract.specs import StrategySpec
from tlbench.contract.task_data import Access
from tlbench.errors import UsageError

if TYPE_CHECKING:
    from tlbench.planning.own import OwnStrategy

Strategy = str | StrategySpec | Callable[..., Any]


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


def own_strategies(strategies: Sequence[Strategy]) -> list[OwnStrategy]:
    """Return the strategies that are no names. Raises `UsageError` for an invalid name, or one that is there twice."""
    from tlbench.planning.own import check_name, followed

    own: list[OwnStrategy] = []
    taken = {one for one in strategies if isinstance(one, str)}
    for given in strategies:
        if isinstance(given, str):
            continue
        spec = given if isinstance(given, StrategySpec) else spec_of(given)
        check_name(spec.name, taken)
        taken.add(spec.name)
        own.append(followed(spec))
    return own
