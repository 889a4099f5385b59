"""Rows -> entries: the seeds of one question, answered on one machine, side by side."""

from __future__ import annotations

import statistics
import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tlbench.leaderboard.ranks import with_ranks
from tlbench.results.files import canonical, digest
from tlbench.results.row import Row

ACCESS = ("source", "target-inputs", "target-labels", "target-all-labels")


@dataclass(frozen=True)
class Entry:
    """Rows of one (task, backbone, strategy, options, machine) that ended alike, one a seed."""

    rows: tuple[Row, ...]
    note: str
    """Options in which this entry differs from others of the same strategy."""
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
        """What entries must share to be ranked together: task, its options and files, label budget, access."""
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
        )

    @property
    def budget_place(self) -> tuple[bool, int]:
        """The label budget as it was asked for, to sort by: in all, then for each class, then all there are."""
        rule = self.first.budget_rule or str(self.first.label_budget or 0)
        size, slash, _ = rule.partition("/")
        return (True, sys.maxsize) if rule == "all" else (bool(slash), int(size))

    @property
    def strategy(self) -> str:
        return f"{self.first.strategy} ({self.note})" if self.note else self.first.strategy

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
    floor = {_start(row): row.score for row in good if row.strategy == "source-only" and row.score is not None}
    entries = []
    for entry in _entries(good):
        pairs = [(row.score, floor.get(_start(row))) for row in entry.rows]
        over = tuple(score - low for score, low in pairs if score is not None and low is not None)
        entries.append(replace(entry, over_source_only=over if len(over) == len(entry.rows) else ()))
    return with_ranks(sorted(entries, key=order))


def without_score(rows: Iterable[Row]) -> list[Entry]:
    """Return the entries of all failed and skipped rows: seeds that ended in the same way for the same reason."""
    return sorted(_entries([row for row in rows if row.status != "ok"]), key=order)


def _entries(rows: Sequence[Row]) -> list[Entry]:
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        groups[_question(row)].append(row)
    notes = _notes([group[0] for group in groups.values()])
    return [
        Entry(tuple(sorted(group, key=lambda row: row.seed)), notes[question]) for question, group in groups.items()
    ]


def _start(row: Row) -> str:
    """Name the source model that a row starts from."""
    model = [row.backbone, row.backbone_options, row.weights_sha256, row.source_options]
    return digest([row.task, row.task_options, row.files, *model, row.seed, row.machine, row.device, row.threads])


def _options(row: Row) -> dict[str, Any]:
    parts = {"task": row.task_options, "backbone": row.backbone_options, "source": row.source_options}
    flat = {f"{owner}.{name}": value for owner, part in parts.items() for name, value in part.items()}
    if row.weights_sha256:
        flat["backbone.weights"] = f"{row.weights} {row.weights_sha256[:6]}"
    budget = row.budget_rule or row.label_budget
    return {**flat, **row.strategy_options, "label_budget": budget, "task.files": row.files[:6]}


def _question(row: Row) -> str:
    """Name what the seeds of one entry have in common."""
    end = [row.status, row.stage, row.reason]
    return digest([row.task, row.backbone, row.strategy, _options(row), row.machine, row.device, row.threads, *end])


def _notes(rows: Sequence[Row]) -> dict[str, str]:
    """Return for each question the options that tell it from others of its task, backbone and strategy."""
    alike: dict[tuple[str, str, str], list[Row]] = defaultdict(list)
    for row in rows:
        alike[row.task, row.backbone, row.strategy].append(row)
    notes = {}
    for group in alike.values():
        names = sorted({name for row in group for name in _options(row)})
        telling = [name for name in names if len({str(_options(row).get(name)) for row in group}) > 1]
        for row in group:
            parts = [f"{name}={_options(row).get(name)}" for name in telling]
            if len({row.device for row in group}) > 1:
                parts.append(row.device)
            notes[_question(row)] = ", ".join(parts)
    return notes


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
            groups[_question(replace(entry.first, label_budget=None, budget_rule=""))].append(entry)
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
