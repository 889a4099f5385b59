"""What there is to say of test examples that are copies of training examples."""

from __future__ import annotations

from collections.abc import Iterable

from tlbench.results.row import Row

ENOUGH = 0.01
"""Share of the test examples from which on copies are worth a warning: single ones move no score."""


def warning(copies: int | None, nearly: int | None, size: int | None, grouped: bool) -> str:
    """Return a sentence on so many equal and nearly equal test examples; empty if there is nothing to say.

    In groups, only equal examples count: whoever names the groups has said what belongs together.
    """
    same, near, enough = copies or 0, 0 if grouped else nearly or 0, ENOUGH * (size or 0)
    if not max(same, near) or max(same, near) < enough:
        return ""
    how = "equal" if same >= near else "nearly equal"
    return f"{max(same, near)} of {size} test examples are {how} to training examples"


def warnings(rows: Iterable[Row]) -> list[str]:
    """Return a sentence for each task whose target test examples are known from training."""
    said = {
        f"Warning: {row.task}: {text}: its scores may be too high (tlbench inspect {row.task} shows them)."
        for row in rows
        if row.status == "ok"
        and (text := warning(row.test_copies, row.test_near_copies, row.test_size, row.groups is not None))
    }
    return sorted(said)
