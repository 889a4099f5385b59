"""What `Results.recommend` returns and `tlbench advise` prints: a record for each task, with sentences."""

from __future__ import annotations

import dataclasses
import html
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tlbench.api.wrapping import section_lines
from tlbench.errors import UnknownNameError
from tlbench.leaderboard.advice import words
from tlbench.leaderboard.advice.limits import Limits
from tlbench.leaderboard.advice.verdict import Advice, Choice, advise, listed
from tlbench.results.escapes import plain
from tlbench.results.row import Row

Section = tuple[str, list[str]]
"""A title, and the lines below it; indented ones belong to the line above them."""


class AdviceList(tuple[Advice, ...]):
    """The advice on each task. Its own text is a line for each access if there are several tasks; `text` has all."""

    __slots__ = ()

    @property
    def text(self) -> str:
        """Everything that is said, as `tlbench advise TASK` prints it."""
        return _as_text(self.sections())

    def to_json(self) -> list[dict[str, Any]]:
        """Return all of it as JSON values."""
        return [dataclasses.asdict(one) for one in self]

    def sections(self) -> list[Section]:
        """Return everything that is said: a section for each task."""
        return [(f"{one.title}: which strategy?", _lines(one)) for one in self]

    def brief(self) -> list[Section]:
        """Return one section: everything on one task, or a line for each access of several tasks."""
        if len(self) < 2:
            return self.sections()
        lines = [line for one in self for line in _brief(one)]
        why = '"or": what is not significantly different. Why, and what else is worth trying: tlbench advise TASK'
        return [("Which strategy?", [*lines, why])]

    def __repr__(self) -> str:
        return _as_text(self.brief())

    def _repr_html_(self) -> str:
        return "".join(
            f"<p>{html.escape(plain(line))}</p>" for title, lines in self.sections() for line in [title, *lines]
        )


def _as_text(sections: Sequence[Section]) -> str:
    return "\n\n".join("\n".join(section_lines(plain(title), lines)) for title, lines in sections)


def _lines(advice: Advice) -> list[str]:
    lines = []
    for choice in advice.choices:
        lines += [choice.title, f"  {choice.verdict}", *map(_indented, choice.reasons(advice.shared))]
    lines += [_indented(line).removeprefix("  ") for line in listed("All of these", advice.shared)]
    if advice.not_considered:
        lines.append(f"Not considered, for they need other data: {', '.join(advice.not_considered)}.")
    return [*lines, *([advice.remark] if advice.remark else [])]


def _indented(line: tuple[int, str]) -> str:
    depth, text = line
    return f"    - {text}" if depth else f"  {text}"


def _brief(advice: Advice) -> list[str]:
    lines = [f"  {words.access(one.access)}{_condition(one)}: {one.brief}" for one in advice.choices]
    return [advice.title, *lines, *([f"  {advice.remark}"] if advice.remark else [])]


def _condition(choice: Choice) -> str:
    return f" ({choice.condition})" if choice.condition else ""


def recommend(rows: Sequence[Row], board: Path | None, limits: Limits, tasks: Sequence[str] = ()) -> AdviceList:
    """Return the advice on each task of rows, or on some of them.

    Differences are paired by test example if the rows are of a `board`, which has their draws. Raises
    `UnknownNameError` for a task that the rows do not have.
    """
    from tlbench.leaderboard.aggregate import aggregate, without_score

    there = {row.task for row in rows}
    for task in tasks:
        if task not in there:
            raise UnknownNameError("task", task, there, where=f'in "{board}"' if board else "")
    chosen = [row for row in rows if not tasks or row.task in tasks]
    return AdviceList(advise(aggregate(chosen, board), without_score(chosen), limits))
