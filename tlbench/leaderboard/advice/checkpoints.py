"""Which backbone: orders by size and by each estimator, and how well they agreed with scores on a board."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from statistics import mean

from tlbench.results.row import Row

FEWEST = 3
"""Backbones from which on an agreement is a number worth printing."""


def order(values: Mapping[str, float]) -> list[str]:
    """Return names by their values, the highest first; equal ones by name."""
    return sorted(values, key=lambda name: (-values[name], name))


def agreement(values: Mapping[str, float], others: Mapping[str, float]) -> float | None:
    """Return Kendall's tau-b of two orders of the names that both have, -1 to 1; None if either ties all of them."""
    from scipy.stats import kendalltau

    names = sorted(values.keys() & others.keys())
    one, other = ([found[name] for name in names] for found in (values, others))
    return float(kendalltau(one, other).statistic) if len(set(one)) > 1 and len(set(other)) > 1 else None


def best_scores(rows: Sequence[Row], task: str) -> dict[str, float]:
    """Return for each backbone the highest mean score over seeds of a strategy with access to target labels."""
    scores: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        if row.task == task and row.score is not None and not row.baseline and "target-labels" in row.access:
            scores[row.backbone][f"{row.strategy} {row.strategy_options} {row.budget_rule} {row.augmentation}"].append(
                row.score
            )
    return {backbone: max(map(mean, found.values())) for backbone, found in scores.items()}
