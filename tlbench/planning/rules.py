"""The rules that a user may name with `--select`, and which strategies leave the choice to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tlbench.contract.specs import BY_SOURCE_LABELS, BY_TARGET_INPUTS, StrategySpec, TaskSpec
from tlbench.errors import UnknownNameError

BY_PROBABILITIES = (*BY_TARGET_INPUTS, "importance-weighted", "deep-embedded-validation", "class-shares")
"""Rules that look at a probability for each class; by them the host alone chooses."""
SETS_ASIDE: Mapping[str, str] = {**dict.fromkeys(BY_SOURCE_LABELS, "source"), "target-validation": "target"}
"""Rule -> the domain of whose labelled examples a fifth is set aside for it."""


def selected_rule(strategy: StrategySpec, task: TaskSpec, rule: str) -> str:
    """Return the rule if the strategy leaves the choice to the user and it fits the task; else an empty string.

    It is empty also for the strategy's own rule: a result has one name.
    """
    chosen = rule in strategy.selections and _fits(rule, task) and rule != own_rule(strategy, task)
    return rule if chosen else ""


def own_rule(strategy: StrategySpec, task: TaskSpec) -> str:
    """Return the rule of the strategy; `last` if it looks at probabilities and the task has none."""
    return strategy.selection if _fits(strategy.selection, task) else "last"


def _fits(rule: str, task: TaskSpec) -> bool:
    return rule not in BY_PROBABILITIES or "class-probabilities" in task.kind.traits


def check_rule(rule: str, strategies: Sequence[StrategySpec]) -> None:
    """Raise `UnknownNameError` for a rule that no strategy of a request leaves to the user."""
    offered = dict.fromkeys(one for strategy in strategies for one in strategy.selections)
    if rule and rule not in offered:
        raise UnknownNameError("selection rule", rule, list(offered), where="of the selected strategies")
