"""Entries -> Markdown: a page for each domain, and one over all."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterable, Sequence

from tabulate import tabulate

from tlbench.leaderboard import flags, marks, to_scratch, versions, wording
from tlbench.leaderboard.aggregate import Entry, graphs, order
from tlbench.leaderboard.pictures import Picture
from tlbench.leaderboard.questions import pretrained
from tlbench.results import columns as results
from tlbench.results.columns import Column
from tlbench.results.escapes import plain
from tlbench.results.files import folder_name
from tlbench.results.row import Row

FILES = """\
Each page has its CSV and its LaTeX beside it; [leaderboard.json](leaderboard.json) holds every number unrounded.
"""
RANKS = """\
Strategies with the same access and selection rule are ranked together, the highest score first. Rank: one more than the
number of those that are significantly better. Bold: rank 1. A steady strategy may be significantly below the best where
a noisy one with a lower score is not.
"""
PAIRS = """\
Target score / forgetting (source head), means over seeds; one pair for each machine. Bold: the best of a task and
access, and all that are not significantly different. Strategies with different access are not ranked together.
"""


def domain_page(
    domain: str, entries: Sequence[Entry], left: Sequence[Entry], picture: Picture, advice: str = ""
) -> str:
    """Return a domain's page: advice, pictures, a table for each task, the latency of its graphs, and the legend."""
    links = {row.file_name: number for number, row in enumerate(_rows(entries, left), start=1)}
    scores = picture("scores", f"Target scores of {safe(domain)}, by task and strategy")
    parts = [f"# {safe(domain)}\n", advice, scores, RANKS]
    for _, group in itertools.groupby(sorted([*entries, *left], key=order), lambda entry: entry.first.task):
        parts.append(_task(list(group), links))
    parts += [
        picture("labels", f"Target scores of {safe(domain)} against the label budget"),
        picture("forgetting", f"Forgetting of {safe(domain)}, by task and strategy"),
        picture("gap-closed", f"Gap closed of {safe(domain)}, by task and strategy"),
        picture("cost", f"Cost of adaptation against score of {safe(domain)}"),
        _latency(entries),
        f"## Columns\n\n{results.legend()}\n",
        *(f"[{number}]: rows/{name}" for name, number in links.items()),
    ]
    return "\n".join(part for part in parts if part) + "\n"


def _rows(entries: Sequence[Entry], left: Sequence[Entry]) -> Iterable[Row]:
    tried = (entry for entry in [*entries, *left] if entry.first.status != "skipped")
    return (row for entry in sorted(tried, key=order) for row in entry.rows)


def _task(members: Sequence[Entry], links: dict[str, int]) -> str:
    """Return a task's section: its facts, its table, and notes on ties, on what failed and on what was skipped."""
    scored, failed = ([entry for entry in members if entry.first.status == status] for status in ("ok", "failed"))
    parts = [f"## {safe(members[0].first.task)}\n"]
    if scored:
        parts.append(safe(f"{wording.task_facts(scored)} {_source_facts(scored)}") + "\n")
    if scored or failed:
        attempted = [entry for entry in members if entry.first.status != "skipped"]
        parts.append(_task_table(attempted, links) + "\n")
    notes = [*versions.sentences(scored), *flags.sentences(scored)]
    notes += [*marks.sentences(scored), *to_scratch.sentences(scored), *wording.ties(scored)]
    notes += [f"({place}) {wording.why(entry)}" for place, entry in enumerate(failed, start=1)]
    if skipped := wording.skipped(members, wording.has_backbones(members)):
        notes.append(skipped)
    return "\n".join([*parts, *(f"- {safe(note)}" for note in notes), ""] if notes else parts)


def _source_facts(entries: Sequence[Entry]) -> str:
    """Return a sentence for each source model, in the order of their names."""
    models: dict[str, Entry] = {}
    for entry in sorted(entries, key=lambda entry: not _source_scores(entry)):
        models.setdefault(wording.backbone(entry.first), entry)
    return " ".join(_source_model(name, entry) for name, entry in sorted(models.items()))


def _source_scores(entry: Entry) -> list[float]:
    """Return the score of the source model on the source, seed by seed, where an entry starts from one."""
    scores = [row.score_matrix[0][0] for row in entry.rows if row.score_matrix]
    return [score for score in scores if score is not None]


def _source_model(name: str, entry: Entry) -> str:
    if entry.first.setting == "target-only":
        kept = entry.first.remembered
        return f"Backbone {name}{f'; forgetting is measured on {kept}' if kept else ''}."
    before = _source_scores(entry)
    mean = sum(before) / len(before) if before else None
    return (
        f"Backbone {name}; source {entry.first.source_metric or 'score'} {wording.number(mean)}; "
        f"A-distance {wording.number(entry.mean('a_distance'), 2)}."
    )


def _task_table(members: Sequence[Entry], links: dict[str, int]) -> str:
    columns = wording.result_columns(wording.further_scores(members))
    place = itertools.count(1)
    lines = []
    for title, group in itertools.groupby(members, wording.block):
        lines.append({"strategy": f"*{title}*"})
        for entry in group:
            line = _line(entry, columns, links)
            if entry.first.status != "ok":
                line["score"] = f"{safe(entry.first.status)} ({next(place)})"
            lines.append(line)
    alike = [name for name in ("backbone", "machine") if len({line.get(name) for line in lines if len(line) > 1}) == 1]
    return _table(lines, [column for column in columns if column.field not in alike])


