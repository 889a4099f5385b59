"""Entries -> Markdown: a page for each domain, and one over all."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Sequence

from tabulate import tabulate

from tlbench.leaderboard import versions, wording
from tlbench.leaderboard.aggregate import Entry, order, served_graphs
from tlbench.leaderboard.pictures import Picture
from tlbench.results.escapes import plain
from tlbench.results.files import slug
from tlbench.results.row import Row

LEGEND = """\
- **rank**: one more than the strategies of the same access that are better beyond error: the 95 % interval of the
  difference, paired by seed (Student's t), with both test intervals in quadrature. The first are bold: the best and all
  that cannot be told apart from it. Strategies are never ranked across different access.
- **score**: the exported ONNX file's score on the target test split, mean over seeds.
- **seed sd**: its standard deviation over seeds. **test 95 %**: bootstrap interval over test examples, its ends
  averaged over seeds. These are two different errors.
- **over source**: score minus that of the source model as it is, paired by seed; in brackets the seeds above it.
- **gain**: score minus that of the same network trained from scratch on the same labels; ▼ marks negative transfer.
- **gap closed**: (score - source only) / (oracle - source only); - where these two cannot be told apart.
- **forgets (head)**: source score before minus after adaptation, by the source head. **forgets (probe)**: the same by a
  linear probe refitted on source features. Positive is loss; - where there is nothing to forget.
- **adapt CPU s**: CPU seconds of adaptation.
- **selection**: the rule that picked the model; none reads a test split.
- **rows**: the record of each seed, with every option, version and second.
- **p50, p90, p99 ms**: single-stream latency of the ONNX graph at batch 1. **x ref**: p50 in units of tlbench's
  reference model, to compare machines. **examples/s**: throughput in a large batch. Strategies that serve one graph
  share one measurement; † marks a machine that was busy with something else meanwhile.
"""

FILES = """\
Each page has its CSV and its LaTeX beside it; [leaderboard.json](leaderboard.json) holds every number unrounded.
"""
PAIRS = """\
Target score / forgetting by the source head, means over seeds; one pair for each machine. Bold: the best of a task and
access, with all that cannot be told apart from it. Columns that see different things are not ranked.
"""


def domain_page(domain: str, entries: Sequence[Entry], left: Sequence[Entry], picture: Picture) -> str:
    """Return a domain's page: pictures, a table for each task, the latency of its graphs, and the legend."""
    links = {row.file_name: number for number, row in enumerate(_rows(entries, left), start=1)}
    parts = [f"# {safe(domain)}\n", picture("scores", f"Target scores of {safe(domain)}, by task and strategy")]
    for _, group in itertools.groupby(sorted([*entries, *left], key=order), lambda entry: entry.first.task):
        parts.append(_task(list(group), links))
    parts += [
        picture("labels", f"Target scores of {safe(domain)} against the label budget"),
        picture("forgetting", f"Forgetting of {safe(domain)}, by task and strategy"),
        picture("gap-closed", f"Gap closed of {safe(domain)}, by task and strategy"),
        picture("cost", f"Cost of adaptation against score of {safe(domain)}"),
        f"## Latency\n\n{_latency_table(entries)}\n" if served_graphs(entries) else "",
        f"## Columns\n\n{LEGEND}",
        *(f"[{number}]: rows/{name}" for name, number in links.items()),
    ]
    return "\n".join(part for part in parts if part) + "\n"


def _rows(entries: Sequence[Entry], left: Sequence[Entry]) -> Iterable[Row]:
    return (row for entry in sorted([*entries, *left], key=order) for row in entry.rows)


def _task(members: Sequence[Entry], links: dict[str, int]) -> str:
    """Return a task's section: its facts, its table, and notes on ties and on what has no score."""
    scored = [entry for entry in members if entry.first.status == "ok"]
    left = [entry for entry in members if entry.first.status != "ok"]
    parts = [f"## {safe(members[0].first.task)}\n"]
    if scored:
        parts.append(safe(f"{wording.task_facts(scored)} {_source_facts(scored)}") + "\n")
    parts.append(_task_table(members, links) + "\n")
    notes = [*versions.sentences(scored), *wording.ties(scored)]
    notes += [f"({place}) {wording.why(entry)}" for place, entry in enumerate(left, start=1)]
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
    before = _source_scores(entry)
    mean = sum(before) / len(before) if before else None
    return (
        f"Backbone {name}; source {entry.first.source_metric or 'score'} {wording.number(mean)}; "
        f"A-distance {wording.number(entry.mean('a_distance'), 2)}."
    )


def _task_table(members: Sequence[Entry], links: dict[str, int]) -> str:
    further = wording.further_scores(members)
    lines = []
    place = itertools.count(1)
    for title, group in itertools.groupby(members, wording.block):
        lines.append({"strategy": f"*{title}*"})
        for entry in group:
            line = {safe(name): safe(text) for name, text in wording.cells(entry, further).items()}
            if entry.first.baseline:
                line["strategy"] += f" (sees {wording.seen(entry.access)})"
            if entry.first.status != "ok":
                line["score"] = f"{safe(entry.first.status)} ({next(place)})"
            elif wording.is_best(entry):
                line |= {name: f"**{line[name]}**" for name in ("strategy", "score")}
            if (entry.mean("transfer_gain") or 0.0) < 0:
                line["gain"] += " ▼"
            numbers = " ".join(f"[{row.seed}][{links[row.file_name]}]" for row in entry.rows)
            lines.append({**line, **_identity(entry), "rows": numbers})
    alike = [name for name in ("backbone", "machine") if len({line.get(name) for line in lines if len(line) > 1}) == 1]
    return _table([{name: text for name, text in line.items() if name not in alike} for line in lines])


def _identity(entry: Entry) -> dict[str, str]:
    row = entry.first
    return {
        name: safe(text)
        for name, text in (("selection", row.selection), ("backbone", row.backbone), ("machine", wording.machine(row)))
    }


def _latency_table(entries: Sequence[Entry]) -> str:
    lines = []
    for group in served_graphs(entries):
        entry, row = group[0], group[0].first
        lines.append(
            {
                "backbone": safe(row.backbone),
                "task": safe(", ".join(sorted({member.first.task for member in group}))),
                "inputs": safe(wording.shapes(row)),
                "p50 ms": wording.number(entry.mean("p50_ms")) + (" †" if row.contended else ""),
                "p90 ms": wording.number(entry.mean("p90_ms")),
                "p99 ms": wording.number(entry.mean("p99_ms")),
                "x ref": wording.number(entry.mean("p50_ratio"), 2),
                "examples/s": wording.number(entry.mean("throughput_per_s"), 0, ","),
                "ONNX kB": wording.number((row.onnx_bytes or 0) / 1000, 0),
                "provider": safe(row.provider or wording.NONE),
                "machine": _identity(entry)["machine"],
            }
        )
    return _table(lines)


def _table(lines: Sequence[dict[str, str]]) -> str:
    """Return a table without the columns that say nothing."""
    names = list(dict.fromkeys(name for line in lines for name in line))
    kept = [name for name in names if any(line.get(name, wording.NONE) != wording.NONE for line in lines)]
    cells = [[line.get(name, "") for name in kept] for line in lines]
    return tabulate(cells, headers=kept, tablefmt="github", disable_numparse=True)


def overview(entries: Sequence[Entry], left: Sequence[Entry], picture: Picture) -> str:
    """Return the page over all domains: a line for each task, a column for each strategy, references apart."""
    everything = [*entries, *left]
    domains = sorted({entry.first.domain for entry in everything})
    links = ", ".join(f"[{safe(domain)}]({slug(domain)}.md)" for domain in domains)
    ended = Counter(row.status for entry in everything for row in entry.rows)
    counts = ", ".join(f"{ended[status]} {status}" for status in ("ok", "failed", "skipped"))
    tables = [
        f"## {title}\n\n{_overview_table([entry for entry in everything if entry.first.baseline is apart])}\n"
        for title, apart in (("Strategies", False), ("References", True))
    ]
    parts = [
        f"# Leaderboards\n\nDomains, with everything: {links}. Rows: {counts}.\n{FILES}",
        picture("overview", "Target score against forgetting, by domain, task and strategy"),
        PAIRS,
        *tables,
        picture("latency", "Latency of each backbone's graph at batch 1"),
    ]
    return "\n".join(part for part in parts if part)


def _overview_table(entries: Sequence[Entry]) -> str:
    columns = sorted({(len(entry.access), entry.access, entry.strategy) for entry in entries})
    lines = [{"task": "*sees*", "backbone": "", **{safe(name): wording.seen(access) for _, access, name in columns}}]
    ordered = sorted(entries, key=lambda entry: (*_model(entry), order(entry)))
    for (task, backbone), group in itertools.groupby(ordered, _model):
        line = {"task": safe(task), "backbone": safe(backbone)}
        for entry in group:
            name, cell = safe(entry.strategy), _pair(entry)
            line[name] = f"{line[name]}; {cell}" if name in line else cell
        lines.append(line)
    return _table(lines)


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
    return replaced
