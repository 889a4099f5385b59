"""Rows -> entries: the seeds of one question, answered on one machine, side by side."""

from __future__ import annotations

import functools
import statistics
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tlbench.leaderboard import questions, versions
from tlbench.leaderboard.ranks import with_ranks
from tlbench.results.files import canonical
from tlbench.results.row import Row

ACCESS = ("source", "target-inputs", "target-labels", "target-all-labels")


@dataclass(frozen=True)
class Entry:
    """Rows of one (task, backbone, strategy, options, machine, version) that ended alike, one a seed."""

    rows: tuple[Row, ...]
    note: str
    """Options in which this entry differs from others of the same strategy."""
    version: str = ""
    """Version of code and libraries, where its task and backbone have results of several."""
    over_source_only: tuple[float, ...] = ()
    """Score minus that of source-only, seed by seed; empty where a seed has no such row."""
    rank: int | None = None
    """Place in its contest; entries that cannot be told apart share one. None for a reference and for who is alone."""

    @property
    def first(self) -> Row:
        return self.rows[0]

    @property
    def access(self) -> tuple[str, ...]:
        """What the strategy saw, in the order of how much it says of the target."""
        return tuple(part for part in ACCESS if part in self.first.access)

    @property
    def places(self) -> tuple[int, ...]:
        """The access as numbers, to sort by."""
        return tuple(ACCESS.index(part) for part in self.access)

    @property
    def contest(self) -> tuple[Any, ...]:
        """What entries share to be ranked together: task, metric, options, files, label budget, access, version."""
        row = self.first
        options = canonical(row.task_options)
        return (
            row.domain,
            row.task,
            row.baseline,
            self.places,
            *self.budget_place,
            row.budget_rule,
            options,
            row.files,
            row.metric,
            self.version,
        )

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
        """Its numbers by column: several files of a board and the names of its pictures are made of them."""
        return as_record(self)

    def mean(self, field: str) -> float | None:
        """Return the mean of a field over the seeds, or None where a row has none."""
        return _mean([getattr(row, field) for row in self.rows])

    def spread(self, field: str) -> float | None:
        """Return the sample standard deviation over the seeds, or None for fewer than two."""
        values = [getattr(row, field) for row in self.rows]
        return None if None in values or len(values) < 2 else statistics.stdev(values)

    def stage_seconds(self, stage: str) -> float | None:
        """Return the mean CPU seconds of a stage, or None where a row has none."""
        return _mean([row.seconds.get(stage) for row in self.rows])

    def scores(self) -> dict[str, float]:
        """Return the mean of every metric that all rows have."""
        names = [name for name in self.first.scores if all(name in row.scores for row in self.rows)]
        return {name: statistics.fmean(row.scores[name] for row in self.rows) for name in sorted(names)}


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.fmean(known) if len(known) == len(values) else None


def aggregate(rows: Iterable[Row]) -> list[Entry]:
    """Return the entries of all `ok` rows, best score first within the same task and access.

    Entries of different access are never sorted into each other; bounds (`reference`) stand behind the rest.
    """
    good = [row for row in rows if row.status == "ok"]
    floor = {questions.start(row): row.score for row in good if row.strategy == "source-only" and row.score is not None}
    entries = []
    for entry in _entries(good):
        pairs = [(row.score, floor.get(questions.start(row))) for row in entry.rows]
        over = tuple(score - low for score, low in pairs if score is not None and low is not None)
        entries.append(replace(entry, over_source_only=over if len(over) == len(entry.rows) else ()))
    return with_ranks(sorted(entries, key=order))


def without_score(rows: Iterable[Row]) -> list[Entry]:
    """Return the entries of all failed and skipped rows: seeds that ended in the same way for the same reason."""
    return sorted(_entries([row for row in rows if row.status != "ok"]), key=order)


def _entries(rows: Sequence[Row]) -> list[Entry]:
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        groups[questions.question(row)].append(row)
    notes = questions.notes([group[0] for group in groups.values()])
    labels = versions.labels(rows)
    return [
        Entry(versions.newest(group), notes[question], versions.label(group[0], labels))
        for question, group in groups.items()
    ]


