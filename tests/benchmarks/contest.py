"""Contenders in turn in one process, their CPU seconds, and the table that compares them with the goals."""

from __future__ import annotations

import gc
import itertools
import resource
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Report = Mapping[str, float]
Contender = Callable[[int], Report]
"""Does its work for the round of that number, and reports what it measured inside."""
ROUNDS = 5


def cpu_seconds() -> float:
    """CPU time of this process and of the children it has waited for, in s."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


class Result:
    """What one contender measured in every round; `seconds` is the CPU time of the whole call."""

    def __init__(self, reports: Sequence[Report]) -> None:
        self.reports = reports

    def __getitem__(self, name: str) -> float:
        """Return the median over rounds."""
        return statistics.median(report[name] for report in self.reports)

    def mean(self, name: str) -> float:
        return statistics.fmean(report[name] for report in self.reports)


def compete(benchmark: Any, contenders: Mapping[str, Contender], rounds: int = ROUNDS) -> dict[str, Result]:
    """Let each contender run once a round, another one first each time."""
    taken: dict[str, list[Report]] = {name: [] for name in contenders}
    numbers = itertools.count()

    def one_round() -> None:
        number, names = next(numbers), list(contenders)
        first = number % len(names)
        for name in names[first:] + names[:first]:
            gc.collect()
            started = cpu_seconds()
            report = contenders[name](number)
            taken[name].append({"seconds": cpu_seconds() - started, **report})

    benchmark.pedantic(one_round, rounds=rounds)
    return {name: Result(reports) for name, reports in taken.items()}


@dataclass(frozen=True, kw_only=True)
class Line:
    """A line of the table."""

    goal: int
    what: str
    measured: str
    limit: float | None = None
    """In units of the limit's."""
    bare: float | None = None
    wanted: str = ""
    reached: bool | None = None
    """None where the line explains and no goal is set."""

    def cells(self) -> dict[str, Any]:
        return {
            "goal": self.goal,
            "what": self.what,
            "tlbench": self.measured,
            "/ limit": self.limit,
            "/ bare": self.bare,
            "wanted": self.wanted,
            "reached": {None: "", True: "yes", False: "NO"}[self.reached],
        }


def compared(
    goal: int,
    what: str,
    own: float,
    unit: str = "s",
    *,
    limit: tuple[float, float | None] | None = None,
    bare: tuple[float, float | None] | None = None,
) -> Line:
    """Return the line of a figure beside the limit's and bare's, each `(figure, largest ratio wanted or None)`."""
    ratios = {name: own / pair[0] for name, pair in (("limit", limit), ("bare", bare)) if pair}
    bounds = {name: pair[1] for name, pair in (("limit", limit), ("bare", bare)) if pair and pair[1] is not None}
    return Line(
        goal=goal,
        what=what,
        measured=f"{own:.3g} {unit}",
        **ratios,
        wanted=", ".join(f"{bound:.2f} {name}" for name, bound in bounds.items()),
        reached=all(ratios[name] <= bound for name, bound in bounds.items()) if bounds else None,
    )
