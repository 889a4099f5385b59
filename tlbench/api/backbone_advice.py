"""What `tlbench advise TASK --backbones A,B` prints: estimates of each backbone, and the orders that follow."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from tlbench.engine.backbone_estimates import BackboneEstimates
from tlbench.leaderboard.advice.checkpoints import FEWEST, agreement, best_scores, order
from tlbench.results.row import Row

SIZE = "size"
"""The static order: by the number of weights, which costs nothing."""
CAUTION = (
    "Estimates are of the features before adaptation. The order by size costs nothing and has often been the better "
    "guess: where the two differ, compare by `tlbench run` with --label-budget and --seeds 3."
)


def table(found: Sequence[BackboneEstimates]) -> list[dict[str, Any]]:
    """Return a line for each backbone: millions of weights, and each estimate with its rank in brackets."""
    values = by_estimator(found)
    ranks = {
        name: {backbone: 1 + sum(other > value for other in one.values()) for backbone, value in one.items()}
        for name, one in values.items()
    }
    return [
        {
            "backbone": one.backbone,
            "weights (M)": None if one.weights is None else one.weights / 1e6,
            **{
                name: f"{one.estimates[name]:.3f} ({ranks[name][one.backbone]})" if name in one.estimates else "-"
                for name in values
                if name != SIZE
            },
        }
        for one in found
    ]


def by_estimator(found: Sequence[BackboneEstimates]) -> dict[str, dict[str, float]]:
    """Return for the size and for each estimator its number of each backbone."""
    names = dict.fromkeys(name for one in found for name in one.estimates)
    sizes = {one.backbone: float(one.weights) for one in found if one.weights is not None}
    return {
        SIZE: sizes,
        **{name: {one.backbone: one.estimates[name] for one in found if name in one.estimates} for name in names},
    }


def remarks(found: Sequence[BackboneEstimates], task: str, rows: Sequence[Row]) -> list[str]:
    """Return sentences: what to run, each order, how it agreed with scores on the board, and what has no number."""
    values = by_estimator(found)
    lines = verdict(values)
    lines += [f"By {name}: {', '.join(order(one))}." for name, one in values.items() if len(one) > 1]
    scores = best_scores(rows, task)
    if len(scores.keys() & values[SIZE].keys()) >= FEWEST:
        lines.append(_agreements(values, scores))
    else:
        lines.append(f"Scores of {FEWEST} of these backbones on the board would say how well each order agrees.")
    lines += [f"No estimate of {one.backbone}: {one.failed}" for one in found if one.failed]
    without = dict.fromkeys((name, why) for one in found for name, why in one.without.items())
    lines += [f"Without {name}: {why}" for name, why in without]
    return [*lines, CAUTION]


def verdict(values: Mapping[str, Mapping[str, float]]) -> list[str]:
    """Return in a sentence which backbones to run: the largest, and the first of most estimators if it is another."""
    ranked = {name: order(one)[0] for name, one in values.items() if len(one) > 1}
    firsts = Counter(first for name, first in ranked.items() if name != SIZE)
    if not firsts:
        return []
    most, times = min(firsts.items(), key=lambda item: (-item[1], item[0]))
    how = f"first by {times} of {firsts.total()} estimators"
    largest = ranked.get(SIZE)
    if largest is None:
        return [f"Run {most} first: it is {how}."]
    if largest == most:
        return [f"Run {most} first: it is the largest and {how}."]
    return [f"Run both {largest}, the largest, and {most}, {how}: the orders do not agree."]


def _agreements(values: Mapping[str, Mapping[str, float]], scores: Mapping[str, float]) -> str:
    taus = {name: agreement(one, scores) for name, one in values.items()}
    said = ", ".join(f"{name} {tau:+.2f}" for name, tau in taus.items() if tau is not None)
    number = len(scores.keys() & values[SIZE].keys())
    return f"Agreement with the best scores on the board (Kendall's tau over {number} backbones): {said}."
