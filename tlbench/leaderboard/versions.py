"""Rows of several versions of the code or its libraries: they stand apart, and the board says so."""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from tlbench.results.files import digest
from tlbench.results.left_out import LeftOut
from tlbench.results.row import Row

if TYPE_CHECKING:
    from tlbench.leaderboard.aggregate import Entry

Labels = Mapping[tuple[str, str, str], str]
"""(task, backbone, version) -> what tells results of this version from others of the same task and backbone."""


def version(row: Row) -> str:
    """Name the code and the libraries that computed a row; empty for a failed or skipped one."""
    return _version(row.commit, row.dirty, frozenset(row.versions.items())) if row.status == "ok" else ""


@functools.cache  # a board has few versions and many rows
def _version(commit: str | None, dirty: bool | None, libraries: frozenset[tuple[str, str]]) -> str:
    return digest([commit, dirty, sorted(libraries)])


def labels(rows: Iterable[Row]) -> Labels:
    """Return a label for each version, for tasks and backbones that have results of several."""
    groups: dict[tuple[str, str], dict[str, Row]] = defaultdict(dict)
    for row in rows:
        groups[row.task, row.backbone].setdefault(version(row), row)
    return {
        (*model, name): _label(row, found.values())
        for model, found in groups.items()
        for name, row in found.items()
        if len(found) > 1
    }


def label(row: Row, known: Labels) -> str:
    """Return the label of a row's version, or nothing where no other has to be told from it."""
    return known.get((row.task, row.backbone, version(row)), "")


def _label(row: Row, others: Iterable[Row]) -> str:
    code = f"commit {row.commit[:7]}" if row.commit else f"tlbench {row.versions.get('tlbench', 'unknown')}"
    changed = f"{code} with uncommitted changes" if row.dirty else code
    libraries = digest(row.versions)
    alike = all(digest(other.versions) == libraries for other in others)
    return changed if alike else f"{changed}, libraries {libraries[:6]}"


def newest(rows: Iterable[Row], left_out: LeftOut) -> tuple[Row, ...]:
    """Return one row for each seed, by seed: the newest, for code may change without a commit. Notes the others."""
    latest: dict[int, Row] = {}
    for row in sorted(rows, key=lambda row: (row.created or "", row.key)):
        if row.seed in latest:
            older = latest[row.seed]
            left_out.note(f'"{older.file_name}" is left out: "{row.file_name}" is newer.')
        latest[row.seed] = row
    return tuple(latest[seed] for seed in sorted(latest))


def sentences(entries: Sequence[Entry]) -> list[str]:
    """Return for each backbone of a task what there is to say of the versions that its results come from."""
    said = []
    for backbone in sorted({entry.first.backbone for entry in entries}):
        members = [entry for entry in entries if entry.first.backbone == backbone]
        if len(found := {entry.version: entry.first for entry in members}) > 1:
            listed = "; ".join(f"{name}{_libraries(row, found.values())}" for name, row in sorted(found.items()))
            said.append(
                f"Results on {backbone} come from {len(found)} versions of the code or its libraries, which are "
                f"neither averaged nor ranked together: {listed}."
            )
        if changed := sorted({row.commit or "" for entry in members for row in entry.rows if row.dirty}):
            commits = " and ".join(commit[:7] for commit in changed)
            said.append(
                f"Results on {backbone} from commit {commits} were computed with uncommitted changes: seeds may come "
                "from different code."
            )
    return said


def _libraries(row: Row, others: Iterable[Row]) -> str:
    """Return the versions of libraries that differ, in brackets."""
    every = [other.versions for other in others]
    names = sorted({name for versions in every for name in versions})
    telling = [name for name in names if len({versions.get(name) for versions in every}) > 1]
    shown = ", ".join(f"{name} {row.versions.get(name, 'missing')}" for name in telling)
    return f" ({shown})" if shown else ""