def _line(entry: Entry, columns: Sequence[Column], links: dict[str, int]) -> dict[str, str]:
    """Return the cells of an entry; its results are numbered links, one a seed."""
    line = {column.field: safe(wording.cell(entry, column)) for column in columns if column.field != "rows"}
    if entry.first.baseline:
        line["strategy"] += f" ({wording.access_of(entry)})"
    if wording.is_best(entry):
        line |= {name: f"**{line[name]}**" for name in ("strategy", "score")}
    return line | {"rows": " ".join(f"[{row.seed}][{links[row.file_name]}]" for row in entry.rows)}


def _latency(entries: Sequence[Entry]) -> str:
    """Return the section on latency: what is pending, and a table of graphs; empty if there are none."""
    columns = results.columns(results.LATENCY)
    lines = []
    for group in graphs(entries):
        line = {column.field: safe(wording.cell(group[0], column)) for column in columns}
        lines.append(line | {"task": safe(", ".join(sorted({member.first.task for member in group})))})
    said = wording.pending(entries)
    return "\n\n".join(filter(None, ["## Latency", said, _table(lines, columns)])) + "\n" if lines else ""


def _table(lines: Sequence[dict[str, str]], columns: Sequence[Column]) -> str:
    """Return a table without the columns that say nothing."""
    kept = [column for column in columns if any(line.get(column.field, wording.NONE) != wording.NONE for line in lines)]
    cells = [[line.get(column.field, "") for column in kept] for line in lines]
    return tabulate(cells, headers=[safe(column.title) for column in kept], tablefmt="github", disable_numparse=True)


def overview(
    entries: Sequence[Entry], left: Sequence[Entry], picture: Picture, advice: str = "", over_tasks: str = ""
) -> str:
    """Return the page over all domains: advice, a table of tasks by strategies, and what is over tasks."""
    everything = [*entries, *left]
    domains = sorted({entry.first.domain for entry in everything})
    links = ", ".join(f"[{safe(domain)}]({folder_name(domain)}.md)" for domain in domains)
    ended = Counter(row.status for entry in everything for row in entry.rows)
    counts = ", ".join(f"{ended[status]} {status}" for status in ("ok", "failed", "skipped"))
    sections = {
        title: [entry for entry in everything if entry.first.baseline is apart]
        for title, apart in (("Strategies", False), ("Baselines", True))
    }
    tables = [f"## {title}\n\n{_overview_table(own)}\n" for title, own in sections.items() if own]
    parts = [
        f"# Leaderboards\n\nDomains, with everything: {links}. Results: {counts}.\n{FILES}",
        advice,
        picture("overview", "Target score and forgetting of the best strategy of each access, by task"),
        PAIRS,
        *tables,
        over_tasks,
        picture("latency", "Latency of each backbone's graph at batch 1"),
    ]
    return "\n".join(part for part in parts if part)


def _overview_table(entries: Sequence[Entry]) -> str:
    """Return a line for each task and backbone, with a column for each strategy that was not skipped everywhere.

    Backbones that began with weights from a file come before those that began with random weights.
    """
    attempted = [entry for entry in entries if entry.first.status != "skipped"]
    strategies = sorted({(len(entry.access), entry.access, entry.strategy) for entry in attempted})
    if len(strategies) > wording.MOST:
        return f"{len(strategies)} strategies, too many for one table: the pages of the domains have all their scores."
    lines = [
        {"task": "*access*", "backbone": "", **{_field(name): wording.access(access) for _, access, name in strategies}}
    ]
    real = {_model(entry) for entry in entries if pretrained(entry.first)}
    ordered = sorted(entries, key=lambda entry: (_model(entry) not in real, *_model(entry), order(entry)))
    for (task, backbone), group in itertools.groupby(ordered, _model):
        line = {"task": safe(task), "backbone": safe(backbone)}
        for entry in group:
            pair, field = _pair(entry), _field(entry.strategy)
            line[field] = f"{line[field]}; {pair}" if field in line else pair
        lines.append(line)
    columns = [Column(name, name, "") for name in ("task", "backbone")]
    return _table(lines, [*columns, *(Column(_field(name), name, "") for *_, name in strategies)])


def _field(strategy: str) -> str:
    """Return the field of a strategy's column; a strategy may be called "task"."""
    return f"strategy {strategy}"


def _model(entry: Entry) -> tuple[str, str]:
    return entry.first.task, entry.first.backbone


def _pair(entry: Entry) -> str:
    if entry.first.status != "ok":
        return safe(entry.first.status)
    score, forgets = wording.number(entry.mean("score")), wording.number(entry.mean("forgetting_head"))
    return f"**{score}** / {forgets}" if wording.is_best(entry) else f"{score} / {forgets}"


def safe(text: str) -> str:
    """Return text that stays text in a Markdown table: no pipe, no tag, no link, one line, all of it visible."""
    replaced = plain(" ".join(text.split())).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    for sign in "\\`|[]*_~$":
        replaced = replaced.replace(sign, f"\\{sign}")
    # An address becomes a link without any sign around it.
    return re.sub(r"(www)\.", r"\1&#46;", replaced.replace("://", "&#58;//").replace("@", "&#64;"), flags=re.IGNORECASE)
