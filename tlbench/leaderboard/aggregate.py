"""Rows -> entries: the seeds of one question, answered on one machine, side by side."""

from __future__ import annotations

import functools
import statistics
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tlbench.leaderboard import contests, questions, versions
from tlbench.leaderboard.flags import with_flags
from tlbench.leaderboard.marks import Evidence, marks_of
from tlbench.leaderboard.ranks import with_ranks
from tlbench.results import baselines
from tlbench.results.columns import FILES, columns
from tlbench.results.draws import BoardDraws
from tlbench.results.left_out import LeftOut
from tlbench.results.row import Row

ACCESS = ("source", "target-inputs", "target-labels", "target-all-labels")


@dataclass(frozen=True)
class Entry:
    """Rows of one (task, backbone, strategy, options, machine, version) that ended alike, one a seed."""

    rows: tuple[Row, ...]
    note: str
    """Options in which this entry differs from others of the same strategy."""
    version: str = ""
    """Version of code, libraries and data, where its task and backbone have results of several."""
    variant: str = ""
    """Options of source model and backbone in which this entry differs from others of its task and backbone."""
    tuning: str = ""
    """The strategy, if it ran with several sets of its own options in this contest."""
    over_source_only: tuple[float, ...] = ()
    """Score minus that of source-only, seed by seed; empty if a seed has no such row."""
    rank: int | None = None
    """Place in its contest, which ties share. None for a baseline, and for an entry that is alone."""
    draws: BoardDraws = field(default=BoardDraws(), compare=False, repr=False)
    """The scores of its rows on resampled test sets."""
    flags: tuple[tuple[str, str], ...] = ()
    """Name and sentence of what a reader should know before believing its numbers."""
    marks: tuple[tuple[str, str], ...] = ()
    """Name and sentence of what the board has found out about it beside its numbers, such as reruns."""

    @property
    def first(self) -> Row:
        return self.rows[0]

    @property
    def pending(self) -> bool:
        """Whether a row of it still lacks its latency, which is measured when all pairings of a run are done."""
        return any(row.pending for row in self.rows)

    @property
    def access(self) -> tuple[str, ...]:
        """What the strategy was given, in the order of how much it says of the target."""
        return tuple(part for part in ACCESS if part in self.first.access)

    @property
    def places(self) -> tuple[int, ...]:
        """The access as numbers, to sort by."""
        return tuple(ACCESS.index(part) for part in self.access)

    @property
    def contest(self) -> tuple[Any, ...]:
        """What entries share to be ranked together."""
        return contests.contest(self)

    @property
    def budget_place(self) -> tuple[bool, int]:
        """The label budget as it was asked for, to sort by: in all, then for each class, then all there are."""
        rule = self.first.budget_rule or str(self.first.label_budget or 0)
        size, slash, _ = rule.partition("/")
        return (True, sys.maxsize) if rule == "all" else (bool(slash), int(size))

    @property
    def strategy(self) -> str:
        note = ", ".join(filter(None, (self.note, self.version)))
        return f"{self.first.strategy} ({note})" if note else self.first.strategy

    @functools.cached_property
    def record(self) -> Mapping[str, Any]:
        """Its values by column, unrounded: the files of a board and the names of its pictures are made of them."""
        return {column.field: self.value(column.field) for column in columns(FILES)}

    def value(self, field: str) -> Any:
        """Return the value of a column: computed, the mean over the seeds of a measurement, or what the seeds share."""
        if field in COMPUTED:
            return COMPUTED[field](self)
        return self.mean(field) if field in MEASURED else getattr(self.first, field)

    def mean(self, field: str) -> float | None:
        """Return the mean of a field over the seeds, or None if a row has none."""
        return _mean([getattr(row, field) for row in self.rows])

    def spread(self, field: str) -> float | None:
        """Return the sample standard deviation over the seeds, or None for fewer than two."""
        return _spread([getattr(row, field) for row in self.rows])

    def stage_seconds(self, stage: str) -> float | None:
        """Return the mean CPU seconds of a stage, or None if a row has none."""
        return _mean([row.seconds.get(stage) for row in self.rows])

    def worst_groups(self) -> list[str]:
        """Return the names of the groups that are the worst in some seed, in the order of the seeds."""
        return list(dict.fromkeys(row.worst_group for row in self.rows if row.worst_group is not None))

    def scores(self) -> dict[str, float]:
        """Return the mean of every metric that all rows have."""
        return _means([row.scores for row in self.rows])

    def estimates(self) -> dict[str, float]:
        """Return the mean of every estimate that all rows have."""
        return _means([row.estimates for row in self.rows])

    def analyses(self) -> dict[str, float]:
        """Return the mean of every number of an analysis that all rows have, as `ANALYSIS.NUMBER`."""
        return _means(
            [
                {
                    f"{analysis}.{name}": value
                    for analysis, numbers in row.analyses.items()
                    for name, value in numbers.items()
                }
                for row in self.rows
            ]
        )


