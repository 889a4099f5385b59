"""What lies beside the rows of a board, summed up for the page: predictions, single latencies, pictures of analyses."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tlbench.errors import StoreError
from tlbench.leaderboard.row_page import analysis_picture
from tlbench.leaderboard.site.columnar import Texts, rounded
from tlbench.results.files import PNG, file_sha256
from tlbench.results.latency_files import single_values
from tlbench.results.prediction_files import read_predictions
from tlbench.results.row import Row

if TYPE_CHECKING:
    from tlbench.leaderboard.bootstrap import Array

MOST_CLASSES = 30
"""Classes up to which the page has a table of confusions."""
BINS = 15
"""Bins of confidence, of equal width, as the calibration error has them."""
BARS = 30
"""Bars of a histogram of latencies."""
CUT = 0.99
"""Share of the queries that a histogram shows; the slowest would leave no room for the others."""


def confusion(row: Row, board: Path | None, texts: Texts) -> dict[str, Any] | None:
    """Return how often each class was taken for each, and how sure the model was; None if that is not stored.

    `counts` are `[target, prediction, number]`, `bins` `[mean confidence, share that is right, number]` from low
    confidence to high.
    """
    if board is None or row.predictions_sha256 is None:
        return None
    path = (board / "rows" / row.file_name).with_suffix(".npz")
    try:
        if not path.is_file() or file_sha256(path) != row.predictions_sha256:
            return None
        arrays = read_predictions(path)
    except (OSError, StoreError):
        return None
    predictions, targets, labels = arrays["predictions"], arrays["targets"], arrays.get("labels")
    if labels is None or not _are_probabilities(predictions, targets, len(labels)):
        return None
    return {
        "labels": texts.numbers([str(label) for label in labels]),
        "counts": _counts(predictions.argmax(axis=1), targets),
        "bins": _bins(predictions, targets),
    }


def _are_probabilities(predictions: Array, targets: Array, classes: int) -> bool:
    """Return whether there is a probability of each class for each target."""
    if predictions.ndim != 2 or predictions.dtype.kind != "f" or targets.dtype.kind not in "iu" or targets.ndim != 1:
        return False
    if not 2 <= classes <= MOST_CLASSES or predictions.shape != (len(targets), classes):
        return False
    return bool(((targets >= 0) & (targets < classes)).all() and ((predictions >= 0) & (predictions <= 1.001)).all())


def _counts(decisions: Array, targets: Array) -> list[list[int]]:
    import numpy as np

    pairs, numbers = np.unique(np.stack([targets, decisions]), axis=1, return_counts=True)
    return [[int(target), int(taken), int(number)] for (target, taken), number in zip(pairs.T, numbers, strict=True)]


def _bins(predictions: Array, targets: Array) -> list[list[Any]]:
    sure, right = predictions.max(axis=1), predictions.argmax(axis=1) == targets
    places = (sure * BINS).astype(int).clip(0, BINS - 1)
    found = [places == place for place in range(BINS)]
    return [
        [rounded(float(sure[inside].mean()), 3), rounded(float(right[inside].mean()), 3), int(inside.sum())]
        for inside in found
        if inside.any()
    ]


def latencies(row: Row, board: Path | None) -> dict[str, Any] | None:
    """Return a histogram of the single latencies of a row: `start` and `width` of a bar in ms, and `counts`."""
    raw = [] if board is None else sorted(single_values(row, board))
    if not raw:
        return None
    low, high = raw[0], raw[min(len(raw) - 1, int(CUT * len(raw)))]
    width = (high - low) / BARS or high / BARS
    counts = [0] * BARS
    for value in raw:
        if value <= high:
            counts[min(BARS - 1, int((value - low) / width))] += 1
    return {"start": rounded(low), "width": rounded(width), "counts": counts, "slower": sum(v > high for v in raw)}


def analyses(row: Row, board: Path | None, texts: Texts, pictures: bool) -> list[list[Any]]:
    """Return for each analysis of a row: label, `[name, number]` pairs, and its picture in base64 or an empty text."""
    return [
        [
            texts.number(label),
            [[texts.number(name), rounded(float(value))] for name, value in numbers.items()],
            _picture(row, board, label) if pictures else "",
        ]
        for label, numbers in row.analyses.items()
    ]


def _picture(row: Row, board: Path | None, label: str) -> str:
    picture = b"" if board is None else analysis_picture(row, board, label)
    # What is no PNG may be anything: a browser would guess.
    return base64.b64encode(picture).decode() if picture.startswith(PNG) else ""


def training(rows: Sequence[Row]) -> list[list[Any]]:
    """Return what is known of each training: number of the row, losses of parts, curve, and scores on its labels."""
    return [
        [
            number,
            [rounded(loss, 3) for loss in row.training_loss],
            [[steps, rounded(seconds, 3), rounded(score)] for steps, seconds, score in row.score_curve],
            [rounded(score) for score in row.training_scores],
        ]
        for number, row in enumerate(rows)
        if len(row.training_loss) > 1 or len(row.score_curve) > 1
    ]
