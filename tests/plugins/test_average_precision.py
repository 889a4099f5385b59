"""Mean average precision against faster-coco-eval and pycocotools themselves, on random boxes and at the edges."""

from __future__ import annotations

import contextlib
import io

import numpy as np
import pytest

pytest.importorskip("pycocotools", reason="needs the extra detection")
pytest.importorskip("faster_coco_eval", reason="compares with faster-coco-eval")
import faster_coco_eval
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from tlbench.learning import Predictions, Targets
from tlbench.learning.metrics.metric import for_many, score_if_defined
from tlbench_detection.average_precision import mean_average_precision

LIBRARIES = {
    "faster-coco-eval": (faster_coco_eval.COCO, faster_coco_eval.COCOeval_faster),
    "pycocotools": (COCO, COCOeval),
}
SIDE = 320
"""Libraries take pixels; overlaps do not depend on the unit."""


def made(found, true):
    """Return predictions and targets of lists of boxes, one list for each image."""
    tables = [[np.reshape(np.array(boxes, np.float32), (-1, 6)) for boxes in images] for images in (found, true)]
    counts = [np.array([len(boxes) for boxes in images], np.int64) for images in tables]
    return Predictions(np.concatenate(tables[0]), counts[0]), Targets(np.concatenate(tables[1]), counts[1])


def by_library(name, predictions, targets, classes):
    """Return mAP 50:95 and mAP 50 of a library, -1 if there is no true box."""
    coco, evaluation = LIBRARIES[name]
    images = range(len(targets))
    common = {
        "info": {},
        "images": [{"id": image + 1, "width": SIDE, "height": SIDE, "file_name": str(image)} for image in images],
        "categories": [{"id": label + 1, "name": str(label)} for label in range(classes)],
    }
    true, found = [], []
    for image, boxes in enumerate(targets.split(), 1):
        true += [{**entry(image, row[0], row[1:5]), "iscrowd": int(row[5])} for row in boxes.astype(float)]
    for image, boxes in enumerate(predictions.split(), 1):
        found += [{**entry(image, row[0], row[2:]), "score": row[1]} for row in boxes.astype(float)]
    for entries in (true, found):
        for number, one in enumerate(entries, 1):
            one["id"] = number
    with contextlib.redirect_stdout(io.StringIO()):
        known = coco()
        known.dataset = {**common, "annotations": true}
        known.createIndex()
        results = coco()
        results.dataset = {**common, "annotations": found}
        results.createIndex()
        run = evaluation(known, results, "bbox")
        run.evaluate()
        run.accumulate()
        run.summarize()
    return float(run.stats[0]), float(run.stats[1])


def entry(image, label, corners):
    left, top, right, bottom = (SIDE * corner for corner in corners)
    box = [left, top, right - left, bottom - top]
    return {"image_id": image, "category_id": int(label) + 1, "bbox": box, "area": box[2] * box[3], "iscrowd": 0}


def own(predictions, targets, classes):
    metrics = (mean_average_precision(classes), mean_average_precision(classes, overlaps=(0.5,)))
    return tuple(metric(predictions, targets)(np.ones(len(targets))) for metric in metrics)


