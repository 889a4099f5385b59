"""Entries -> Markdown and CSV."""

from __future__ import annotations

import csv
import io
import itertools
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tabulate import tabulate

from tlbench.files import slug, write_bytes
from tlbench.leaderboard.aggregate import Entry, aggregate, as_record
from tlbench.rows import Row

LEGEND = """\
- **score**: the exported ONNX file's score on the target test split, mean over seeds.
- **seed sd**: its standard deviation over seeds. **test 95 %**: bootstrap interval over test examples, its ends
  averaged over seeds. These are two different errors.
- **over source**: score minus that of the source model as it is, paired by seed; in brackets the seeds above it.
- **gain**: score minus that of the same model trained from scratch on the same labels; ▼ marks negative transfer.
  **gap closed**: (score - source only) / (oracle - source only); - where these two cannot be told apart.
- **forgets (head)**: source score before minus after adaptation, by the source head. **forgets (probe)**: the same by a
  linear probe refitted on source features. Positive is loss; - where there is nothing to forget.
- **p50 ms**: single-stream latency of the ONNX graph at batch 1. **x ref**: the same in units of tlbench's reference
  model, to compare machines. Strategies that serve one graph share one measurement; a dagger marks a machine that was
  busy with something else meanwhile.
- **adapt s**: CPU seconds of adaptation.

Strategies are sorted within the same label access, never across.
"""


def render(board: Path, rows: Sequence[Row]) -> list[Path]:
    """Write `DOMAIN.md`, `DOMAIN.csv` and `README.md`; return their paths."""
    entries = aggregate(rows)
    paths = []
    for domain in sorted({row.domain for row in rows}):
        own = [entry for entry in entries if entry.first.domain == domain]
        left = [row for row in rows if row.domain == domain and row.status != "ok"]
        paths += [
            _write(board / f"{slug(domain)}.md", domain_page(domain, own, left)),
            _write(board / f"{slug(domain)}.csv", table_csv(own)),
        ]
    return [*paths, _write(board / "README.md", overview(entries, rows))]


def _write(path: Path, text: str) -> Path:
    write_bytes(path, text.encode())
    return path


def domain_page(domain: str, entries: Sequence[Entry], left: Sequence[Row]) -> str:
    """Return a domain's page: a table for each task and access, and the rows that have no score."""
    parts = [f"# {_safe(domain)}\n"]
    for task, of_task in itertools.groupby(entries, _task):
        own = list(of_task)
        parts.append(f"## {_safe(task)}\n\n{_task_line(own[0].first)}\n")
        for access, group in itertools.groupby(own, _access_title):
            parts.append(f"### {access}\n\n{_table(list(group))}\n")
    parts += [_machines(entries), *_left_out(left), "## Columns\n", LEGEND]
    return "\n".join(parts)


def _task_line(row: Row) -> str:
    return (
        f"{row.setting}; {row.metric} on {row.test_size} target test examples; label budget {row.label_budget} "
        f"{row.budget_unit}; source {row.source_metric} {_number((row.score_matrix or ((None,),))[0][0])}; "
        f"A-distance {_number(row.a_distance, 2)}"
    )


def _access_title(entry: Entry) -> str:
    seen = _seen(entry.access)
    return f"References that see {seen}" if entry.first.reference else f"Sees {seen}"


def _table(entries: Sequence[Entry]) -> str:
    return tabulate([_line(entry) for entry in entries], headers="keys", tablefmt="github", disable_numparse=True)


def _line(entry: Entry) -> dict[str, str]:
    record = as_record(entry)
    interval = "-" if record["test_low"] is None else f"{record['test_low']:.3f} to {record['test_high']:.3f}"
    return {
        "strategy": _safe(entry.strategy),
        "backbone": _safe(entry.first.backbone),
        "seeds": str(len(entry.rows)),
        "score": _number(record["score"]),
        "seed sd": _number(record["seed_sd"]),
        "test 95 %": interval,
        "over source": _paired(record),
        "gain": _gain(record["transfer_gain"]),
        "gap closed": _number(record["gap_closed"], 2),
        "forgets (head)": _number(record["forgetting_head"]),
        "forgets (probe)": _number(record["forgetting_probe"]),
        "p50 ms": _number(record["p50_ms"]) + (" †" if record["contended"] else ""),
        "x ref": _number(record["p50_ratio"], 2),
        "adapt s": _number(record["adapt_cpu_s"], 1),
        "selection": _safe(entry.first.selection),
        "rows": " ".join(f"[{row.seed}](rows/{row.file_name})" for row in entry.rows),
    }


