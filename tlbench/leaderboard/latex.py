"""Entries -> LaTeX: a table for each task, for `\\input` in a document that loads booktabs."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence

from tlbench.leaderboard import flags, marks, versions, wording
from tlbench.leaderboard.aggregate import Entry, graphs, order
from tlbench.results.columns import Column
from tlbench.results.escapes import plain

SIGNS = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "[": "{[}",  # behind the end of a line it would be read as a length, and * as a part of the command
    "*": "{*}",
    **{sign: f"\\{sign}" for sign in "{}$&#%_"},
}


def domain_tables(domain: str, entries: Sequence[Entry], left: Sequence[Entry]) -> str:
    """Return the tables of a domain: the best of an access in bold, baselines below a rule."""
    parts = [f"% {safe(domain)}: made by tlbench leaderboard; needs \\usepackage{{booktabs}}."]
    for _, group in itertools.groupby(sorted([*entries, *left], key=order), lambda entry: entry.first.task):
        parts.append(_table(list(group)))
    return "\n\n".join(parts) + "\n"


def _table(every_member: Sequence[Entry]) -> str:
    """Return a task's table; what was skipped is a note below it."""
    members = [entry for entry in every_member if entry.first.status != "skipped"]
    left = wording.skipped(every_member, wording.has_backbones(every_member))
    if not members:
        return f"% {safe(every_member[0].first.task)}: {safe(left)}"
    every = wording.result_columns(wording.further_scores(members))
    columns = {column: (safe(column.latex[0]), column.latex[1]) for column in every if column.latex}
    top, below = zip(*columns.values(), strict=True)
    return "\n".join(
        [
            r"\begin{table}",
            r"\centering\footnotesize\setlength{\tabcolsep}{2.5pt}",
            rf"\caption{{{_caption(members)}}}",
            rf"\begin{{tabular}}{{@{{}}l{'r' * (len(columns) - 1)}@{{}}}}",
            r"\toprule",
            rf"{' & '.join(top)} \\",
            rf"{' & '.join(below)} \\",
            r"\midrule",
            _body(members, list(columns)),
            r"\bottomrule",
            r"\end{tabular}",
            *_notes(members, left),
            r"\end{table}",
        ]
    )


def _body(members: Sequence[Entry], columns: Sequence[Column]) -> str:
    """Return the lines of a table: a heading for each access, a rule before the baselines."""
    halves = []
    for apart, half in itertools.groupby(members, lambda entry: entry.first.baseline):
        blocks = []
        for access, group in itertools.groupby(half, lambda entry: entry.access):
            title = safe(f"{'baselines, ' if apart else ''}access: {wording.access(access)}")
            heading = rf"\multicolumn{{{len(columns)}}}{{@{{}}l}}{{\emph{{{title}}}}} \\"
            blocks.append("\n".join([heading, *(_line(entry, columns) for entry in group)]))
        halves.append("\n\\addlinespace\n".join(blocks))
    return "\n\\midrule\n".join(halves)


def _line(entry: Entry, columns: Sequence[Column]) -> str:
    texts = [safe(entry.strategy), *(_number(wording.cell(entry, column)) for column in columns[1:])]
    score = [column.field for column in columns].index("score")
    if entry.first.status != "ok":
        texts[score] = safe(entry.first.status)
    elif wording.is_best(entry):
        texts[0], texts[score] = (rf"\textbf{{{text}}}" for text in (texts[0], texts[score]))
    return rf"{' & '.join(texts)} \\"


def _number(text: str) -> str:
    """Return a number in LaTeX: a true minus, an en dash between two, no bracket, no mark."""
    if text == wording.NONE:
        return "--"
    return re.sub(r"^-", "$-$", text.partition(" (")[0].removesuffix(" ▼").replace(" to ", "--"))


def _caption(members: Sequence[Entry]) -> str:
    """Return what the numbers are: task, metric, sizes, budget, seeds, selection, latency."""
    scored = [entry for entry in members if entry.first.status == "ok"]
    parts = [f"{members[0].first.task}."]
    if scored:
        parts.append(wording.task_facts(scored))
    rules = sorted({(entry.first.selection, entry.first.strategy) for entry in members})
    for rule, group in itertools.groupby(rules, lambda pair: pair[0]):
        parts.append(f"Selection {rule}: {', '.join(strategy for _, strategy in group)}.")
    for entry, *_ in graphs(scored):
        row, p50, p99 = entry.first, wording.number(entry.mean("p50_ms")), wording.number(entry.mean("p99_ms"))
        said = wording.PENDING if entry.pending else f"p50 {p50} ms, p99 {p99} ms on {wording.machine(row)}"
        parts.append(f"Latency of {row.backbone} at batch 1: {said}.")
    return (
        safe(" ".join(parts))
        + " Bold: the best of those with the same access, and all that are not significantly different."
    )


def _notes(members: Sequence[Entry], left: str) -> list[str]:
    scored = [entry for entry in members if entry.first.status == "ok"]
    notes = [*versions.sentences(scored), *flags.sentences(scored), *marks.sentences(scored), *wording.ties(members)]
    notes += [wording.why(entry) for entry in members if entry.first.status == "failed"]
    notes += [left] if left else []
    if not notes:
        return []
    return [
        r"\par\smallskip\begin{minipage}{\linewidth}\scriptsize",
        *(rf"{safe(note)}\par" for note in notes),
        r"\end{minipage}",
    ]


def safe(text: str) -> str:
    """Return text that stays text in LaTeX: every sign that means something is escaped; one line, all of it visible."""
    escaped = "".join(SIGNS.get(sign, sign) for sign in plain(" ".join(text.split())))
    return escaped.replace("±", r"$\pm$")