def order(entry: Entry) -> tuple[Any, ...]:
    """Return what entries are sorted by: domain, task, references last, access, label budget, best score first."""
    row, score = entry.first, entry.mean("score")
    place = (-score if score is not None else 1.0, row.strategy, row.backbone, entry.note, row.machine)
    return (*entry.contest, *place, row.device, row.threads, row.reason or "")


def sweeps(entries: Iterable[Entry]) -> list[tuple[Entry, ...]]:
    """Return the entries that differ in their label budget alone, each group from few labels to many."""
    groups: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        if "target-labels" in entry.first.access and entry.mean("label_budget") is not None:
            groups[questions.question(replace(entry.first, label_budget=None, budget_rule=""))].append(entry)
    found = [sorted(group, key=lambda entry: entry.mean("label_budget") or 0) for group in groups.values()]
    return [tuple(group) for group in found if len(group) > 1]


def served_graphs(entries: Iterable[Entry]) -> list[tuple[Entry, ...]]:
    """Return the entries that were timed, grouped by what a latency belongs to: graph, input shapes, machine."""
    groups: dict[tuple[Any, ...], list[Entry]] = defaultdict(list)
    for entry in entries:
        row = entry.first
        if entry.mean("p50_ms") is not None:
            place = (row.machine, row.device, row.threads, row.provider or "")
            groups[row.backbone, row.shapes or (), row.graph or "", *place].append(entry)
    return [tuple(groups[graph]) for graph in sorted(groups)]


def as_record(entry: Entry) -> dict[str, Any]:
    """Return an entry's numbers under their column names, unrounded."""
    row = entry.first
    over = entry.over_source_only
    return {
        "task": row.task,
        "access": "+".join(entry.access) or "nothing",
        "baseline": row.baseline,
        "strategy": entry.strategy,
        "backbone": row.backbone,
        "status": row.status,
        "stage": row.stage,
        "reason": row.reason,
        "seeds": len(entry.rows),
        "rank": entry.rank,
        "metric": row.metric,
        "score": entry.mean("score"),
        "seed_sd": entry.spread("score"),
        "test_low": entry.mean("score_low"),
        "test_high": entry.mean("score_high"),
        "test_size": row.test_size,
        "over_source_only": _mean(over) if over else None,
        "over_source_only_sd": statistics.stdev(over) if len(over) > 1 else None,
        "seeds_above": sum(value > 0 for value in over) if over else None,
        "transfer_gain": entry.mean("transfer_gain"),
        "gap_closed": entry.mean("gap_closed"),
        "train_gap": entry.mean("train_gap"),
        "a_distance": entry.mean("a_distance"),
        "forgetting_head": entry.mean("forgetting_head"),
        "forgetting_head_sd": entry.spread("forgetting_head"),
        "forgetting_probe": entry.mean("forgetting_probe"),
        "forgetting_probe_sd": entry.spread("forgetting_probe"),
        "p50_ms": entry.mean("p50_ms"),
        "p90_ms": entry.mean("p90_ms"),
        "p99_ms": entry.mean("p99_ms"),
        "p50_ratio": entry.mean("p50_ratio"),
        "throughput_per_s": entry.mean("throughput_per_s"),
        "contended": any(row.contended for row in entry.rows),
        "provider": row.provider,
        "adapt_cpu_s": entry.stage_seconds("adapt"),
        "trained_parameters": row.trained_parameters,
        "parameters": row.parameters,
        "onnx_bytes": row.onnx_bytes,
        "label_budget": row.label_budget,
        "budget_rule": row.budget_rule,
        "budget_unit": row.budget_unit,
        "selection": row.selection,
        "setting": row.setting,
        "machine": row.machine,
        "device": row.device,
        "threads": row.threads,
        "scores": entry.scores(),
        "rows": [f"rows/{row.file_name}" for row in entry.rows],
    }
