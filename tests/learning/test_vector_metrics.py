from __future__ import annotations

import numpy as np
import pytest
import sklearn.metrics
from scipy.spatial.distance import cdist
from support import weigh

from tlbench.learning.metrics import (
    macro_label_f1,
    mae,
    mean_average_precision,
    micro_label_f1,
    pixel_metrics,
    r2,
    rmse,
)
from tlbench.learning.targets import Targets


@pytest.fixture
def maps():
    """Four images of 30 pixels each with three labels, and guesses that are right for most pixels."""
    random = np.random.default_rng(0)
    truth = random.integers(3, size=120)
    guess = np.where(random.random(120) < 0.7, truth, random.integers(3, size=120))
    return Targets(truth, np.full(4, 30)), guess


@pytest.mark.parametrize("weights", [np.ones(4), np.array([0.0, 2.0, 1.0, 1.0])], ids=["alike", "resampled"])
def test_pixels_are_scored_as_by_scikit_learn(maps, weights):
    targets, guess = maps
    counted = {name: metric for name, metric in pixel_metrics(3).items() if name != "hausdorff-95"}
    scores = {name: weigh(metric, guess, targets)(weights) for name, metric in counted.items()}
    how = {"y_true": targets.values, "y_pred": guess, "sample_weight": np.repeat(weights, 30)}
    assert scores == pytest.approx(
        {
            "mean-iou": sklearn.metrics.jaccard_score(average="macro", **how),
            "dice": sklearn.metrics.f1_score(labels=[1, 2], average="macro", **how),
            "pixel-accuracy": sklearn.metrics.accuracy_score(**how),
        }
    )


def test_a_label_that_does_not_occur_does_not_count():
    targets, guess = Targets(np.array([0, 0, 1, 1]), np.array([4])), np.array([0, 1, 1, 1])
    scores = {name: weigh(metric, guess, targets)(np.ones(1)) for name, metric in pixel_metrics(5).items()}
    # The outline of label 1 is 3 pixels of one row, and 2 of them: 0, 0, 1, 0, 0.
    expected = {"mean-iou": (1 / 2 + 2 / 3) / 2, "dice": 4 / 5, "pixel-accuracy": 3 / 4, "hausdorff-95": 0.8}
    assert scores == pytest.approx(expected)


def test_background_alone_that_is_taken_for_background_is_all_right():
    targets = Targets(np.zeros(4, int), np.array([4]))
    assert weigh(pixel_metrics(2)["dice"], np.zeros(4, int), targets)(np.ones(1)) == 1.0


@pytest.mark.parametrize("weights", [np.ones(40), np.arange(40) % 3.0], ids=["alike", "resampled"])
def test_numbers_are_scored_as_by_scikit_learn(weights):
    random = np.random.default_rng(0)
    truth = random.normal(5, [1, 100], (40, 2)).astype(np.float32)
    guess = truth + random.normal(0, [0.5, 20], (40, 2)).astype(np.float32)
    targets = Targets(truth, np.ones(40, int))
    for metric, theirs in (
        (r2, sklearn.metrics.r2_score),
        (rmse, sklearn.metrics.root_mean_squared_error),
        (mae, sklearn.metrics.mean_absolute_error),
    ):
        expected = theirs(truth, guess, sample_weight=weights)
        assert weigh(metric, guess, targets)(weights) == pytest.approx(expected, rel=1e-5)


def test_a_number_that_never_varies_explains_nothing():
    targets = Targets(np.full((3, 1), 2.0, np.float32), np.ones(3, int))
    assert weigh(r2, np.full((3, 1), 2.0), targets)(np.ones(3)) == 0.0


@pytest.mark.parametrize("weights", [np.ones(60), np.arange(60) % 3.0], ids=["alike", "resampled"])
def test_several_labels_are_scored_as_by_scikit_learn(weights):
    random = np.random.default_rng(0)
    truth = (random.random((60, 3)) < [0.1, 0.4, 0.7]).astype(int)
    guess = np.clip(0.4 * truth + 0.6 * random.random((60, 3)), 0, 1)
    targets = Targets(truth, np.ones(60, int))
    three = (mean_average_precision, micro_label_f1, macro_label_f1)
    found = [weigh(metric, guess, targets)(weights) for metric in three]
    taken = {"y_true": truth, "y_pred": guess >= 0.5, "sample_weight": weights}
    assert found == pytest.approx(
        [
            sklearn.metrics.average_precision_score(truth, guess, average="macro", sample_weight=weights),
            sklearn.metrics.f1_score(average="micro", **taken),
            sklearn.metrics.f1_score(average="macro", **taken),
        ]
    )


def test_a_label_that_no_example_has_leaves_the_mean_precision_as_it_is():
    targets = Targets(np.array([[1, 0], [0, 0]]), np.ones(2, int))
    assert weigh(mean_average_precision, np.array([[0.9, 0.9], [0.1, 0.1]]), targets)(np.ones(2)) == 1.0


def outline_by_hand(mask):
    """Return the places of pixels with a neighbour outside the mask or outside the image."""
    padded = np.pad(mask, 1)
    return [
        (row, column)
        for row, column in np.argwhere(mask)
        if not all(padded[row + 1 + down, column + 1 + right] for down, right in ((0, 1), (1, 0), (0, -1), (-1, 0)))
    ]


def hausdorff_by_hand(found, there, labels, spacing=(1.0, 1.0)):
    """Return the distances of all labels of an image, from all pairs of pixels."""
    distances = []
    for label in range(1, labels):
        sides = [np.array(outline_by_hand(of == label)).reshape(-1, 2) * spacing for of in (found, there)]
        if all(map(len, sides)):
            pairs = cdist(*sides)
            distances.append(np.percentile(np.concatenate([pairs.min(1), pairs.min(0)]), 95))
        elif any(map(len, sides)):
            distances.append(np.hypot(*(np.array(found.shape) * spacing)))
    return distances


@pytest.mark.parametrize("spacing", [(), (0.5, 2.0)], ids=["pixels", "mm"])
def test_hausdorff_distances_are_those_of_all_pairs_of_pixels(spacing):
    draw = np.random.default_rng(0)
    maps = [(draw.integers(0, 3, shape), draw.integers(0, 3, shape)) for shape in ((5, 7), (9, 4), (1, 6))]
    maps += [(np.zeros((4, 4), int), np.eye(4, dtype=int)), (np.zeros((3, 3), int), np.zeros((3, 3), int))]
    blob = np.zeros((12, 12), int)
    blob[2:8, 3:9] = 1
    maps.append((np.roll(blob, 3, 1), blob))
    expected = [hausdorff_by_hand(found, there, 3, spacing or (1.0, 1.0)) for found, there in maps]
    targets = Targets(
        np.concatenate([there.ravel() for _, there in maps]),
        np.array([there.size for _, there in maps]),
        [[*there.shape, *spacing] for _, there in maps],
    )
    weights = np.array([1, 2, 0, 1, 3, 1.0])
    score = weigh(pixel_metrics(3)["hausdorff-95"], np.concatenate([found.ravel() for found, _ in maps]), targets)
    total = sum(weight * sum(part) for weight, part in zip(weights, expected, strict=True))
    count = sum(weight * len(part) for weight, part in zip(weights, expected, strict=True))
    assert score(weights) == pytest.approx(total / count, abs=1e-12)
    assert score(np.eye(6)[4]) == 0