def random_boxes(seed, images=30, classes=4, ties=False, crowds=False):
    """Return boxes near true ones, boxes anywhere, and images without; corners are multiples of 1/64, so that overlaps
    do not depend on rounding."""
    random = np.random.default_rng(seed)
    found, true = [], []
    for _ in range(images):
        known = []
        for _ in range(random.integers(0, 6)):
            left, top = random.integers(0, 40, 2)
            width, height = random.integers(6, 24, 2)
            crowd = int(crowds and random.random() < 0.3)
            known.append([random.integers(classes), left, top, left + width, top + height, crowd])
        guesses = []
        for box in known:
            for _ in range(random.integers(0, 3)):
                corners = np.array(box[1:5]) + random.integers(-3, 4, 4)
                label = box[0] if random.random() < 0.8 else random.integers(classes)
                guesses.append([label, random.random(), *corners])
        for _ in range(random.integers(0, 3)):
            left, top = random.integers(0, 50, 2)
            guesses.append([random.integers(classes), random.random(), left, top, left + 8, top + 8])
        if ties:
            guesses = [[label, round(score, 1), *corners] for label, score, *corners in guesses]
        valid = [box for box in guesses if box[4] > box[2] and box[5] > box[3]]
        found.append([[box[0], box[1], *(corner / 64 for corner in box[2:])] for box in valid])
        true.append([[box[0], *(corner / 64 for corner in box[1:5]), box[5]] for box in known])
    return made(found, true)


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize(
    "case",
    [
        *({"seed": seed} for seed in range(6)),
        {"seed": 6, "crowds": True},
        {"seed": 7, "crowds": True, "ties": True},
        {"seed": 8, "ties": True},
        {"seed": 9, "classes": 1},
        {"seed": 10, "images": 1},
    ],
    ids=str,
)
def test_random_boxes_score_as_with_libraries(library, case):
    predictions, targets = random_boxes(**case)
    classes = case.get("classes", 4)
    assert own(predictions, targets, classes) == pytest.approx(
        by_library(library, predictions, targets, classes), abs=1e-9
    )


TRUE = [0, 0.1, 0.1, 0.4, 0.4, 0]
EDGES = {
    "nothing found": ([[], []], [[TRUE], []], 0.0),
    "an empty image alone is right": ([[[0, 0.9, 0.1, 0.1, 0.4, 0.4]], []], [[TRUE], []], 1.0),
    "a box in an empty image": ([[[0, 0.5, 0.1, 0.1, 0.4, 0.4]], [[0, 0.9, 0, 0, 1, 1]]], [[TRUE], []], 0.5),
    "one true box found twice": ([[[0, 0.9, 0.1, 0.1, 0.4, 0.4], [0, 0.8, 0.1, 0.1, 0.4, 0.4]]], [[TRUE]], 1.0),
    "another class": ([[[1, 0.9, 0.1, 0.1, 0.4, 0.4]]], [[TRUE]], 0.0),
    "a crowd does not count": (
        [[[0, 0.95, 0.6, 0.6, 0.7, 0.7], [0, 0.9, 0.1, 0.1, 0.4, 0.4]]],
        [[TRUE, [0, 0.5, 0.5, 0.9, 0.9, 1]]],
        1.0,
    ),
    "equal scores": ([[[0, 0.5, 0.1, 0.1, 0.4, 0.4]], [[0, 0.5, 0.5, 0.5, 0.9, 0.9]]], [[TRUE], []], 1.0),
}


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("name", EDGES)
def test_edges_score_as_with_libraries(library, name):
    found, true, score = EDGES[name]
    predictions, targets = made(found, true)
    assert own(predictions, targets, 2) == pytest.approx(by_library(library, predictions, targets, 2), abs=1e-9)
    assert own(predictions, targets, 2)[1] == pytest.approx(score, abs=1e-9)


def test_without_a_true_box_there_is_no_score():
    predictions, targets = made([[[0, 0.9, 0, 0, 1, 1]], []], [[], []])
    assert by_library("pycocotools", predictions, targets, 2) == (-1, -1)
    metric = mean_average_precision(2)(predictions, targets)
    assert score_if_defined(metric, np.ones(2)) is None
    assert metric(np.ones(2)) == 0


@pytest.mark.parametrize("seed", range(3))
def test_weights_are_repeated_images(seed):
    predictions, targets = random_boxes(seed, crowds=True)
    weights = np.random.default_rng(seed).integers(0, 4, (5, len(targets))).astype(float)
    metric = mean_average_precision(4)(predictions, targets)
    boxes = list(zip(predictions.split(), targets.split(), strict=True))
    for each, score in zip(weights, for_many(metric.score, weights), strict=True):
        drawn = [boxes[place] for place in np.repeat(np.arange(len(targets)), each.astype(int))]
        again = made(*zip(*drawn, strict=True))
        assert score == pytest.approx(own(*again, 4)[0], abs=1e-9)
        assert score == pytest.approx(by_library("pycocotools", *again, 4)[0], abs=1e-9)
