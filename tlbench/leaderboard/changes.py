"""What further results change on a board: a line for each entry that is new, is gone or has other numbers."""

from __future__ import annotations

from collections.abc import Sequence

from tabulate import tabulate

from tlbench.leaderboard import questions, wording
from tlbench.leaderboard.aggregate import Entry
from tlbench.leaderboard.markdown import safe

GAINS = {
    "transfer gain": ("transfer_gain", "+"),
    "over source-only": ("gain_over_source_only", "+"),
    "gap closed": ("gap_closed", ""),
}
"""Heading -> field and form of what depends on baselines."""
HEADINGS = ("task", "backbone", "strategy", "access", "seeds", "score", *GAINS, "rank")
NONE = "-"


def changes(before: Sequence[Entry], after: Sequence[Entry]) -> list[dict[str, str]]:
    """Return the entries that are new or have other numbers, in the order of pages, then those that are gone.

    A value is `NEW`, or `OLD -> NEW` if it was another.
    """
    known = {questions.question(entry.first): _values(entry) for entry in before}
    lines = []
    for entry in after:
        values = _values(entry)
        old = known.get(questions.question(entry.first))
        if old is None or old != values:
            shown = {name: _change(old[name], value) if old else value for name, value in values.items()}
            lines.append(_line(entry, "" if old else " (new)", shown))
    there = {questions.question(entry.first) for entry in after}
    gone = (entry for entry in before if questions.question(entry.first) not in there)
    return [*lines, *(_line(entry, " (removed)", _values(entry)) for entry in gone)]


def _line(entry: Entry, note: str, values: dict[str, str]) -> dict[str, str]:
    row = entry.first
    names = {"task": row.task, "backbone": row.backbone, "strategy": f"{entry.strategy}{note}"}
    return {**names, "access": wording.access(entry.access), **values}


def _values(entry: Entry) -> dict[str, str]:
    score = f"{entry.first.metric} {wording.number(entry.mean('score'))}"
    gains = {name: wording.number(entry.value(field), form=form) for name, (field, form) in GAINS.items()}
    return {
        "seeds": str(len(entry.rows)),
        "score": score,
        **gains,
        "rank": NONE if entry.rank is None else str(entry.rank),
    }


def _change(old: str, new: str) -> str:
    return new if old == new else f"{old} -> {new}"


def table(lines: Sequence[dict[str, str]]) -> str:
    """Return the changes as a Markdown table, or a sentence if there are none."""
    if not lines:
        return "No score or rank changes."
    cells = [[safe(line[name]) for name in HEADINGS] for line in lines]
    return tabulate(cells, headers=HEADINGS, tablefmt="github", disable_numparse=True)
