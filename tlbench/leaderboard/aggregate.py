"""Rows -> entries: the seeds of one question, answered on one machine, side by side."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from tlbench.files import digest
from tlbench.rows import Row

ACCESS = ("source", "target-inputs", "target-labels", "target-all-labels")


@dataclass(frozen=True)
class Entry:
    """The `ok` rows of one (task, backbone, strategy, options, machine), one a seed."""

    rows: tuple[Row, ...]
    note: str
    """Options in which this entry differs from others of the same strategy."""
    over_source_only: tuple[float, ...]
    """Score minus that of source-only, seed by seed; empty where a seed has no such row."""

    @property
    def first(self) -> Row:
        return self.rows[0]

    @property
    def access(self) -> tuple[str, ...]:
        """What the strategy saw, in the order of how much it says of the target."""
        return tuple(part for part in ACCESS if part in self.first.sees)

    @property
    def strategy(self) -> str:
        return f"{self.first.strategy} ({self.note})" if self.note else self.first.strategy

    def mean(self, field: str) -> float | None:
        """Return the mean of a field over the seeds, or None where a row has none."""
        values = [getattr(row, field) for row in self.rows]
        return None if None in values else statistics.fmean(values)

    def spread(self, field: str) -> float | None:
        """Return the sample standard deviation over the seeds, or None for fewer than two."""
        values = [getattr(row, field) for row in self.rows]
        return None if None in values or len(values) < 2 else statistics.stdev(values)


def aggregate(rows: Iterable[Row]) -> list[Entry]:
    """Return the entries of all `ok` rows, best score first within the same task and access.

    Entries of different access are never sorted into each other; bounds (`reference`) stand behind the rest.
    """
    groups: dict[str, list[Row]] = defaultdict(list)
    floor: dict[str, float] = {}
    for row in rows:
        if row.status == "ok":
            groups[_question(row)].append(row)
            if row.strategy == "source-only" and row.score is not None:
                floor[_start(row)] = row.score
    notes = _notes([group[0] for group in groups.values()])
    entries = []
    for question, group in groups.items():
        seeds = sorted(group, key=lambda row: row.seed)
        pairs = [(row.score, floor.get(_start(row))) for row in seeds]
        over = [score - low for score, low in pairs if score is not None and low is not None]
        entries.append(Entry(tuple(seeds), notes[question], tuple(over) if len(over) == len(seeds) else ()))
    return sorted(entries, key=_order)


def _start(row: Row) -> str:
    """Name the source model that a row starts from."""
    options = [row.task_options, row.backbone_options, row.source_options]
    return digest([row.task, row.backbone, *options, row.seed, row.machine, row.device, row.threads])


def _options(row: Row) -> dict[str, Any]:
    parts = {"task": row.task_options, "backbone": row.backbone_options, "source": row.source_options}
    flat = {f"{owner}.{name}": value for owner, part in parts.items() for name, value in part.items()}
    return {**flat, **row.strategy_options, "label_budget": row.label_budget}


def _question(row: Row) -> str:
    """Name what the seeds of one entry have in common."""
    return digest([row.task, row.backbone, row.strategy, _options(row), row.machine, row.device, row.threads])


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


def _order(entry: Entry) -> tuple[Any, ...]:
    row, score = entry.first, entry.mean("score")
    access = [ACCESS.index(part) for part in entry.access]
    rank = (-score if score is not None else 1.0, row.strategy, row.backbone, entry.note, row.machine)
    return (row.domain, row.task, row.reference, access, *rank)


def as_record(entry: Entry) -> dict[str, Any]:
    """Return an entry's numbers under their column names, unrounded."""
    row = entry.first
    return {
        "task": row.task,
        "access": "+".join(entry.access) or "nothing",
        "reference": row.reference,
        "strategy": entry.strategy,
        "backbone": row.backbone,
        "seeds": len(entry.rows),
        "metric": row.metric,
        "score": entry.mean("score"),
        "seed_sd": entry.spread("score"),
        "test_low": entry.mean("score_low"),
        "test_high": entry.mean("score_high"),
        "test_size": row.test_size,
        "over_source_only": statistics.fmean(entry.over_source_only) if entry.over_source_only else None,
        "over_source_only_sd": statistics.stdev(entry.over_source_only) if len(entry.over_source_only) > 1 else None,
        "seeds_above": sum(value > 0 for value in entry.over_source_only) if entry.over_source_only else None,
        "transfer_gain": entry.mean("transfer_gain"),
        "gap_closed": entry.mean("gap_closed"),
        "train_gap": entry.mean("train_gap"),
        "a_distance": entry.mean("a_distance"),
        "forgetting_head": entry.mean("forgetting_head"),
        "forgetting_head_sd": entry.spread("forgetting_head"),
        "forgetting_probe": entry.mean("forgetting_probe"),
        "p50_ms": entry.mean("p50_ms"),
        "p90_ms": entry.mean("p90_ms"),
        "p99_ms": entry.mean("p99_ms"),
        "p50_ratio": entry.mean("p50_ratio"),
        "throughput_per_s": entry.mean("throughput_per_s"),
        "contended": any(row.contended for row in entry.rows),
        "provider": row.provider,
        "adapt_cpu_s": statistics.fmean(row.seconds.get("adapt", 0.0) for row in entry.rows),
        "trained_parameters": row.trained_parameters,
        "parameters": row.parameters,
        "onnx_bytes": row.onnx_bytes,
        "label_budget": row.label_budget,
        "budget_unit": row.budget_unit,
        "selection": row.selection,
        "setting": row.setting,
        "machine": row.machine,
        "device": row.device,
    }
