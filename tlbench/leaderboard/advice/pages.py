"""The advice as sections of a board's pages, in Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tabulate import tabulate

from tlbench.leaderboard.advice import words
from tlbench.leaderboard.advice.verdict import Advice, listed
from tlbench.leaderboard.markdown import safe
from tlbench.leaderboard.wording import NONE

TITLE = "## Which strategy?\n"
MEANING = """\
Strategies with different access are not compared. A difference is given with its 95 % interval; docs/advice.md of
tlbench has the rules.
"""
SHORT = """\
First the strategy to use, in brackets its mean score; "or": what is not significantly different from it, the highest
score first. Evidence, costs and what else is worth trying: the page of the domain, or `tlbench advise TASK`.
"""


def full(advice: Sequence[Advice], domain: str) -> str:
    """Return a section with everything that is said of each task of a domain; empty if nothing is."""
    own = [of_task for of_task in advice if of_task.domain == domain]
    parts = [f"**{safe(of_task.title)}**\n\n{_items(of_task)}\n" for of_task in own]
    return "\n".join([TITLE, MEANING, *parts]) if parts else ""


def _items(advice: Advice) -> str:
    lines = []
    for choice in advice.choices:
        lines.append(f"- {safe(choice.title)}: **{safe(choice.verdict)}**")
        lines += [f"{'  ' * (1 + depth)}- {safe(text)}" for depth, text in choice.reasons(advice.shared)]
    lines += [f"{'  ' * depth}- {safe(text)}" for depth, text in listed("All of these", advice.shared)]
    return "\n".join(lines)


def short(advice: Sequence[Advice]) -> str:
    """Return a section with a table, a column for each access; empty if there is no choice.

    A task has a line, and one more for each condition that tells choices of one access apart, such as a label budget.
    """
    access = [parts for _, parts in sorted({(len(one.access), one.access) for of in advice for one in of.choices})]
    if not access:
        return ""
    lines = [line for of_task in advice for line in _lines(of_task, access)]
    headings = ["task", *map(words.access, access)]
    table = tabulate(lines, headers=headings, tablefmt="github", disable_numparse=True)
    return "\n".join([TITLE, MEANING, f"{table}\n", SHORT])


def _lines(advice: Advice, access: Sequence[tuple[str, ...]]) -> Iterator[list[str]]:
    """Yield the lines of a task; those behind the first name the condition under which they hold."""
    # What holds without a condition comes first.
    conditions = sorted(dict.fromkeys(choice.condition for choice in advice.choices), key=bool)
    for condition in conditions or [""]:
        held = {choice.access: choice.brief for choice in advice.choices if choice.condition == condition}
        name = f"{advice.task}, {condition}" if condition else advice.task
        yield [safe(name), *(safe(held.get(parts, NONE)) for parts in access)]
