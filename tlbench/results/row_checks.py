"""What a row must be to be believed: fields of their types, names that are names, numbers within their range."""

from __future__ import annotations

import math
import re

from tlbench.contract.budget import Budget
from tlbench.contract.task_data import Access
from tlbench.errors import StoreError, UsageError
from tlbench.results.files import slug
from tlbench.results.row import Row
from tlbench.results.values import Wrong, close, in_words, wrong_values

DOMAIN = r"(?!(?i:readme)(?:/|$))\w(?:[\w-]*\w)?"
"""Domains have pages of their names, beside README.md over all of them."""
NAMES = {
    "task": rf"{DOMAIN}/[\w.-]+",
    "domain": DOMAIN,
    "strategy": r"[\w.-]+",
    "backbone": r".+",
    "key": r"[\w-]+",
}
CHOICES = {
    "setting": ("transductive", "inductive", "target-only"),
    "source_mode": ("train", "finetune", "probe", "own-head", "none"),
}


def check(row: Row) -> None:
    """Raise `StoreError` that names the first invalid field, with its value and what was expected."""
    for rule in (wrong_values, _names, _choices, _budget, _score, _latency):
        for name, value, expected in rule(row):
            raise StoreError(in_words(name, value, expected))


def _names(row: Row) -> Wrong:
    if row.domain.lower() == "readme":
        yield "domain", row.domain, "another name: README.md is the page over all domains"
    if row.domain != slug(row.domain):
        yield "domain", row.domain, "a name that begins and ends with a letter, a digit or _"
    for name, pattern in NAMES.items():
        if not re.fullmatch(pattern, getattr(row, name), re.DOTALL):
            yield name, getattr(row, name), f"a name that matches {pattern}"
    if row.domain != row.task.partition("/")[0]:
        yield "domain", row.domain, f"the part of the task {row.task!r} before the slash"


def _choices(row: Row) -> Wrong:
    for name, allowed in CHOICES.items():
        if getattr(row, name) not in allowed:
            yield name, getattr(row, name), " or ".join(allowed)
    if not set(row.access) <= set(Access):
        yield "access", row.access, f"parts of {', '.join(Access)}"


def _budget(row: Row) -> Wrong:
    try:
        valid = not row.budget_rule or str(Budget.parse(row.budget_rule)) == row.budget_rule
    except (UsageError, ValueError):
        valid = False
    if not valid:
        yield "budget_rule", row.budget_rule, "a number (50), N/class (5/class), all, or nothing"


def _score(row: Row) -> Wrong:
    if row.status == "ok" and row.score is None:
        yield "score", None, "a number, for its status is ok"
    if row.status == "ok" and row.stage is not None:
        yield "stage", row.stage, "none that failed, for its status is ok"
    if row.score is not None and not close(row.score, own := row.scores.get(row.metric, row.score)):
        yield "score", row.score, f"its {row.metric} among all metrics, which is {own}"


def _latency(row: Row) -> Wrong:
    percentiles = [value for value in (row.p50_ms, row.p90_ms, row.p99_ms) if value is not None]
    if percentiles != sorted(percentiles):
        yield "p50_ms", row.p50_ms, f"no more than p90_ms and p99_ms, which are {row.p90_ms} and {row.p99_ms}"
    if row.p50_ms is not None and row.p50_ratio is not None and row.reference_p50_ms is not None:
        expected = row.p50_ratio * row.reference_p50_ms
        if not math.isclose(row.p50_ms, expected, rel_tol=1e-6):
            yield "p50_ms", row.p50_ms, f"p50_ratio times reference_p50_ms, which is {expected:g}"
