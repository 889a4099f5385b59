"""What a user can give and accept, and why an entry is not recommended."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tlbench.errors import UnknownNameError, UsageError
from tlbench.leaderboard import wording
from tlbench.leaderboard.aggregate import Entry

NEEDS = ("source", "target-inputs", "target-labels")
"""Data that a strategy may need for adaptation. Labels of all target examples are for an upper bound alone."""
ONE_SIDED = (math.inf, 6.32, 2.92, 2.36, 2.14, 2.02, 1.95, 1.90, 1.86, 1.84)
"""One-sided 95 % quantiles of Student's t for 0, 1, 2, ... degrees of freedom, rounded up; the last holds for more."""
NEGLIGIBLE = 0.01
"""Forgetting that matters to nobody, if it may be chance."""
DIGITS = 3
"""Decimals of a value that is compared with a limit: those that people see."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """The constraints of a user. Raises `UsageError` for values that mean nothing."""

    max_forgetting: float | None = None
    """Largest forgetting, in the unit of the source score."""
    max_ms: float | None = None
    """Largest latency (p50 at batch 1), in ms."""
    needs: tuple[str, ...] = ()
    """The data that can be given: a strategy that needs any other is not considered. Empty: all of it."""

    def __post_init__(self) -> None:
        for name, value in (("forgetting", self.max_forgetting), ("latency in ms", self.max_ms)):
            if value is not None and not math.isfinite(value):
                raise UsageError(f"Invalid limit of {name} {value}: expected a number.")
        if self.max_ms is not None and self.max_ms <= 0:
            raise UsageError(f"Invalid limit of latency in ms {self.max_ms:g}: expected a number above 0.")
        for name in self.needs:
            if name not in NEEDS:
                raise UnknownNameError("data that a strategy may need", name, NEEDS)

    def allow(self, entry: Entry) -> bool:
        """Return whether the data that an entry was given can be given."""
        return not self.needs or set(entry.first.access) <= set(self.needs)


def forgetting(entry: Entry) -> float | None:
    """Return the forgetting of the source head or, if there is none, of the probe; None if neither was measured."""
    head = entry.mean("forgetting_head")
    return entry.mean("forgetting_probe") if head is None else head


def forgets(entry: Entry, limit: float) -> bool:
    """Return whether the forgetting of an entry, which was measured, is above a limit, as it is shown.

    At a limit of 0, the mean over the seeds may be up to `NEGLIGIBLE` if it is not significantly above 0.
    """
    lost = round(forgetting(entry) or 0.0, DIGITS)
    if limit != 0 or not 0 < lost <= NEGLIGIBLE:
        return lost > limit
    field = "forgetting_probe" if entry.mean("forgetting_head") is None else "forgetting_head"
    count, spread = len(entry.rows), entry.spread(field)
    if spread is None:
        return True
    return (entry.mean(field) or 0.0) > ONE_SIDED[min(count, len(ONE_SIDED)) - 1] * spread / math.sqrt(count)


def not_measured(entry: Entry) -> str:
    """Return that the forgetting of an entry was not measured and, without a source, how to measure it."""
    how = " (--remember TASK measures it)" if entry.first.setting == "target-only" else ""
    return f"forgetting not measured{how}"


def _upper_bound(entry: Entry, limits: Limits) -> str:
    bound = "target-all-labels" in entry.first.access or entry.first.selection == "oracle"
    return "an upper bound, which uses labels that nobody has at that time" if bound else ""


def _caught(entry: Entry, limits: Limits) -> str:
    """Return what an audit found, without where and when it was made."""
    found = dict(entry.marks).get("caught", "").partition(" (")[0]
    return f"it was caught by an audit: {found}" if found else ""


def _failed_runs(entry: Entry, limits: Limits) -> str:
    return _flagged(entry, "failed-runs")


def _flagged(entry: Entry, name: str) -> str:
    """Return the first half of the sentence of a flag, which says what is wrong."""
    said = dict(entry.flags).get(name, "").partition(":")[0]
    return said[:1].lower() + said[1:]


def _constant_predictions(entry: Entry, limits: Limits) -> str:
    return "its predictions are nearly constant" if "constant-predictions" in dict(entry.flags) else ""


def _not_above_constant(entry: Entry, limits: Limits) -> str:
    return _flagged(entry, "not-above-constant")


def _max_forgetting(entry: Entry, limits: Limits) -> str:
    if limits.max_forgetting is None:
        return ""
    lost = forgetting(entry)
    if lost is None:
        return not_measured(entry)
    above = forgets(entry, limits.max_forgetting)
    return f"it forgets {wording.number(lost)}, more than {limits.max_forgetting:g}" if above else ""


def _max_ms(entry: Entry, limits: Limits) -> str:
    if limits.max_ms is None:
        return ""
    latency = entry.mean("p50_ms")
    if latency is None:
        return "its latency is not measured yet"
    above = round(latency, DIGITS) > limits.max_ms
    return f"it takes {wording.number(latency)} ms, more than {limits.max_ms:g}" if above else ""


BARS: Mapping[str, Callable[[Entry, Limits], str]] = {
    "upper-bound": _upper_bound,
    "caught": _caught,
    "failed-runs": _failed_runs,
    "constant-predictions": _constant_predictions,
    "not-above-constant": _not_above_constant,
    "max-forgetting": _max_forgetting,
    "max-ms": _max_ms,
}
"""Name of a rule -> what says why an entry is never recommended; empty if it may be."""


def barred(entry: Entry, limits: Limits) -> str:
    """Return the first reason why an entry is not recommended; empty if there is none."""
    return next(filter(None, (bar(entry, limits) for bar in BARS.values())), "")
