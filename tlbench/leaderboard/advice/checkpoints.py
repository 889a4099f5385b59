"""Which backbone: orders by size and by each estimator, and how well they agreed with scores on a board."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import combinations
from statistics import mean

from tlbench.results.row import Row

FEWEST = 3
"""Backbones from which on an agreement is a number worth printing."""


def order(values: Mapping[str, float]) -> list[str]:
    """Return names by their values, the highest first; equal ones by name."""
    return sorted(values, key=lambda name: (-values[name], name))


def agreement(values: Mapping[str, float], others: Mapping[str, float]) -> float | None:
    """Return Kendall's tau-b of two orders of the names that both have, -1 to 1; None if either ties all of them."""
    pairs = list(combinations(sorted(values.keys() & others.keys()), 2))
    signs = [(_sign(values[a] - values[b]), _sign(others[a] - others[b])) for a, b in pairs]
    untied, other_untied = (sum(pair[side] != 0 for pair in signs) for side in (0, 1))
    if not untied or not other_untied:
        return None
    tau: float = sum(one * other for one, other in signs) / (untied * other_untied) ** 0.5
    return tau


def _sign(number: float) -> int:
    return (number > 0) - (number < 0)


def best_scores(rows: Sequence[Row], task: str) -> dict[str, float]:
    """Return for each backbone the highest mean score over seeds of a strategy with access to target labels."""
    scores: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        if row.task == task and row.score is not None and not row.baseline and "target-labels" in row.access:
            scores[row.backbone][f"{row.strategy} {row.strategy_options} {row.budget_rule}"].append(row.score)
    return {backbone: max(map(mean, found.values())) for backbone, found in scores.items()}
