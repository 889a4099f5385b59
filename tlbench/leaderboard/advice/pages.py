"""The advice as sections of a board's pages, in Markdown."""

from __future__ import annotations

from collections.abc import Sequence

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
    """Return a section with a table: a line for each task, a column for each access; empty if there is none."""
    access = sorted({(len(one.access), one.access) for of_task in advice for one in of_task.choices})
    if not access:
        return ""
    lines = [[safe(of_task.task), *(_cell(of_task, parts) for _, parts in access)] for of_task in advice]
    headings = ["task", *(words.access(parts) for _, parts in access)]
    table = tabulate(lines, headers=headings, tablefmt="github", disable_numparse=True)
    return "\n".join([TITLE, MEANING, f"{table}\n", SHORT])


def _cell(advice: Advice, access: tuple[str, ...]) -> str:
    """Return what to use with an access, and if there are several choices, what tells them apart."""
    choices = [choice for choice in advice.choices if choice.access == access]
    told = [f" [{choice.condition}]" if choice.condition else "" for choice in choices]
    return "; ".join(safe(f"{choice.brief}{which}") for choice, which in zip(choices, told, strict=True)) or NONE
