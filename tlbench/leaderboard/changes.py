"""What further results change on a board: a line for each entry whose score, seeds or rank is another."""

from __future__ import annotations

from collections.abc import Sequence

from tabulate import tabulate

from tlbench.leaderboard import questions, wording
from tlbench.leaderboard.aggregate import Entry
from tlbench.leaderboard.markdown import safe

HEADINGS = ("task", "backbone", "strategy", "access", "seeds", "score", "rank")
NONE = "-"


def changes(before: Sequence[Entry], after: Sequence[Entry]) -> list[dict[str, str]]:
    """Return the entries that are new, or have other seeds, another mean score or another rank, in the order of pages.

    A value is `NEW`, or `OLD -> NEW` if it was another.
    """
    known = {questions.question(entry.first): _values(entry) for entry in before}
    lines = []
    for entry in after:
        values = _values(entry)
        old = known.get(questions.question(entry.first))
        if old is None or old != values:
            shown = {name: _change(old[name], value) if old else value for name, value in values.items()}
            row = entry.first
            new = "" if old else " (new)"
            names = {"task": row.task, "backbone": row.backbone, "strategy": f"{entry.strategy}{new}"}
            lines.append({**names, "access": wording.access(entry.access), **shown})
    return lines


def _values(entry: Entry) -> dict[str, str]:
    score = f"{entry.first.metric} {wording.number(entry.mean('score'))}"
    return {"seeds": str(len(entry.rows)), "score": score, "rank": NONE if entry.rank is None else str(entry.rank)}


def _change(old: str, new: str) -> str:
    return new if old == new else f"{old} -> {new}"


def table(lines: Sequence[dict[str, str]]) -> str:
    """Return the changes as a Markdown table, or a sentence if there are none."""
    if not lines:
        return "No score or rank changes."
    cells = [[safe(line[name]) for name in HEADINGS] for line in lines]
    return tabulate(cells, headers=HEADINGS, tablefmt="github", disable_numparse=True)
