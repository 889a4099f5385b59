"""How much predictions vary, beside their targets."""

from __future__ import annotations

import numpy as np
import pytest

from tlbench.learning import Predictions
from tlbench.learning.metrics.variety import Tally, variety
from tlbench.learning.targets import Targets


def tally(*batches):
    made = Tally()
    for batch in batches:
        made.add(batch)
    return made


def of(values, counts=None):
    counts = np.ones(len(values), np.int64) if counts is None else np.array(counts)
    return Predictions(values, counts), Targets(values, counts)


def test_decisions_are_counted_over_batches_and_held_against_targets():
    predictions, _ = of(np.zeros((4, 2)))
    _, targets = of(np.array([0, 1, 1, 0]))
    found = variety(tally(np.array([1, 1]), np.array([1, 0])), predictions, targets)
    assert found == {"most_common_share": 0.75, "most_common_target_share": 0.5}


def test_sets_of_labels_are_decisions_too():
    decided = np.array([[True, False], [True, False], [False, False], [True, True]])
    found = variety(tally(decided), *of(np.array([[1, 0], [0, 0], [0, 1], [1, 1]])))
    assert found == {"most_common_share": 0.5, "most_common_target_share": 0.25}


def test_decisions_of_whole_examples_are_held_against_targets_of_whole_examples():
    """Two texts are transcribed alike, and each has several targets."""
    predictions, targets = of(np.array([1, 2, 1, 2, 3]), [2, 2, 1])
    found = variety(tally(["ab", "ab"], ["c"]), predictions, targets)
    assert found == {"most_common_share": pytest.approx(2 / 3), "most_common_target_share": pytest.approx(2 / 3)}


def test_numbers_have_a_spread_the_smallest_of_an_example_s():
    targets = np.array([[0.0, 0], [2, 4], [4, 8]], np.float32)
    found = variety(tally([]), of(targets * [1, 0.25])[0], of(targets)[1])
    assert found == {"prediction_spread": pytest.approx(0.25)}


def test_a_target_that_does_not_vary_has_no_spread():
    numbers = np.array([[1.0], [1]], np.float32)
    assert variety(tally([]), *of(numbers)) == {"prediction_spread": None}


def test_other_predictions_without_decisions_say_nothing():
    distances, labels = np.array([[0.1, 0.2], [0.3, 0.4]]), np.array([0, 1])
    assert variety(tally([]), of(distances)[0], of(labels)[1]) == {"prediction_spread": None}
