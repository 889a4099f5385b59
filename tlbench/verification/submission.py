"""A submission: results of a board in a folder for a pull request, with what a reader wants to know of them."""

from __future__ import annotations

import datetime
import os
import platform
import re
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from tabulate import tabulate

from tlbench.errors import UsageError
from tlbench.leaderboard import wording
from tlbench.leaderboard.aggregate import Entry, aggregate
from tlbench.leaderboard.markdown import safe
from tlbench.results.evidence import ENVIRONMENT, SUMMARY
from tlbench.results.files import canonical, file_sha256, write_bytes, write_json
from tlbench.results.merging import merge
from tlbench.results.row import Row
from tlbench.results.row_files import read_rows
from tlbench.verification.report import Problem, Report

CHECKSUMS = "SHA256SUMS"
PART = r"[^\s/\\:\"'<>|]"
PLACE = re.compile(
    rf"(?<![\w/:.~-])(?:/(?:{PART}+/)+{PART}*|~(?:[A-Za-z]\w*)?/{PART}+|[A-Za-z]:[\\/]+{PART}+|\\\\{PART}+\\{PART}+)|\bfile://\S+"
)
"""A path of somebody's machine: `/a/b`, `~/a`, `~alice/a`, `C:\\a`, `C:/a`, `\\\\server\\share`, `file://...`."""
NAMED = {"tasks": "task", "backbones": "backbone", "strategies": "strategy"}
"""Heading -> field of what a summary lists."""
AHEAD = datetime.timedelta(days=1)
"""How far the clock of somebody's machine may be ahead."""
HOSTS = ("localhost",)
"""Names of machines that say nothing of them."""


def unpublishable(file: str, row: Row, allow_dirty: bool = False, hosts: Sequence[str] = ()) -> Iterator[Problem]:
    """Yield what keeps a result from being published: uncommitted changes, the user's own files, paths, host names."""
    if row.dirty and not allow_dirty:
        yield Problem(file, "dirty", True, "a commit without changes, or --allow-dirty")
    if row.files or row.remembered_files:
        yield Problem(file, "files", row.files or row.remembered_files, "none: nobody else has your own files")
    if row.status == "failed" and row.bad_input:
        yield Problem(file, "bad_input", True, "data that can be read: remove the result, or run it again")
    if row.created and datetime.datetime.fromisoformat(row.created) > datetime.datetime.now(datetime.UTC) + AHEAD:
        yield Problem(
            file, "created", row.created, "a time that has been: of two results of one seed, the newer counts"
        )
    for name, text in _texts(row.to_json()):
        if found := PLACE.search(text):
            yield Problem(file, name, found[0], "no path of a machine: remove the result, or run it again")
        for host in hosts:
            if re.search(rf"(?<!\w){re.escape(host)}(?!\w)", text):
                yield Problem(file, name, text, "a text without the name of this machine")


def own_hosts() -> tuple[str, ...]:
    """Return the names of this machine that would tell who ran the results."""
    name = platform.node()
    return (name,) if len(name) > 3 and name not in HOSTS else ()


def _texts(value: Any, place: str = "") -> Iterator[tuple[str, str]]:
    """Yield the place of each text in a JSON value, and the text; names in it are texts too."""
    if isinstance(value, str):
        yield place, value
    elif isinstance(value, Mapping):
        for name, part in value.items():
            yield place or "name", str(name)
            yield from _texts(part, f"{place}.{name}" if place else str(name))
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _texts(part, place)


def write_submission(board: Path, folder: Path, name: str, report: Report) -> list[Path]:
    """Write the results of a board, with their files, as a submission; return its files.

    A new folder appears when it is whole. Raises `UsageError` if it exists and is not empty.
    """
    folder = folder.absolute()  # Of "." there is neither a name nor a parent.
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f'"{folder}" exists: name a new folder, or an empty one.')
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".submission-") as place:
        draft = Path(place) / folder.name
        draft.mkdir()
        merge([board], draft)
        rows = list(read_rows(draft))
        write_json(draft / ENVIRONMENT, environment(rows))
        write_bytes(draft / SUMMARY, summary(name, rows, aggregate(rows, draft), report).encode())
        write_bytes(draft / CHECKSUMS, checksums(draft).encode())
        if folder.is_dir():  # Somebody may be in it: it stays.
            for part in sorted(draft.iterdir()):
                os.rename(part, folder / part.name)
        else:
            os.rename(draft, folder)
    return files_of(folder)