def _paired(record: Mapping[str, Any]) -> str:
    """Return the mean difference from source-only and in how many seeds it is above it."""
    if record["over_source_only"] is None or record["strategy"] == "source-only":
        return "-"
    return f"{record['over_source_only']:+.3f} ({record['seeds_above']}/{record['seeds']})"


def _gain(value: float | None) -> str:
    return "-" if value is None else f"{value:+.3f}" + (" ▼" if value < 0 else "")


def _machines(entries: Sequence[Entry]) -> str:
    machines = sorted(
        {f"{entry.first.machine} ({entry.first.device}, {entry.first.threads} thread)" for entry in entries}
    )
    return "\n".join(["## Machines\n", *(f"- {_safe(machine)}" for machine in machines), ""])


def _left_out(rows: Sequence[Row]) -> list[str]:
    if not rows:
        return []
    lines = [
        f"- {_safe(row.task)}, {_safe(row.backbone)}, {_safe(row.strategy)}, seed {row.seed}: {row.status}"
        + (f" in {_safe(row.stage)}" if row.stage else "")
        + f". {_safe(row.reason or '')}"
        for row in sorted(rows, key=lambda row: (row.task, row.strategy, row.seed))
    ]
    return ["## Failed and skipped\n", *lines, ""]


def table_csv(entries: Sequence[Entry]) -> str:
    """Return all numbers of a domain's board, unrounded."""
    stream = io.StringIO()
    records = [as_record(entry) for entry in entries]
    if records:
        writer = csv.DictWriter(stream, list(records[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(records)
    return stream.getvalue()


def overview(entries: Sequence[Entry], rows: Sequence[Row]) -> str:
    """Return the page over all domains: a line for each task, a column for each strategy, references apart."""
    domains = sorted({row.domain for row in rows})
    links = ", ".join(f"[{_safe(domain)}]({slug(domain)}.md)" for domain in domains)
    counts = {status: sum(row.status == status for row in rows) for status in ("ok", "failed", "skipped")}
    said = ", ".join(f"{count} {status}" for status, count in counts.items())
    return "\n".join(
        [
            "# Leaderboards\n",
            f"Domains, with everything: {links}. Rows: {said}.\n",
            "Target score / forgetting (head), means over seeds; one pair for each backbone and machine. "
            "Columns that see different things are not to be ranked.\n",
            f"## Strategies\n\n{_overview_table([entry for entry in entries if not entry.first.reference])}\n",
            f"## References\n\n{_overview_table([entry for entry in entries if entry.first.reference])}\n",
        ]
    )


def _overview_table(entries: Sequence[Entry]) -> str:
    columns = sorted({(len(entry.access), entry.access, entry.strategy) for entry in entries})
    lines = [{"task": "*sees*", **{_safe(name): _seen(access) for _, access, name in columns}}]
    for task, group in itertools.groupby(sorted(entries, key=_task), _task):
        cells: dict[str, list[str]] = defaultdict(list)
        for entry in group:
            cells[entry.strategy].append(_cell(entry))
        lines.append({"task": _safe(task), **{_safe(name): "; ".join(cells[name]) for _, _, name in columns}})
    return tabulate(lines, headers="keys", tablefmt="github", disable_numparse=True)


def _task(entry: Entry) -> str:
    return entry.first.task


def _seen(access: Sequence[str]) -> str:
    return " and ".join(part.replace("-", " ") for part in access) or "nothing of the target"


def _cell(entry: Entry) -> str:
    forgets = entry.mean("forgetting_head")
    return f"{_number(entry.mean('score'))} / {_number(forgets)}"


def _number(value: float | None, digits: int = 3) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def _safe(text: str) -> str:
    """Return text that stays text in a Markdown table: no pipe, no tag, no link, one line."""
    replaced = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    for sign in "\\`|[]*_":
        replaced = replaced.replace(sign, f"\\{sign}")
    return " ".join(replaced.split())
