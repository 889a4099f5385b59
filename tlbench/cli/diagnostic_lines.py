"""What a run says of estimators and analyses: their numbers, and why some are missing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from tlbench.cli.row_card import in_words
from tlbench.leaderboard.aggregate import aggregate

if TYPE_CHECKING:
    from tlbench.engine.runner import Outcome


def diagnostic_lines(outcome: Outcome) -> list[str]:
    """Return a line for each estimate, which strategies share, and each analysis, then those that failed."""
    lines = []
    for entry in aggregate(outcome.rows):
        start = f"{entry.first.task} {entry.first.backbone}"
        lines += [f"estimate: {start}: {name} {in_words(value)}" for name, value in entry.estimates().items()]
        if analyses := entry.analyses():
            lines.append(f"analysis: {start} {entry.strategy}: {_numbers(analyses)}")
    return [*dict.fromkeys(lines), *outcome.without]


def _numbers(values: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {in_words(value)}" for name, value in values.items())
