"""The rules that a user may name with `--select`, and which strategies leave the choice to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tlbench.contract.specs import BY_SOURCE_LABELS, BY_TARGET_INPUTS, StrategySpec, TaskSpec
from tlbench.errors import UnknownNameError

BY_PROBABILITIES = (*BY_TARGET_INPUTS, "importance-weighted", "deep-embedded-validation")
"""Rules that look at a probability for each class."""
SETS_ASIDE: Mapping[str, str] = {**dict.fromkeys(BY_SOURCE_LABELS, "source"), "target-validation": "target"}
"""Rule -> the domain of whose labelled examples a fifth is set aside for it."""


def selected_rule(strategy: StrategySpec, task: TaskSpec, rule: str) -> str:
    """Return the rule if the strategy leaves the choice to the user and it fits the task; else an empty string."""
    if rule not in strategy.selections:
        return ""
    return "" if rule in BY_PROBABILITIES and "class-probabilities" not in task.kind.traits else rule


def check_rule(rule: str, strategies: Sequence[StrategySpec]) -> None:
    """Raise `UnknownNameError` for a rule that no strategy of a request leaves to the user."""
    offered = dict.fromkeys(one for strategy in strategies for one in strategy.selections)
    if rule and rule not in offered:
        raise UnknownNameError("selection rule", rule, list(offered), where="of the selected strategies")
