"""Rows of several versions of the code, its libraries or the data, or of several groups of seeds.

They stand apart, and the board says so.
"""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from tlbench.results.files import digest
from tlbench.results.left_out import LeftOut
from tlbench.results.row import Row

if TYPE_CHECKING:
    from tlbench.leaderboard.aggregate import Entry

Labels = Mapping[tuple[str, ...], str]
"""What a row's `_place` is -> what tells results of this version from others of the same task and backbone."""


FRESH = 1000
"""The first of the seeds that published scores have: choices are made on those below, which flatter what was chosen."""


def version(row: Row) -> str:
    """Name the code and libraries that computed a row, and its group of seeds; empty for a failed or skipped one."""
    if row.status != "ok":
        return ""
    return _version(row.commit, row.dirty, frozenset(row.versions.items()), row.seed < FRESH)


@functools.cache  # a board has few versions and many rows
def _version(commit: str | None, dirty: bool | None, libraries: frozenset[tuple[str, str]], low: bool) -> str:
    return digest([commit, dirty, sorted(libraries), *(["low seeds"] if low else [])])


def seeds(row: Row) -> str:
    """Return the group of a row's seed."""
    return f"seeds below {FRESH}" if row.seed < FRESH else f"seeds from {FRESH}"


def data(row: Row) -> str:
    """Name the prepared data of a row; empty where each seed has its own, and for a failed or skipped row."""
    return "" if row.setting == "target-only" or row.status != "ok" else row.data_sha256 or ""


def _prepared_by(row: Row) -> str:
    """Name what prepared data depend on, so that what differs beyond it is another version of the data."""
    options = [row.task_options, row.files, row.backbone_options, row.weights_sha256, row.setting, row.fitted_on]
    return digest([row.task, row.backbone, options])


def _place(row: Row) -> tuple[str, ...]:
    return row.task, row.backbone, version(row), _prepared_by(row), data(row)


def labels(rows: Iterable[Row]) -> Labels:
    """Return a label for each version of code and data, for tasks and backbones that have results of several."""
    places = {_place(row): row for row in rows}
    codes: dict[tuple[str, str], dict[str, Row]] = defaultdict(dict)
    datas: dict[str, set[str]] = defaultdict(set)
    for (task, backbone, code, prepared, contents), row in places.items():
        codes[task, backbone].setdefault(code, row)
        datas[prepared].add(contents)
    labelled = {}
    for place, row in places.items():
        task, backbone, _, prepared, contents = place
        others = codes[task, backbone].values()
        parts = [_label(row, others)] if len(others) > 1 else []
        parts += [f"data {contents[:6] or 'unknown'}"] if len(datas[prepared]) > 1 else []
        labelled[place] = ", ".join(parts)
    return labelled


def label(row: Row, known: Labels) -> str:
    """Return the label of a row's version, or nothing where no other has to be told from it."""
    return known.get(_place(row), "")


def code(row: Row) -> str:
    """Return the commit or release of tlbench that computed a row."""
    name = f"commit {row.commit[:7]}" if row.commit else f"tlbench {row.versions.get('tlbench', 'unknown')}"
    return f"{name} with uncommitted changes" if row.dirty else name


def _label(row: Row, others: Iterable[Row]) -> str:
    """Return in what a row's version differs from others: commit or release, libraries, seeds."""
    libraries = {digest(other.versions) for other in others}
    parts = [code(row)] if len(libraries) > 1 or len({code(other) for other in others}) > 1 else []
    parts += [f"libraries {digest(row.versions)[:6]}"] if len(libraries) > 1 else []
    parts += [seeds(row)] if len({seeds(other) for other in others}) > 1 else []
    return ", ".join(parts)


def newest(rows: Iterable[Row], left_out: LeftOut) -> tuple[Row, ...]:
    """Return one row for each seed, by seed: the newest, for code may change without a commit. Notes the others."""
    latest: dict[int, Row] = {}
    for row in sorted(rows, key=lambda row: (row.created or "", row.key)):
        if row.seed in latest:
            older = latest[row.seed]
            left_out.note(f'"{older.file_name}" is left out: "{row.file_name}" is newer.')
        latest[row.seed] = row
    return tuple(latest[seed] for seed in sorted(latest))


CODE_OR_DATA = "versions of the code, its libraries or the data"


def sentences(entries: Sequence[Entry]) -> list[str]:
    """Return what there is to say of the versions that a task's results come from: for each backbone, and over all."""
    said = _between_backbones(entries)
    for backbone in sorted({entry.first.backbone for entry in entries}):
        members = [entry for entry in entries if entry.first.backbone == backbone]
        if len(found := {entry.version: entry.first for entry in members}) > 1:
            listed = "; ".join(f"{name}{_libraries(row, found.values())}" for name, row in sorted(found.items()))
            apart = len({seeds(row) for row in found.values()}) > 1
            what = "versions of the code, its libraries, the data or the seeds" if apart else CODE_OR_DATA
            said.append(
                f"Results on {backbone} come from {len(found)} {what}, which are neither averaged nor ranked together: "
                f"{listed}."
            )
        if changed := sorted({row.commit or "" for entry in members for row in entry.rows if row.dirty}):
            commits = " and ".join(commit[:7] for commit in changed)
            said.append(
                f"Results on {backbone} from commit {commits} were computed with uncommitted changes: seeds may come "
                "from different code."
            )
    return said


def _between_backbones(entries: Sequence[Entry]) -> list[str]:
    """Return a sentence on backbones whose results come from different versions, which may each be of one alone."""
    codes, groups = (_by_backbone(entries, name) for name in (version, seeds))
    if len({frozenset(names) for names in codes.values()}) < 2:
        return []
    apart = ", or from different groups of seeds" if len({frozenset(names) for names in groups.values()}) > 1 else ""
    return [
        f"Results on different backbones come from different versions of the code or its libraries{apart}, and only "
        "those of one version are ranked together."
    ]


def _by_backbone(entries: Sequence[Entry], name: Callable[[Row], str]) -> dict[str, set[str]]:
    names: dict[str, set[str]] = defaultdict(set)
    for entry in entries:
        names[entry.first.backbone].add(name(entry.first))
    return names


def _libraries(row: Row, others: Iterable[Row]) -> str:
    """Return the versions of libraries that differ, in brackets."""
    every = [other.versions for other in others]
    names = sorted({name for versions in every for name in versions})
    telling = [name for name in names if len({versions.get(name) for versions in every}) > 1]
    shown = ", ".join(f"{name} {row.versions.get(name, 'missing')}" for name in telling)
    return f" ({shown})" if shown else ""
