"""Entries -> LaTeX: a table for each task, for `\\input` in a document that loads booktabs."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence

from tlbench.leaderboard import versions, wording
from tlbench.leaderboard.aggregate import Entry, order, served_graphs
from tlbench.results.escapes import plain

HEADERS = {
    "strategy": ("Strategy", ""),
    "score": ("Score", ""),
    "seed sd": ("Seed", "sd"),
    "test 95 %": ("Test", r"95\,\%"),
    "over source": ("Over", "source"),
    "gain": ("Gain", ""),
    "gap closed": ("Gap", "closed"),
    "forgets (head)": ("Lost,", "head"),
    "forgets (probe)": ("Lost,", "probe"),
    "adapt CPU s": ("Adapt", "CPU s"),
}
"""Columns of the page that a table has, with their two lines of header; only CPU seconds have a unit."""
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
    """Return the tables of a domain: best in bold within what can be ranked, references below a rule."""
    parts = [f"% {safe(domain)}: made by tlbench leaderboard; needs \\usepackage{{booktabs}}."]
    for _, group in itertools.groupby(sorted([*entries, *left], key=order), lambda entry: entry.first.task):
        parts.append(_table(list(group)))
    return "\n\n".join(parts) + "\n"


def _table(members: Sequence[Entry]) -> str:
    further = wording.further_scores(members)
    headers = {name: (safe(name), "") for name in further}
    names = [name for name in wording.cells(members[0], further) if name in HEADERS or name in headers]
    top, below = zip(*(HEADERS.get(name) or headers[name] for name in names), strict=True)
    return "\n".join(
        [
            r"\begin{table}",
            r"\centering\footnotesize\setlength{\tabcolsep}{2.5pt}",
            rf"\caption{{{_caption(members)}}}",
            rf"\begin{{tabular}}{{@{{}}l{'r' * (len(names) - 1)}@{{}}}}",
            r"\toprule",
            rf"{' & '.join(top)} \\",
            rf"{' & '.join(below)} \\",
            r"\midrule",
            _body(members, names, further),
            r"\bottomrule",
            r"\end{tabular}",
            *_notes(members),
            r"\end{table}",
        ]
    )


def _body(members: Sequence[Entry], names: Sequence[str], further: Sequence[str]) -> str:
    """Return the lines of a table: a heading for each access, a rule before the references."""
    halves = []
    for apart, half in itertools.groupby(members, lambda entry: entry.first.baseline):
        blocks = []
        for access, group in itertools.groupby(half, lambda entry: entry.access):
            title = safe(f"{'references that see' if apart else 'sees'} {wording.seen(access)}")
            heading = rf"\multicolumn{{{len(names)}}}{{@{{}}l}}{{\emph{{{title}}}}} \\"
            blocks.append("\n".join([heading, *(_line(entry, names, further) for entry in group)]))
        halves.append("\n\\addlinespace\n".join(blocks))
    return "\n\\midrule\n".join(halves)


def _line(entry: Entry, names: Sequence[str], further: Sequence[str]) -> str:
    cells = wording.cells(entry, further)
    texts = [safe(entry.strategy), *(_number(cells[name]) for name in names[1:])]
    score = names.index("score")
    if entry.first.status != "ok":
        texts[score] = safe(entry.first.status)
    elif wording.is_best(entry):
        texts[0], texts[score] = (rf"\textbf{{{text}}}" for text in (texts[0], texts[score]))
    return rf"{' & '.join(texts)} \\"


def _number(text: str) -> str:
    """Return a number in LaTeX: a true minus, an en dash between two, no bracket."""
    if text == wording.NONE:
        return "--"
    return re.sub(r"^-", "$-$", text.partition(" (")[0].replace(" to ", "--"))


def _caption(members: Sequence[Entry]) -> str:
    """Return what the numbers are: task, metric, sizes, budget, seeds, selection, latency."""
    scored = [entry for entry in members if entry.first.status == "ok"]
    parts = [f"{members[0].first.task}."]
    if scored:
        parts.append(wording.task_facts(scored))
    rules = sorted({(entry.first.selection, entry.first.strategy) for entry in members})
    for rule, group in itertools.groupby(rules, lambda pair: pair[0]):
        parts.append(f"Selection {rule}: {', '.join(strategy for _, strategy in group)}.")
    for entry, *_ in served_graphs(scored):
        row = entry.first
        parts.append(
            f"Latency of {row.backbone} at batch 1: p50 {wording.number(entry.mean('p50_ms'))} ms, p99 "
            f"{wording.number(entry.mean('p99_ms'))} ms on {wording.machine(row)}."
        )
    return safe(" ".join(parts)) + " Bold: the best of those that see the same, with all that cannot be told apart."


def _notes(members: Sequence[Entry]) -> list[str]:
    notes = [*versions.sentences([entry for entry in members if entry.first.status == "ok"]), *wording.ties(members)]
    notes += [wording.why(entry) for entry in members if entry.first.status != "ok"]
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
