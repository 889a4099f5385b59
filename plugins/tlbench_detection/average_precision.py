"""Mean average precision of boxes, as COCO defines it (https://cocodataset.org/#detection-eval).

pycocotools finds which box is which true one. Precision and recall are added up here, because intervals weigh images:
an image of weight 2 counts as if it were there twice.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tlbench import Array
from tlbench.learning import Metric, PartlyDefined, Predictions, Targets, Vectorised
from tlbench_detection.peaks import MOST

OVERLAPS = tuple(np.linspace(0.5, 0.95, 10).tolist())
"""Intersections over union from which a box is right, 0.5 to 0.95 in steps of 0.05."""
RECALLS = np.linspace(0.0, 1.0, 101)
"""Recalls at which the precision is read."""
EVERYWHERE = [0.0, 1e10]
"""Areas of boxes that count: all."""
MOST_VALUES = 2**22
"""Numbers that are held at once: 32 MiB."""


@dataclass(frozen=True)
class Matches:
    """The boxes that were found of one class, the most probable first."""

    image: Array
    """`(B,)`: the image of each box."""
    right: Array
    """`(T, B)` bool: whether it is on a true box, at each overlap."""
    ignored: Array
    """`(T, B)` bool: whether it is on a crowd."""
    true: Array
    """`(N,)`: how many true boxes of the class each image has, without crowds."""


def mean_average_precision(classes: int, overlaps: Sequence[float] = OVERLAPS) -> Metric:
    """Return the metric: the mean of average precisions over overlaps and the classes that are there.

    It is undefined, and 0, for images without a true box.
    """

    def metric(predictions: Predictions, targets: Targets) -> PartlyDefined:
        matches = matches_of(predictions, targets, classes, overlaps)
        true = np.stack([of_class.true for of_class in matches]).sum(0)

        def many(weights: Array) -> Array:
            step = max(1, MOST_VALUES // max(1, max(len(of_class.image) for of_class in matches)))
            parts = [_scores(matches, weights[start : start + step]) for start in range(0, len(weights), step)]
            return np.concatenate(parts)

        return PartlyDefined(
            score=Vectorised(many), defined=Vectorised(lambda weights: weights @ true > 0), by_targets=True
        )

    return metric


def _scores(matches: Sequence[Matches], weights: Array) -> Array:
    """Return the scores `(D,)` for weights of images `(D, N)`."""
    there = np.stack([weights @ of_class.true > 0 for of_class in matches])
    each = np.stack([average_precisions(of_class, weights) for of_class in matches])
    scores: Array = (each * there).sum(0) / np.maximum(1, there.sum(0))
    return scores


def average_precisions(matches: Matches, weights: Array) -> Array:
    """Return the mean over overlaps of the average precision of one class `(D,)`, for weights of images `(D, N)`.

    Between two right boxes the recall does not change and the precision falls: only right boxes have to be looked at.
    """
    total = np.maximum(weights @ matches.true, np.spacing(1))[:, None]
    of_box, summed = weights[:, matches.image], np.zeros(len(weights))
    for right, ignored in zip(matches.right, matches.ignored, strict=True):
        places = np.flatnonzero(right & ~ignored)
        hits = np.cumsum(of_box[:, places], 1)
        found = np.cumsum(of_box * ~ignored, 1)[:, places]
        precision = hits / (found + np.spacing(1))
        best_behind = np.maximum.accumulate(precision[:, ::-1], 1)[:, ::-1]
        reached = np.searchsorted(RECALLS, hits / total, side="right")
        summed += (best_behind * np.diff(reached, axis=1, prepend=0)).sum(1) / len(RECALLS)
    return summed / len(matches.right)


def matches_of(predictions: Predictions, targets: Targets, classes: int, overlaps: Sequence[float]) -> list[Matches]:
    """Return for each class which boxes that were found are true ones."""
    from pycocotools.cocoeval import COCOeval

    with contextlib.redirect_stdout(io.StringIO()):  # pycocotools tells of every step
        evaluation = COCOeval(_coco(_true(targets), len(targets), classes), None, "bbox")
        evaluation.cocoDt = _coco(_found(predictions), len(targets), classes)
        parameters = evaluation.params
        parameters.iouThrs, parameters.maxDets = np.array(overlaps), [MOST]
        parameters.areaRng, parameters.areaRngLbl = [EVERYWHERE], ["all"]
        parameters.imgIds, parameters.catIds = list(range(len(targets))), list(range(classes))
        evaluation.evaluate()
    starts = range(0, classes * len(targets), len(targets))
    return [_joined(evaluation.evalImgs[start : start + len(targets)], len(overlaps)) for start in starts]


def _joined(images: Iterable[Any], overlaps: int) -> Matches:
    """Return the matches of one class, of what pycocotools says of each image."""
    place, scores = [np.zeros(0, np.int64)], [np.zeros(0)]
    right, ignored = [np.zeros((overlaps, 0), bool)], [np.zeros((overlaps, 0), bool)]
    true = []
    for number, image in enumerate(images):
        true.append(0 if image is None else int((np.asarray(image["gtIgnore"]) == 0).sum()))
        if image is not None:
            place.append(np.full(len(image["dtScores"]), number))
            scores.append(np.asarray(image["dtScores"], np.float64))
            right.append(np.asarray(image["dtMatches"]) > 0)
            ignored.append(np.asarray(image["dtIgnore"]) > 0)
    order = np.argsort(-np.concatenate(scores), kind="stable")
    return Matches(
        np.concatenate(place)[order],
        np.concatenate(right, 1)[:, order],
        np.concatenate(ignored, 1)[:, order],
        np.array(true),
    )


def _coco(annotations: list[dict[str, Any]], images: int, classes: int) -> Any:
    from pycocotools.coco import COCO

    made = COCO()
    made.dataset = {
        "images": [{"id": number} for number in range(images)],
        "categories": [{"id": number, "name": str(number)} for number in range(classes)],
        "annotations": [{"id": number, **one} for number, one in enumerate(annotations, 1)],
    }
    made.createIndex()
    return made


def _true(targets: Targets) -> list[dict[str, Any]]:
    """Return true boxes `(K, 6)`: class, corners, crowd."""
    images = np.repeat(np.arange(len(targets)), targets.counts)
    rows = zip(images.tolist(), targets.values.astype(np.float64).tolist(), strict=True)
    return [{**_box(image, row[0], row[1:5]), "iscrowd": int(row[5])} for image, row in rows]


def _found(predictions: Predictions) -> list[dict[str, Any]]:
    """Return boxes that were found `(K, 6)`: class, probability, corners."""
    images = np.repeat(np.arange(len(predictions)), predictions.counts)
    rows = zip(images.tolist(), predictions.values.astype(np.float64).tolist(), strict=True)
    return [{**_box(image, row[0], row[2:]), "score": row[1]} for image, row in rows]


def _box(image: int, label: float, corners: Sequence[float]) -> dict[str, Any]:
    left, top, right, bottom = corners
    width, height = right - left, bottom - top
    return {
        "image_id": image,
        "category_id": int(label),
        "bbox": [left, top, width, height],
        "area": width * height,
        "iscrowd": 0,
    }
