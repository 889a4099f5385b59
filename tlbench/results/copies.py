"""What there is to say of test examples that are copies of training examples."""

from __future__ import annotations

from collections.abc import Iterable

from tlbench.results.row import Row

ENOUGH = 0.01
"""Share of the test examples from which on copies are worth a warning: single ones move no score."""


def of_row(row: Row) -> str:
    """Return a sentence on the target test examples of a row; empty if there is nothing to say.

    If the user names a column of groups, only equal examples count: that column says what belongs together.
    """
    grouped = bool((row.task_options or {}).get("group"))
    return warning(row.test_copies, None if grouped else row.test_near_copies, row.test_size)


def warning(copies: int | None, nearly: int | None, size: int | None) -> str:
    """Return a sentence on so many equal and nearly equal test examples; empty if there is nothing to say."""
    same, near, enough = copies or 0, nearly or 0, ENOUGH * (size or 0)
    if not max(same, near) or max(same, near) < enough:
        return ""
    how = "equal" if same >= near else "nearly equal"
    return f"{max(same, near)} of {size} test examples are {how} to training examples"


def warnings(rows: Iterable[Row]) -> list[str]:
    """Return a sentence for each task whose target test examples are known from training."""
    said = {
        f"Warning: {row.task}: {text}: its scores may be too high (tlbench inspect {row.task} shows them)."
        for row in rows
        if row.status == "ok" and (text := of_row(row))
    }
    return sorted(said)