def files_of(folder: Path) -> list[Path]:
    """Return all files below a folder by name; links are files here, whatever they lead to."""
    return sorted(
        Path(parent) / name
        for parent, folders, names in os.walk(folder)
        for name in [*names, *(inner for inner in folders if os.path.islink(os.path.join(parent, inner)))]
    )


def checksums(folder: Path) -> str:
    """Return the SHA-256 of each file of a submission but that of checksums, as `sha256sum` writes and reads them."""
    paths = [path for path in files_of(folder) if path.name != CHECKSUMS]
    return "".join(f"{file_sha256(path)}  {path.relative_to(folder).as_posix()}\n" for path in paths)


def environment(rows: Sequence[Row]) -> dict[str, Any]:
    """Return where results come from: machines, processor classes, commits, plugins and versions."""
    scored = [row for row in rows if row.status == "ok"]
    versions = {canonical(dict(row.versions)): dict(row.versions) for row in scored}
    commits = {(row.commit, row.dirty) for row in scored}
    return {
        "machines": sorted({row.machine for row in rows}),
        "devices": sorted({f"{row.device}: {row.device_name}" for row in scored}),
        "processor_classes": sorted({row.processor_class or "unknown" for row in scored}),
        "commits": [{"commit": commit, "dirty": dirty} for commit, dirty in sorted(commits, key=str)],
        "plugins": sorted({plugin for row in rows for plugin in row.plugins.values()}),
        "versions": [versions[key] for key in sorted(versions)],
    }


def summary(name: str, rows: Sequence[Row], entries: Sequence[Entry], report: Report) -> str:
    """Return the page of a submission: what was run, the best of each task, where, and what verification says."""
    ended = Counter(row.status for row in rows)
    about, counts = environment(rows), report.counts()
    what = [
        ("results", ", ".join(f"{ended[status]} {status}" for status in ("ok", "failed", "skipped"))),
        *((title, ", ".join(sorted({getattr(row, field) for row in rows}))) for title, field in NAMED.items()),
        ("seeds", ", ".join(map(str, sorted({row.seed for row in rows})))),
        ("machines", "; ".join(about["machines"])),
        ("commits", ", ".join(_commit(one) for one in about["commits"]) or "none"),
        ("plugins", ", ".join(about["plugins"])),
    ]
    verified = ", ".join(f"{count} {state.replace('_', ' ')}" for state, count in counts.items())
    reasons = Counter(report.unverified.values())
    lines = [
        f"# {safe(name)}\n",
        "## What was run\n",
        *(f"- {title}: {safe(text)}" for title, text in what),
        "\n## Best of each task\n",
        _best(entries),
        "\n## Verification\n",
        f"`tlbench verify`: {verified}.\n",
        *(f"- {safe(reason)}: {count}\n" for reason, count in reasons.items()),
        f"Versions of all libraries are in [{ENVIRONMENT}]({ENVIRONMENT}).",
    ]
    return "\n".join(lines) + "\n"


def _commit(one: Mapping[str, Any]) -> str:
    name = one["commit"][:12] if one["commit"] else "an installed package"
    return f"{name} with uncommitted changes" if one["dirty"] else name


def _best(entries: Sequence[Entry]) -> str:
    """Return a table of the best entry of each contest: what shares task, access, label budget and versions."""
    lines = []
    for _, group in groupby(entries, lambda entry: entry.contest):
        entry, *others = group
        row = entry.first
        low, high = wording.number(entry.mean("score_low")), wording.number(entry.mean("score_high"))
        budget = row.budget_rule or ("-" if row.label_budget is None else str(row.label_budget))
        lines.append(
            {
                "task": row.task,
                "backbone": row.backbone,
                "strategy": f"{entry.strategy} (baseline)" if row.baseline else entry.strategy,
                "access": wording.access(entry.access),
                "labels": budget,
                "score": f"{row.metric} {wording.number(entry.mean('score'))} ({low} to {high})",
                "seeds": str(len(entry.rows)),
                "compared with": str(len(others)),
            }
        )
    headings = ("task", "backbone", "strategy", "access", "labels", "score", "seeds", "compared with")
    cells = [[safe(str(line[name])) for name in headings] for line in lines]
    return tabulate(cells, headers=headings, tablefmt="github", disable_numparse=True) if cells else "No scores."
