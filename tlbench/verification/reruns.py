"""A result and what running its pairing again gave: which values differ, and by how much they may."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tlbench.errors import StoreError
from tlbench.results.prediction_files import read_predictions
from tlbench.results.row import Row

if TYPE_CHECKING:
    from tlbench.contract.task_data import Array

SCORES = ("score", "eager_score", "forgetting_head", "forgetting_probe")
TOLERANCE = 0.02
"""How far a score may be from that of another class of processor or other versions; of scores beyond 1, as a part."""
WIDER = 0.05
"""The same for further metrics, such as a loss."""
AGREE = 0.95
"""Part of the decisions that must be the same then."""
SPREAD = 0.1
"""How far predicted numbers may be from each other then, as a root mean square in standard deviations."""
HASHES = ("data_sha256", "test_sha256")
"""What names prepared data; compared where bits must be equal."""


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
    if row.accumulation_steps != again.accumulation_steps:
        found.append("training batches computed in another number of parts")
    return found


def differences(row: Row, again: Row, path: Path, path_again: Path, exact: bool) -> list[str]:
    """Return a sentence for each value that differs: at all, or by more than the tolerances unless `exact`.

    Paths are the files of both results, whose predictions lie beside them. What the older result does not say is not
    compared.
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
    return [*found, *_predictions(row, again, path, path_again, exact)]


def _numbers(row: Row, again: Row, exact: bool) -> Iterator[str]:
    pairs: list[tuple[str, Any, Any, float]] = [
        (name, getattr(row, name), getattr(again, name), TOLERANCE) for name in SCORES
    ]
    for stage in range(2):
        for side in range(2):
            before, after = (one.score_matrix and one.score_matrix[stage][side] for one in (row, again))
            pairs.append((f"score_matrix[{stage}][{side}]", before, after, TOLERANCE))
    pairs += [(f"scores.{name}", value, again.scores.get(name), WIDER) for name, value in sorted(row.scores.items())]
    for name, value, other, tolerance in pairs:
        if value is None or value == other:
            continue
        if exact or other is None or abs(value - other) > tolerance * max(1.0, abs(value)):
            yield f"{name} is {value!r}, rerun {other!r}"


def _predictions(row: Row, again: Row, path: Path, path_again: Path, exact: bool) -> Iterator[str]:
    if row.predictions_sha256 is None or row.predictions_sha256 == again.predictions_sha256:
        return
    beside, anew = path.with_suffix(".npz"), path_again.with_suffix(".npz")
    if not beside.is_file() or not anew.is_file():
        if exact:
            yield "predictions have another hash"
        return
    try:
        one, other = read_predictions(beside)["predictions"], read_predictions(anew)["predictions"]
    except StoreError as error:
        yield f"predictions: {error}"
        return
    if said := differing_predictions(one, other, exact):
        yield said


def differing_predictions(one: Array, other: Array, exact: bool) -> str:
    """Return how predictions differ, empty if they do not, or by no more than is allowed unless `exact`."""
    import numpy as np

    if one.shape != other.shape:
        return f"predictions have the shape {one.shape}, rerun {other.shape}"
    same = one == other
    if same.all():
        return ""
    if exact or one.dtype.kind not in "f":
        agreeing = float(same.reshape(len(same), -1).all(1).mean())
        return "" if not exact and agreeing >= AGREE else f"{agreeing:.1%} of the predictions are the same"
    distance, spread = math.sqrt(float(np.mean((one - other) ** 2))), float(np.std(one))
    if distance <= SPREAD * spread:
        return ""
    return f"predictions are {distance:.3g} apart (root mean square), and their standard deviation is {spread:.3g}"
