"""Rows as the table that `tlbench run` prints: text for a terminal, HTML for a notebook."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tlbench.results.escapes import plain

if TYPE_CHECKING:
    from tlbench.leaderboard.aggregate import Entry
    from tlbench.results.row import Row

TUNED = 12
"""Tuned results of which a run says what was chosen."""
Lines = Sequence[Mapping[str, Any]]
"""Lines of a table: the cells of each under the titles of their columns."""


def as_text(lines: Lines) -> str:
    """Return a table as text; what is not printable is shown as its escape."""
    return _tabulated(lines, "simple")


def as_html(lines: Lines, remarks: Sequence[str] = ()) -> str:
    """Return a table as HTML with remarks below it; no text of a cell means anything in HTML."""
    below = "".join(f"<p>{html.escape(plain(remark))}</p>" for remark in remarks)
    # Notebooks would set text between dollar signs as a formula.
    return f'<div class="tex2jax_ignore mathjax_ignore">{_tabulated(lines, "html") if lines else ""}{below}</div>'


def _tabulated(lines: Lines, form: str) -> str:
    from tabulate import tabulate

    cells = [
        {plain(name): plain(value) if isinstance(value, str) else value for name, value in line.items()}
        for line in lines
    ]
    names = dict.fromkeys(name for line in cells for name in line)
    # A text stays as it is, also if it reads as a number: a version 1.10, a difference +0.2.
    texts = [place for place, name in enumerate(names) if any(isinstance(line.get(name), str) for line in cells)]
    return str(tabulate(cells, headers="keys", tablefmt=form, floatfmt=".3f", missingval="-", disable_numparse=texts))


def scored(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Return a line for each entry that has a score; the backbone is named if there are several."""
    from tlbench.leaderboard.aggregate import aggregate
    from tlbench.leaderboard.wording import PENDING
    from tlbench.results.columns import TERMINAL, columns

    several = len({row.backbone for row in rows}) > 1
    shown = [column for column in columns(TERMINAL) if several or column.field != "backbone"]
    return [
        {
            column.title: PENDING if column.field == "p50_ms" and entry.pending else entry.value(column.field)
            for column in shown
        }
        for entry in aggregate(rows)
    ]


def without_score(rows: Sequence[Row]) -> list[str]:
    """Return a sentence for each reason why runs of a task and backbone failed or were skipped."""
    from tlbench.leaderboard import aggregate, wording

    groups: dict[tuple[str, ...], list[Entry]] = {}
    for entry in aggregate.without_score(rows):
        row = entry.first
        key = (wording.ending(entry), row.task, row.backbone, f"{wording.seeds(entry.rows)}: {row.reason}")
        groups.setdefault(key, []).append(entry)
    return [
        f"{end}: {task} {backbone} {', '.join(dict.fromkeys(entry.first.strategy for entry in entries))} {why}"
        for (end, task, backbone, why), entries in groups.items()
    ]


def diagnosed(rows: Sequence[Row]) -> list[str]:
    """Return a sentence for each estimate, which strategies share, and for each analysis."""
    from tlbench.leaderboard.aggregate import aggregate
    from tlbench.leaderboard.wording import in_words

    lines = []
    for entry in aggregate(rows):
        start = f"{entry.first.task} {entry.first.backbone}"
        lines += [f"estimate: {start}: {name} {in_words(value)}" for name, value in entry.estimates().items()]
        if analyses := entry.analyses():
            numbers = ", ".join(f"{name} {in_words(value)}" for name, value in analyses.items())
            lines.append(f"analysis: {start} {entry.strategy}: {numbers}")
    return list(dict.fromkeys(lines))


def tuned(rows: Sequence[Row]) -> list[str]:
    """Return a sentence for each tuned result: what was chosen, what was expected of it and what tuning cost."""
    done = [row for row in rows if row.status == "ok" and row.tuning.get("trials")]
    more = [f"... and {len(done) - TUNED} more: tlbench show has them"] if len(done) > TUNED else []
    return [*map(_tuned, done[:TUNED]), *more]


def _tuned(row: Row) -> str:
    from tlbench.leaderboard.wording import in_words, number

    chosen = ", ".join(f"{name}={in_words(value)}" for name, value in row.tuned_options.items()) or "the defaults"
    start = f"tuned: {row.task} {row.backbone} {row.strategy} seed {row.seed}: {chosen}"
    expected = f"expected {number(row.tuning.get('expected'))} ({number(row.tuning.get('expected_default'))} with the "
    expected += f"defaults), achieved {number(row.score)}"
    trials, seconds = row.tuning["trials"], row.tuning.get("seconds", 0.0)
    return f"{start}; {expected}; {trials:.0f} settings in {seconds:.1f} CPU s"
