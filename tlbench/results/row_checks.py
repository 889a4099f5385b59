"""What a row must be to be believed: each field of its type, names that are names, numbers within their range."""

from __future__ import annotations

import functools
import math
import re
import types
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from tlbench.contract.budget import Budget
from tlbench.contract.task_data import Access
from tlbench.errors import StoreError, UsageError
from tlbench.results.row import Row

Fits = Callable[[Any], bool]
LARGEST = 2**63
"""Whole numbers stay below it, as in every library that reads JSON."""
SLACK = 1e-6
"""How far rounding may carry a score out of its range."""
NAMES = {"task": r"[\w-]+/[\w.-]+", "domain": r"[\w-]+", "strategy": r"[\w.-]+", "backbone": r".+", "key": r"[\w-]+"}
CHOICES = {
    "setting": ("transductive", "inductive"),
    "source_mode": ("train", "finetune", "probe", "own-head"),
}
NOT_NEGATIVE = (
    "label_budget", "test_size", "source_test_size", "parity", "parity_flips", "onnx_bytes", "p50_ms", "p90_ms",
    "p99_ms", "mean_ms", "queries", "round_spread", "reference_p50_ms", "p50_ratio", "throughput_per_s", "threads",
    "peak_memory_bytes", "parameters", "trained_parameters", "weights_loaded", "weights_expected",
)  # fmt: skip
SHARE = (0.0, 1.0)
RANGES = {
    **dict.fromkeys(("accuracy", "balanced-accuracy", "pixel-accuracy", "ece", "auroc", "dice", "mean-iou"), SHARE),
    **dict.fromkeys(("macro-precision", "macro-recall", "macro-f1", "micro-f1"), SHARE),
    **dict.fromkeys(("entity-precision", "entity-recall", "entity-f1"), SHARE),
    **dict.fromkeys(("average-precision", "mean-average-precision"), SHARE),
    **dict.fromkeys(("nll", "rmse", "mae"), (0.0, math.inf)),
    "perplexity": (1.0, math.inf),
    "log-likelihood": (-math.inf, 0.0),
    "r2": (-math.inf, 1.0),
}
"""Least and largest value of each metric that tlbench ships; those of plugins are only held to be finite."""


def check(row: Row) -> None:
    """Raise `StoreError` that names the first field that cannot be right, with its value and what was expected."""
    values = vars(row)
    for name, hint, fits in _types():
        if not fits(values[name]):
            _refuse(name, values[name], hint)
    for rule in (_names, _choices, _budget, _numbers, _scores):
        for name, value, expected in rule(row):
            _refuse(name, value, expected)


def _refuse(name: str, value: Any, expected: str) -> None:
    shown = repr(value)
    raise StoreError(f"its {name} is {shown if len(shown) < 60 else f'{shown[:57]}...'}, expected {expected}")


Wrong = Iterator[tuple[str, Any, str]]
"""Fields that cannot be right: (name, value, what was expected)."""


def _names(row: Row) -> Wrong:
    for name, pattern in NAMES.items():
        if not re.fullmatch(pattern, getattr(row, name), re.DOTALL):
            yield name, getattr(row, name), f"a name that matches {pattern}"
    if row.domain != row.task.partition("/")[0]:
        yield "domain", row.domain, f"the part of the task {row.task!r} before the slash"
    if row.domain.lower() == "readme":
        yield "domain", row.domain, "another name: README.md is the page over all domains"


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


def _numbers(row: Row) -> Wrong:
    for name in NOT_NEGATIVE:
        if (getattr(row, name) or 0) < 0:
            yield name, getattr(row, name), "no negative number"
    for stage, spent in row.seconds.items():
        if spent < 0:
            yield f"seconds of {stage!r}", spent, "no negative number"


def _scores(row: Row) -> Wrong:
    """Yield scores that are missing, out of their metric's range, or no pair of pairs."""
    if row.status == "ok" and row.score is None:
        yield "score", None, "a number, for its status is ok"
    matrix = row.score_matrix
    if matrix is not None and len(matrix) != 2:
        yield "score_matrix", matrix, "two pairs of scores"
    measured = [(name, row.metric, getattr(row, name)) for name in ("score", "score_low", "score_high", "eager_score")]
    measured += [(f"score {name!r}", name, value) for name, value in row.scores.items()]
    for source, target in matrix or ():
        measured += [("score_matrix", row.source_metric or row.metric, source), ("score_matrix", row.metric, target)]
    for name, metric, value in measured:
        low, high = RANGES.get(metric, (-math.inf, math.inf))
        if value is not None and not low - SLACK <= value <= high + SLACK:
            yield name, value, f"{metric} between {low:g} and {high:g}"
    if row.score_low is not None and row.score_high is not None and row.score_low > row.score_high:
        yield "score_low", row.score_low, f"no more than score_high, which is {row.score_high}"


@functools.cache
def _types() -> tuple[tuple[str, str, Fits], ...]:
    """Return each field of a row with its annotation and what says whether a value is of that type."""
    return tuple((name, Row.__annotations__[name], _fits(hint)) for name, hint in get_type_hints(Row).items())


def _fits(hint: Any) -> Fits:
    """Return what says whether a value of JSON, its lists made tuples, is of an annotated type."""
    if hint in SIMPLE:
        return SIMPLE[hint]
    origin, parts = get_origin(hint), get_args(hint)
    if origin is Literal:
        return lambda value: type(value) is str and value in parts
    if origin in (Union, types.UnionType) and types.NoneType in parts:
        present = _fits(Union[tuple(part for part in parts if part is not types.NoneType)])  # noqa: UP007
        return lambda value: value is None or present(value)
    if origin in (Union, types.UnionType):
        any_of = [_fits(part) for part in parts]
        return lambda value: any(fits(value) for fits in any_of)
    if origin is Mapping:
        named, each = map(_fits, parts)
        return lambda value: type(value) is dict and all(map(named, value)) and all(map(each, value.values()))
    if origin is tuple and parts[-1] is Ellipsis:
        each = _fits(parts[0])
        return lambda value: type(value) is tuple and all(map(each, value))
    if origin is tuple:
        places = [_fits(part) for part in parts]
        return lambda value: (
            type(value) is tuple
            and len(value) == len(places)
            and all(fits(part) for fits, part in zip(places, value, strict=True))
        )
    raise TypeError(f"There is no check for values of {hint}: write one.")


def _is_whole(value: Any) -> bool:
    return type(value) is int and -LARGEST <= value < LARGEST


def _is_number(value: Any) -> bool:
    return math.isfinite(value) if type(value) is float else _is_whole(value)


SIMPLE: Mapping[Any, Fits] = {
    str: lambda value: type(value) is str,
    bool: lambda value: type(value) is bool,
    int: _is_whole,
    float: _is_number,
}
