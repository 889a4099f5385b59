"""A result and what running its pairing again gave: which values differ, and by how much they may."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tlbench.errors import StoreError
from tlbench.results.prediction_files import read_predictions
from tlbench.results.row import Row
from tlbench.results.values import RANGES, TARGET_SCORES

if TYPE_CHECKING:
    from tlbench.contract.task_data import Array

TOLERANCE = 0.02
"""How far a score may be from that of another class of processor or other versions; of scores beyond 1, as a part."""
WIDER = 0.05
"""The same for further metrics, such as a loss."""
AGREE = 0.95
"""Part of the decisions that must be the same then."""
SPREAD = 0.1
"""How far predicted numbers may be from each other then, as a root mean square in standard deviations."""
HASHES = ("data_sha256", "test_sha256", "strategy_code", "worst_group", "worst_group_size")
"""What names prepared data and code, and depends on the last bits; compared where bits must be equal."""
COMPARED: Mapping[str, float] = {
    **dict.fromkeys(("score", "eager_score", "forgetting_head", "forgetting_probe"), TOLERANCE),
    **dict.fromkeys(("probe_before", "probe_after"), TOLERANCE),
    **dict.fromkeys(("score_low", "score_high", "a_distance"), WIDER),
    **dict.fromkeys(("worst_group_score", "worst_group_low", "worst_group_high"), WIDER),
    **dict.fromkeys(("test_size", "parameters"), 0.0),
}
"""Field of a number -> how far it may be from that of another class of processor or other versions."""
ERROR = (0.0, math.inf)
"""The range of a metric that is an error."""


def place_differences(row: Row, again: Row) -> list[str]:
    """Return why two runs of a pairing need not be equal bit for bit; nothing if they must be."""
    found = []
    if row.device != "cpu":
        found.append(f"it ran on {row.device}")
    if row.processor_class is None:
        found.append("the result names no processor class")
    elif row.processor_class != again.processor_class:
        found.append(f"processor class {row.processor_class}, here {again.processor_class}")
    names = sorted(
        name for name in {*row.versions, *again.versions} if row.versions.get(name) != again.versions.get(name)
    )
    found += [
        f"{name} {row.versions.get(name, 'missing')}, here {again.versions.get(name, 'missing')}" for name in names
    ]
    if row.commit != again.commit:
        found.append(f"commit {(row.commit or 'unknown')[:7]}, here {(again.commit or 'unknown')[:7]}")
    elif row.dirty or again.dirty:
        found.append("uncommitted changes of the code")
    if row.threads != again.threads:
        found.append(f"{row.threads} threads, here {again.threads}")
    if row.accumulation_steps != again.accumulation_steps:
        found.append("training batches computed in another number of parts")
    return found


def differences(row: Row, again: Row, path: Path, path_again: Path, exact: bool, classes: bool = False) -> list[str]:
    """Return a sentence for each value that differs: at all, or by more than the tolerances unless `exact`.

    Paths are the files of both results, whose predictions lie beside them; `classes` says whether these are
    probabilities of classes. What the older result does not say is not compared.
    """
    if again.status != "ok":
        return [f"it {again.status} at the stage {again.stage}: {again.reason}"]
    found = [*_numbers(row, again, exact)]
    if exact:
        found += [
            f"{name} is another"
            for name in HASHES
            if getattr(row, name) is not None and getattr(row, name) != getattr(again, name)
        ]
    return [*found, *_predictions(row, again, (path, path_again), exact, classes)]


def _numbers(row: Row, again: Row, exact: bool) -> Iterator[str]:
    """Yield the numbers that differ; of an error, which may be far below 1, the tolerance is a part of its value."""
    for name, value, other, tolerance, metric in _pairs(row, again):
        if value is None or value == other:
            continue
        least = 0.0 if RANGES.get(metric) == ERROR else 1.0
        if exact or other is None or abs(value - other) > tolerance * max(least, abs(value)):
            yield f"{name} is {value!r}, rerun {other!r}"


def _pairs(row: Row, again: Row) -> Iterator[tuple[str, Any, Any, float, str]]:
    """Yield name, both values, tolerance and metric of each number that is compared."""
    for name, tolerance in COMPARED.items():
        yield name, getattr(row, name), getattr(again, name), tolerance, row.metric if name in TARGET_SCORES else ""
    for stage in range(2):
        for side, metric in enumerate((row.source_metric or "", row.metric)):
            before, after = (one.score_matrix and one.score_matrix[stage][side] for one in (row, again))
            yield f"score_matrix[{stage}][{side}]", before, after, TOLERANCE, metric
    for name, value in sorted(row.scores.items()):
        yield f"scores.{name}", value, again.scores.get(name), WIDER, name


def _predictions(row: Row, again: Row, paths: tuple[Path, Path], exact: bool, classes: bool) -> Iterator[str]:
    if row.predictions_sha256 is None or row.predictions_sha256 == again.predictions_sha256:
        return
    beside, anew = (path.with_suffix(".npz") for path in paths)
    if not beside.is_file() or not anew.is_file():
        if exact:
            yield "predictions have another hash"
        return
    try:
        one, other = read_predictions(beside)["predictions"], read_predictions(anew)["predictions"]
    except StoreError as error:
        yield f"predictions: {error}"
        return
    if said := differing_predictions(one, other, exact, classes):
        yield said


def differing_predictions(one: Array, other: Array, exact: bool, classes: bool = False) -> str:
    """Return how predictions differ, empty if they do not, or by no more than is allowed unless `exact`.

    `classes`: numbers in two dimensions are probabilities of classes, whose decisions must be the same, too.
    """
    import numpy as np

    if one.shape != other.shape:
        return f"predictions have the shape {one.shape}, rerun {other.shape}"
    if "f" in (one.dtype.kind, other.dtype.kind):
        one, other = one.astype(np.float64), other.astype(np.float64)
        if not np.isfinite(one).all() or not np.isfinite(other).all():
            return "predictions are not finite"
    if (one == other).all():
        return ""
    if exact or one.dtype.kind != "f":
        return _deciding_otherwise(one, other, exact, "predictions")
    if classes and one.ndim == 2 and (said := _deciding_otherwise(one.argmax(1), other.argmax(1), False, "decisions")):
        return said
    with np.errstate(over="ignore"):  # Of numbers near the largest: their distance is infinite, and too far.
        distance, spread = math.sqrt(float(np.mean((one - other) ** 2))), float(np.std(one))
    if distance <= SPREAD * spread and math.isfinite(distance):
        return ""
    return f"predictions are {distance:.3g} apart (root mean square), and their standard deviation is {spread:.3g}"


def _deciding_otherwise(one: Array, other: Array, exact: bool, what: str) -> str:
    """Return how many values are the same, empty if these are enough."""
    agreeing = float((one == other).reshape(len(one), -1).all(1).mean())
    return "" if not exact and agreeing >= AGREE else f"{agreeing:.1%} of the {what} are the same"
