"""The scores of a row, computed anew from its predictions by what scored them."""

from __future__ import annotations

import contextlib
import hashlib
import json
import sys
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tlbench.contract.kind_specs import CLASS_PROBABILITIES
from tlbench.contract.requests import SELF_LABELLED
from tlbench.errors import StoreError, describe
from tlbench.planning.guard import pass_signal
from tlbench.results.frozen import frozen
from tlbench.results.prediction_files import LARGEST, read_predictions
from tlbench.results.row import Row
from tlbench.verification.report import NO_PREDICTIONS, Problem, differs

if TYPE_CHECKING:
    from tlbench.contract.specs import TaskSpec
    from tlbench.contract.task_data import Array

GROUP_FIELDS = (
    "groups", "worst_group", "worst_group_score", "worst_group_low", "worst_group_high", "worst_group_size",
)  # fmt: skip
MEMORY = 2**33
"""Bytes that scoring the predictions of a row may take."""

TIES = 0.01
"""How far the share of a decision may be from that of the largest probability, which rounding makes equal to others."""


class NotVerifiableError(Exception):
    """The scores of a row cannot be computed here; the message says why."""


@dataclass(frozen=True)
class Stored:
    """The predictions beside a row."""

    arrays: Mapping[str, Array]

    @property
    def test_split(self) -> str:
        """Name the test split: rows of one task have the same targets, groups, references and labels."""
        named = hashlib.sha256()
        for name in ("targets", "counts", "references", "groups", "labels"):
            if name in self.arrays:
                array = self.arrays[name]
                text = array.dtype.kind == "U"
                content = json.dumps(array.tolist()).encode() if text else array.tobytes()
                named.update(f"{name} {'text' if text else array.dtype} {array.shape} ".encode() + content)
        return named.hexdigest()[:12]


def stored(row: Row, path: Path) -> Stored:
    """Return the predictions of a row's file. Raises `NotVerifiableError` without them, `StoreError` if damaged."""
    beside = path.with_suffix(".npz")
    if row.predictions_sha256 is None or not beside.exists():
        size = row.predictions_bytes or 0
        why = f", which are not published if they have more than {LARGEST:,} bytes" if size > LARGEST else ""
        raise NotVerifiableError(f"{NO_PREDICTIONS}{why}")
    return Stored(read_predictions(beside))


def wrong_scores(file: str, row: Row, kept: Stored, task: TaskSpec) -> Iterator[Problem]:
    """Yield every score of a row that its predictions do not have. Raises `NotVerifiableError`, or `StoreError`."""
    made, draws = computed(kept, task)
    scores = made.pop("scores")
    for name, expected in {**dict.fromkeys(GROUP_FIELDS), **made}.items():
        if differs(value := getattr(row, name), expected):
            yield Problem(file, name, value, f"{expected!r}, computed from its predictions")
    for name, expected in scores.items():
        if differs(value := row.scores.get(name), expected):
            yield Problem(file, f"scores.{name}", value, f"{expected!r}, computed from its predictions")
    for name, expected in varied(kept, row, task).items():
        value, older = getattr(row, name), row.interval_method is None
        if value != expected and not older and (None in (value, expected) or abs(value - expected) > TIES):
            yield Problem(file, name, value, f"{expected!r}, computed from its predictions")
    if not _alike(kept.arrays.get("draws"), draws):
        yield Problem(
            file, "draws", "others", f"{len(draws)} scores of resampled test sets, as its predictions have them"
        )
    if task.evaluate is None:
        for name in sorted(row.scores.keys() - scores.keys()):
            yield Problem(file, f"scores.{name}", row.scores[name], f"no such score of a {task.kind.name} task")


def varied(kept: Stored, row: Row, task: TaskSpec) -> dict[str, Any]:
    """Return how much predictions vary, as far as they say it: decisions are those of outputs, which are not kept."""
    from tlbench.learning.metrics.variety import Tally, variety
    from tlbench.learning.targets import Predictions, Targets

    arrays, tally = kept.arrays, Tally()
    values = arrays["predictions"]
    if CLASS_PROBABILITIES in task.kind.traits and task.kind.layout not in SELF_LABELLED:
        tally.add(values.argmax(1) if values.ndim == 2 else values)
    elif row.most_common_share is not None:
        return {}
    counts = arrays["counts"]
    return variety(tally, Predictions(values, counts), Targets(arrays["targets"], counts))


def _alike(stored: Array | None, draws: Array) -> bool:
    """Return whether stored draws are the computed ones, up to rounding to float32."""
    import numpy as np

    return stored is not None and stored.shape == draws.shape and np.allclose(stored, draws, 1e-6, 1e-7, equal_nan=True)


def computed(kept: Stored, task: TaskSpec) -> tuple[dict[str, Any], Array]:
    """Return what a row says of its predictions, fields as JSON gives them back, and the draws beside them."""
    from tlbench.engine.serving import score_fields
    from tlbench.learning.targets import Predictions, Targets

    arrays = kept.arrays
    labels = _labels(arrays, task)
    counts = arrays["counts"]
    try:
        references = [json.loads(text) for text in arrays.get("references", [])]
        targets = Targets(arrays["targets"], counts, references)
        predictions = Predictions(arrays["predictions"], arrays.get("prediction_counts", counts))
        with _limited(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            fields, draws = score_fields(task, labels, predictions, targets, arrays.get("groups"))
    except MemoryError as error:
        raise NotVerifiableError(f"scoring its predictions takes more than {MEMORY / 2**30:.0f} GiB") from error
    except BaseException as error:  # a kind of a plugin may raise anything for arrays that it did not make
        pass_signal(error)
        raise StoreError(f"they cannot be scored by the kind {task.kind.name}: {describe(error)}") from error
    return {name: frozen(value) for name, value in fields.items()}, draws


def _labels(arrays: Mapping[str, Array], task: TaskSpec) -> tuple[str, ...]:
    """Return the names of the labels, after a check of the predictions and targets that are their indices."""
    if "labels" not in arrays:
        raise NotVerifiableError("its predictions come without the names of labels, as those of older versions do")
    labels = tuple(arrays["labels"].tolist())
    if CLASS_PROBABILITIES not in task.kind.traits or task.kind.layout in SELF_LABELLED:
        return labels
    for name in ("targets", "predictions"):
        values = arrays[name]
        if values.dtype.kind in "iu" and len(values) and not 0 <= values.min() <= values.max() < max(2, len(labels)):
            raise StoreError(f'"{name}" has an index outside the {len(labels)} labels')
        if name == "predictions" and values.dtype.kind == "f" and values.shape[1:] != (len(labels),):
            raise StoreError(
                f'"{name}" has the shape {values.shape}, expected a number for each of {len(labels)} labels'
            )
    return labels


@contextlib.contextmanager
def _limited() -> Iterator[None]:
    """Limit what this process may allocate meanwhile: a small file may hold what takes much memory to score."""
    if sys.platform != "linux":
        yield
        return
    import resource

    before = resource.getrlimit(resource.RLIMIT_DATA)
    used = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[5]) * resource.getpagesize()
    most = [limit for limit in (*before, used + MEMORY) if limit != resource.RLIM_INFINITY]
    resource.setrlimit(resource.RLIMIT_DATA, (min(most), before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, before)
