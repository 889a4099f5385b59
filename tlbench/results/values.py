"""Values of the fields of a row or of a part of one: their types, and the ranges of numbers."""

from __future__ import annotations

import functools
import math
import types
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

Fits = Callable[[Any], bool]
Wrong = Iterator[tuple[str, Any, str]]
"""Fields with invalid values: (name, value, what was expected)."""
LARGEST = 2**63
"""Whole numbers stay below it, as in every library that reads JSON."""
SLACK = 1e-6
"""How far rounding may carry a score out of its range."""
NOT_NEGATIVE = (
    "label_budget", "test_size", "source_test_size", "parity", "parity_flips", "onnx_bytes", "p50_ms", "p90_ms",
    "p99_ms", "mean_ms", "queries", "round_spread", "reference_p50_ms", "p50_ratio", "throughput_per_s", "threads",
    "peak_memory_bytes", "parameters", "trained_parameters", "weights_loaded", "weights_expected", "groups",
    "worst_group_size", "device_seconds", "predictions_bytes", "test_copies", "source_test_copies", "prediction_spread",
    "most_common_share", "most_common_target_share", "test_near_copies",
)  # fmt: skip
SHARES = ("most_common_share", "most_common_target_share")
TARGET_SCORES = (
    "score", "score_low", "score_high", "eager_score", "worst_group_score", "worst_group_low", "worst_group_high",
)  # fmt: skip
SHARE = (0.0, 1.0)
ANY = (-math.inf, math.inf)
RANGES = {
    **dict.fromkeys(("accuracy", "balanced-accuracy", "pixel-accuracy", "ece", "auroc", "dice", "mean-iou"), SHARE),
    **dict.fromkeys(("macro-precision", "macro-recall", "macro-f1", "micro-f1"), SHARE),
    **dict.fromkeys(("entity-precision", "entity-recall", "entity-f1"), SHARE),
    **dict.fromkeys(("average-precision", "mean-average-precision"), SHARE),
    **dict.fromkeys(("nll", "rmse", "mae", "hausdorff-95"), (0.0, math.inf)),
    "perplexity": (1.0, math.inf),
    "log-likelihood": (-math.inf, 0.0),
    "r2": (-math.inf, 1.0),
}
"""Smallest and largest value of each metric that tlbench ships; those of plugins only have to be finite."""


def wrong_values(record: Any) -> Wrong:
    """Yield the invalid values of a row or a part: those of another type first, for the other rules trust the types."""
    values = vars(record)
    wrong = [(name, values[name], hint) for name, hint, fits in _types(record.__class__) if not fits(values[name])]
    yield from wrong
    if not wrong:
        yield from _negative(values)
        yield from _out_of_range(values)


def in_words(name: str, value: Any, expected: str) -> str:
    """Return `its NAME is VALUE, expected ...`, with a long value cut off."""
    shown = repr(value)
    return f"its {name} is {shown if len(shown) < 60 else f'{shown[:57]}...'}, expected {expected}"


def close(one: float, other: float) -> bool:
    """Return whether two numbers differ by no more than rounding."""
    return abs(one - other) <= SLACK * max(1.0, abs(one))


def _negative(values: Mapping[str, Any]) -> Wrong:
    for name in NOT_NEGATIVE:
        if (values.get(name) or 0) < 0:
            yield name, values[name], "no negative number"
    for name in SHARES:
        if (values.get(name) or 0) > 1:
            yield name, values[name], "a share between 0 and 1"
    for stage, spent in values.get("seconds", {}).items():
        if spent < 0:
            yield f"seconds of {stage!r}", spent, "no negative number"


def _out_of_range(values: Mapping[str, Any]) -> Wrong:
    """Yield scores out of the range of their metric; a part that does not name the metric only has finite scores."""
    target = values.get("metric", "")
    source = values.get("source_metric") or target
    measured = [(name, target, values.get(name)) for name in TARGET_SCORES]
    measured += [(name, source, values.get(name)) for name in ("probe_before", "probe_after")]
    measured += [(f"score {name!r}", name, value) for name, value in values.get("scores", {}).items()]
    matrix = values.get("score_matrix")
    if matrix is not None and len(matrix) != 2:
        yield "score_matrix", matrix, "two pairs of scores"
    for of_source, of_target in matrix or ():
        measured += [("score_matrix", source, of_source), ("score_matrix", target, of_target)]
    measured += [("score_curve", target, point[2]) for point in values.get("score_curve", ())]
    measured += [("training_scores", target, value) for value in values.get("training_scores", ())]
    for name, metric, value in measured:
        low, high = RANGES.get(metric, ANY)
        if value is not None and not low - SLACK <= value <= high + SLACK:
            yield name, value, f"{metric} between {low:g} and {high:g}"
    for interval in ("score", "worst_group"):
        lower, upper = values.get(f"{interval}_low"), values.get(f"{interval}_high")
        if lower is not None and upper is not None and lower > upper:
            yield f"{interval}_low", lower, f"no more than {interval}_high, which is {upper}"
        score = values.get("score" if interval == "score" else f"{interval}_score")
        if score is not None and lower is not None and upper is not None:
            nearest = min(max(score, lower), upper)
            if not close(score, nearest):
                yield interval, score, f"a number in its interval, which ends at {nearest}"


@functools.cache
def _types(record: Any) -> tuple[tuple[str, str, Fits], ...]:
    """Return each field of a dataclass with its annotation and what says whether a value is of that type."""
    annotations = record.__annotations__
    return tuple(
        (name, annotations[name].replace("float", "finite float"), _fits(hint))
        for name, hint in get_type_hints(record).items()
    )


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