COMPUTED: Mapping[str, Callable[[Entry], Any]] = {
    "access": lambda entry: "+".join(entry.access) or "nothing",
    "strategy": lambda entry: entry.strategy,
    "seeds": lambda entry: len(entry.rows),
    "rank": lambda entry: entry.rank,
    "seed_sd": lambda entry: entry.spread("score"),
    "worst_group": lambda entry: ", ".join(entry.worst_groups()) or None,
    "scores": lambda entry: entry.scores(),
    "estimates": lambda entry: entry.estimates(),
    "analyses": lambda entry: entry.analyses(),
    "gain_over_source_only": lambda entry: _mean(entry.over_source_only),
    "gain_over_source_only_sd": lambda entry: _spread(entry.over_source_only),
    "seeds_above_source_only": lambda entry: _positive(entry.over_source_only),
    "forgetting_head_sd": lambda entry: entry.spread("forgetting_head"),
    "forgetting_probe_sd": lambda entry: entry.spread("forgetting_probe"),
    "flags": lambda entry: dict(entry.flags),
    "contended": lambda entry: any(row.contended for row in entry.rows),
    "onnx_kb": lambda entry: (entry.first.onnx_bytes or 0) / 1000,
    "adapt_cpu_s": lambda entry: entry.stage_seconds("adapt"),
    "rows": lambda entry: [f"rows/{row.file_name}" for row in entry.rows],
}
"""Columns that are no field of a row, or not the value of one."""
MEASURED = frozenset(name for name, annotation in Row.__annotations__.items() if annotation.startswith("float"))
"""Fields of which an entry has the mean over its seeds."""


def _mean(values: Sequence[float | None]) -> float | None:
    present = [value for value in values if value is not None]
    return statistics.fmean(present) if present and len(present) == len(values) else None


def _means(records: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Return the mean of every number that all records have."""
    names = [name for name in records[0] if all(name in record for record in records)]
    return {name: statistics.fmean(record[name] for record in records) for name in sorted(names)}


def _positive(gains: Sequence[float]) -> int | None:
    return sum(gain > 0 for gain in gains) if gains else None


def _spread(values: Sequence[float | None]) -> float | None:
    present = [value for value in values if value is not None]
    return statistics.stdev(present) if len(present) == len(values) > 1 else None


def aggregate(rows: Iterable[Row], board: Path | None = None) -> list[Entry]:
    """Return the entries of all `ok` rows, best score first within the same task and access.

    Entries of different access are never sorted into each other; baselines follow. A `board` has the draws of its rows,
    and evidence of them.
    """
    every = list(rows)
    good = [_as_today(row) for row in questions.compared([row for row in every if row.status == "ok"])]
    floor = _floor(good)
    entries, draws, evidence = [], BoardDraws(board), Evidence.read(board)
    for entry in _entries(good):
        pairs = [(row.score, floor.get(questions.start(row))) for row in entry.rows]
        over = tuple(score - low for score, low in pairs if score is not None and low is not None)
        over = over if len(over) == len(entry.rows) else ()
        marks = marks_of(entry.rows, evidence)
        entries.append(replace(entry, over_source_only=over, draws=draws, marks=marks))
    ranked = with_ranks(sorted(contests.with_variants(entries), key=order))
    return with_flags(ranked, every)


def _floor(rows: Sequence[Row]) -> dict[str, float]:
    """Return the score of source-only by what it starts from; none where several of other plugins or options differ."""
    found: dict[str, set[float]] = defaultdict(set)
    for row in rows:
        if row.strategy == baselines.SOURCE_ONLY and row.score is not None:
            found[questions.start(row)].add(row.score)
    return {start: min(scores) for start, scores in found.items() if len(scores) == 1}


def _as_today(row: Row) -> Row:
    """Return a row without a gap closed above 1, which earlier versions wrote: all-labels is no upper bound there."""
    return replace(row, gap_closed=None) if (row.gap_closed or 0) > 1 else row


def without_score(rows: Iterable[Row]) -> list[Entry]:
    """Return the entries of all failed and skipped rows: seeds that ended in the same way for the same reason."""
    return sorted(_entries([row for row in rows if row.status != "ok"]), key=order)


def _entries(rows: Sequence[Row]) -> list[Entry]:
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        groups[questions.question(row)].append(row)
    notes = questions.notes([group[0] for group in groups.values()])
    labels = versions.labels(rows)
    with LeftOut() as left_out:
        return [
            Entry(versions.newest(group, left_out), notes[question], versions.label(group[0], labels))
            for question, group in groups.items()
        ]


def order(entry: Entry) -> tuple[Any, ...]:
    """Return what entries are sorted by: domain, task, baselines last, access, label budget, best score first."""
    row, score = entry.first, entry.mean("score")
    place = (-score if score is not None else 1.0, row.strategy, row.backbone, entry.note, row.machine)
    return (*entry.contest, *place, row.device, row.threads, row.reason or "")


def sweeps(entries: Iterable[Entry]) -> list[tuple[Entry, ...]]:
    """Return the entries that differ in their label budget alone, each group from few labels to many."""
    groups: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        if "target-labels" in entry.first.access and entry.mean("label_budget") is not None:
            groups[questions.question(replace(entry.first, label_budget=None, budget_rule=""))].append(entry)
    curves = [sorted(group, key=lambda entry: entry.mean("label_budget") or 0) for group in groups.values()]
    return [tuple(curve) for curve in curves if len(curve) > 1]


def graphs(entries: Iterable[Entry]) -> list[tuple[Entry, ...]]:
    """Return the entries with a score, grouped by what a latency belongs to: graph, input shapes, machine, provider.

    One that was not timed yet joins those of its graph that were, behind them.
    """
    groups: dict[tuple[Any, ...], list[Entry]] = defaultdict(list)
    for entry in sorted(entries, key=lambda entry: entry.pending):
        row = entry.first
        graph = (row.backbone, row.shapes or (), row.graph or "", row.machine, row.device, row.threads)
        timed = next((place for place in groups if place[:-1] == graph), None) if entry.pending else None
        if row.status == "ok":
            groups[timed or (*graph, row.provider or "")].append(entry)
    return [tuple(groups[graph]) for graph in sorted(groups)]


def served_graphs(entries: Iterable[Entry]) -> list[tuple[Entry, ...]]:
    """Return the entries that were timed, grouped in the same way."""
    return graphs(entry for entry in entries if not entry.pending)
