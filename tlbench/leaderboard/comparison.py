"""Two sides, each with its entries -> records of how B differs from A, and of what cannot be compared."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from tlbench.leaderboard import wording
from tlbench.leaderboard.aggregate import Entry
from tlbench.leaderboard.matching import Change, Pair, Sort, match, place
from tlbench.leaderboard.ranks import Difference, difference
from tlbench.results.row import Row

Verdict = Literal["better", "worse", "undecided", "equal"]
Seeds = Sequence[tuple[Row, Row]]
"""The rows of A and B for each seed that both have."""
VERDICTS: tuple[Verdict, ...] = ("better", "worse", "undecided", "equal")


@dataclass(frozen=True, kw_only=True)
class Question:
    """The run that two entries share. The field of what is compared is None."""

    task: str
    """`domain/name`."""
    backbone: str | None
    strategy: str | None
    label_budget: str | None
    """As it was asked for: `50`, `5/class`, `all`; None without access to target labels."""


@dataclass(frozen=True, kw_only=True)
class Comparison(Question):
    """B minus A, over the seeds that both have."""

    a: str
    """The entry of A as boards name it: strategy or backbone, with options and version in which it is one of
    several."""
    b: str
    """The same of B."""
    metric: str
    """Name of the score; higher is better."""
    score_a: float
    """Mean over the common seeds."""
    score_b: float
    difference: float
    """Score of B minus that of A."""
    error: float | None
    """Half-width of its 95 % interval; None with fewer than two common seeds."""
    paired: bool
    """Whether it is paired by test example too; if not, `error` is an upper bound for models that err alike."""
    seeds: int
    """Seeds that both have."""
    verdict: Verdict
    """`better`, `worse`: B differs significantly from A; `equal`: the same score with every seed; else `undecided`."""
    seeds_needed: int | None
    """Seeds in all that would decide an undecided difference of this size; None if no number of them would."""
    forgetting_head: float | None
    """Forgetting (source head) of B minus that of A: positive is more forgetting."""
    forgetting_probe: float | None
    """The same of forgetting (probe)."""
    p50_ms: float | None
    """Latency at batch 1 of B minus that of A, in ms; None on different machines, and for two strategies with the same
    graph, which have one latency."""
    p50_ratio: float | None
    """The same of the relative latency, also on different machines."""
    contended: bool
    """True if a machine was busy with something else: the latency of A or B is no more than an upper bound."""
    differs: Mapping[str, Change]
    """What else differs: name -> (value of A, value of B)."""
    marks_a: Mapping[str, str]
    """What the board has found out about A beside its numbers: name of a mark -> its sentence."""
    marks_b: Mapping[str, str]
    """The same of B."""


@dataclass(frozen=True, kw_only=True)
class Uncompared(Question):
    """Entries that are not compared: one of each side, or one without a partner."""

    a: str | None
    b: str | None
    reason: str
    """What forbids a comparison, or why the other side has no score; empty if it has no such result."""
    lost: bool = False
    """Whether A has a score where B failed."""


def compare_entries(
    ours: Sequence[Entry], theirs: Sequence[Entry], by: Sort
) -> tuple[list[Comparison], list[Uncompared]]:
    """Return the comparisons of the entries of A (`ours`) and B (`theirs`), and what is not compared.

    Entries without a score are taken too: they are the reason why an entry has no partner.
    """
    scored, failed = (
        [[entry for entry in side if (entry.first.status == "ok") is ok] for side in (ours, theirs)]
        for ok in (True, False)
    )
    matches = match(scored[0], scored[1], by)
    uncompared = [
        Uncompared(**_question(pair.a, by), a=_label(pair.a, by), b=_label(pair.b, by), reason=unlike(pair))
        for pair in matches.unlike
    ]
    for entry in matches.only_a:
        ends = _ends(entry, failed[1], by)
        lost = any(end.first.status == "failed" for end in ends)
        reason = _missing("B", ends)
        uncompared.append(Uncompared(**_question(entry, by), a=_label(entry, by), b=None, reason=reason, lost=lost))
    for entry in matches.only_b:
        reason = _missing("A", _ends(entry, failed[0], by))
        uncompared.append(Uncompared(**_question(entry, by), a=None, b=_label(entry, by), reason=reason))
    return [comparison(pair, by) for pair in matches.comparable], uncompared


def _question(entry: Entry, by: Sort) -> dict[str, Any]:
    row = entry.first
    budget = (row.budget_rule or str(row.label_budget)) if "target-labels" in row.access else None
    names = {name: None if by == name else getattr(row, name) for name in ("backbone", "strategy")}
    return {"task": row.task, **names, "label_budget": budget}


def _label(entry: Entry, by: Sort) -> str:
    name = entry.first.backbone if by == "backbone" else entry.first.strategy
    options = entry.note.split(", ")
    if "target-labels" in entry.first.access:  # `_question` has their budget.
        options = [option for option in options if not option.startswith("label_budget=")]
    note = ", ".join(filter(None, (*options, entry.version)))
    return f"{name} ({note})" if note else name


def unlike(pair: Pair) -> str:
    """Return what forbids to compare two entries."""
    return "; ".join(
        f"{name}: {wording.in_words(a)} against {wording.in_words(b)}" for name, (a, b) in pair.unlike.items()
    )


def _ends(entry: Entry, failed: Iterable[Entry], by: Sort) -> list[Entry]:
    """Return how the other side ended at the same place, if it has no score there."""
    return [end for end in failed if place(end, by) == place(entry, by)]


def _missing(other: str, ends: Iterable[Entry]) -> str:
    return "; ".join(f"{other} {wording.ending(end)}: {end.first.reason}" for end in ends)


def comparison(pair: Pair, by: Sort) -> Comparison:
    """Return how B of a pair differs from A."""
    gap = difference(pair.b, pair.a)
    verdict = _verdict(gap, pair.seeds)
    error = gap.error()
    score_a, score_b = (
        statistics.fmean(row.score for row in rows if row.score is not None) for rows in zip(*pair.seeds, strict=True)
    )
    return Comparison(
        **_question(pair.a, by),
        a=_label(pair.a, by),
        b=_label(pair.b, by),
        metric=pair.a.first.metric,
        score_a=score_a,
        score_b=score_b,
        difference=gap.mean,
        error=error if math.isfinite(error) else None,
        paired=gap.paired,
        seeds=gap.seeds,
        verdict=verdict,
        seeds_needed=_seeds_needed(gap) if verdict == "undecided" else None,
        **_forgetting(pair.seeds),
        **_latency(pair.seeds, by),
        contended=any(row.contended for rows in pair.seeds for row in rows),
        differs=pair.differs,
        marks_a=dict(pair.a.marks),
        marks_b=dict(pair.b.marks),
    )


def _verdict(gap: Difference, seeds: Seeds) -> Verdict:
    if gap.decided:
        return "better" if gap.mean > 0 else "worse"
    return "equal" if all(a.score == b.score for a, b in seeds) else "undecided"


def _seeds_needed(gap: Difference) -> int | None:
    return 2 if gap.seeds < 2 else gap.seeds_to_decide()


def _forgetting(seeds: Seeds) -> dict[str, Any]:
    fields = ("forgetting_head", "forgetting_probe")
    alike = _agree(seeds, "source_metric", "remembered", "remembered_options", "remembered_files")
    return {field: _mean_gap(seeds, field) if alike else None for field in fields}


def _latency(seeds: Seeds, by: Sort) -> dict[str, Any]:
    """Return the differences of latencies; strategies with the same graph have one, measured for all of them."""
    if by == "strategy" and _agree(seeds, "graph"):
        return {"p50_ms": None, "p50_ratio": None}
    same_machine = _agree(seeds, "machine", "device", "device_name", "threads", "provider")
    return {
        "p50_ms": _mean_gap(seeds, "p50_ms") if same_machine else None,
        "p50_ratio": _mean_gap(seeds, "p50_ratio"),
    }


def same_graph(seeds: Seeds) -> bool:
    """Return whether the rows of A and B are known to serve the same graph, which has one latency."""
    return all(a.graph is not None for a, _ in seeds) and _agree(seeds, "graph")


def _agree(seeds: Seeds, *fields: str) -> bool:
    return all(getattr(a, field) == getattr(b, field) for a, b in seeds for field in fields)


def _mean_gap(seeds: Seeds, field: str) -> float | None:
    """Return the mean of B minus A over the seeds, or None if a row has no value."""
    values = [(getattr(a, field), getattr(b, field)) for a, b in seeds]
    gaps = [b - a for a, b in values if a is not None and b is not None]
    return statistics.fmean(gaps) if len(gaps) == len(values) else None
