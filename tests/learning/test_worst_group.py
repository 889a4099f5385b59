"""Groups of examples in scores: the worst group, and which examples have no score."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.stats
import sklearn.metrics
from support import weigh

from tlbench.errors import ContractError
from tlbench.learning import PartlyDefined, metrics
from tlbench.learning.metrics.metric import score_if_defined
from tlbench.learning.targets import Targets


def one_hot(labels, classes=2):
    return np.eye(classes, dtype=np.float32)[labels]


def mean_of(values):
    """The weighted mean of a value for each example."""
    return lambda weights: float(np.average(values, weights=weights))


def test_the_worst_group_has_the_lowest_score_of_those_with_twenty_examples():
    groups = np.repeat(["anna", "ben", "carl", "dora"], [20, 40, 30, 19])
    values = np.concatenate([[1] * 15 + [0] * 5, [1] * 20 + [0] * 20, [1] * 27 + [0] * 3, [0] * 19])
    worst = metrics.worst_group(mean_of(values), groups)
    assert (worst.name, worst.score, worst.size) == ("ben", 0.5, 40)
    alone = metrics.proportion(values[20:60] == 1)
    units = metrics.Resampled.examples(40)
    expected = metrics.score_interval(mean_of(values[20:60]), units, 0.5, metrics.score_draws(alone, units))
    assert (worst.low, worst.high) == pytest.approx((expected.low, expected.high))


def test_the_interval_of_the_worst_group_is_wilson_s_if_its_score_is_a_proportion():
    right = np.array([1] * 20 + [1] * 19 + [0])
    worst = metrics.worst_group(metrics.proportion(right == 1), np.repeat(["a", "b"], 20))
    expected = scipy.stats.binomtest(19, 20).proportion_ci(0.95, "wilson")
    assert (worst.name, worst.low, worst.high) == ("b", pytest.approx(expected.low), pytest.approx(expected.high))


def test_of_equal_groups_the_first_by_name_is_the_worst_and_of_small_ones_none():
    groups = np.array(["b", "a"] * 20)
    assert metrics.worst_group(mean_of(np.ones(40)), groups).name == "a"
    assert metrics.worst_group(mean_of(np.ones(38)), groups[:38]) is None


def test_a_group_of_one_class_alone_is_not_the_worst_by_auroc():
    """`sick` has one label, for which AUROC is 0 by convention; `mixed` has .75 by hand."""
    groups = np.repeat(["mixed", "sick", "well"], 20)
    labels = np.concatenate([np.tile([0, 1, 0, 1], 5), np.ones(20, int), np.tile([0, 1], 10)])
    scores = np.concatenate([np.tile([0.1, 0.2, 0.3, 0.4], 5), np.zeros(20), labels[40:]])
    weighted = weigh(metrics.area_under_roc, np.stack([1 - scores, scores], 1), Targets.of(labels))
    worst = metrics.worst_group(weighted, groups)
    assert (worst.name, worst.score) == ("mixed", 0.75)
    assert weighted((groups == "sick").astype(float)) == 0.0


def test_a_group_whose_score_is_nan_is_not_the_worst():
    groups = np.repeat(["a", "b"], 20)
    weighted = lambda weights: float("nan") if weights[0] else 0.5  # noqa: E731
    assert metrics.worst_group(weighted, groups).name == "b"


UNITS = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4], [0.3, 0.7]], np.float32)
TAGS = ("O", "B-X")
MANY = Targets(np.array([[1, 0], [1, 1], [0, 0], [1, 0]]), np.ones(4, np.int64))
NUMBERS = Targets(np.array([[0.1], [0.1], [0.1], [2.0]]), np.ones(4, np.int64))
ONES = np.array([1.0, 1.0, 1.0, 1.0])


@pytest.mark.parametrize(
    ("weighted", "without"),
    [
        (weigh(metrics.average_precision, UNITS, Targets.of([0, 1, 1, 1])), [0, 1, 1, 1]),
        (weigh(metrics.area_under_roc, UNITS, Targets.of([0, 1, 0, 0])), [1, 0, 1, 1]),
        (weigh(metrics.r2, UNITS[:, :1], NUMBERS), [1, 1, 1, 0]),
        (weigh(metrics.mean_average_precision, UNITS, MANY), [0, 0, 1, 0]),
        (weigh(metrics.macro_label_f1, UNITS > 1, MANY), [1, 0, 1, 1]),
        (weigh(metrics.micro_label_f1, UNITS > 1, MANY), [0, 0, 1, 0]),
    ],
    ids=["average-precision", "auroc", "r2", "mean-average-precision", "macro-f1", "micro-f1"],
)
def test_shipped_metrics_say_for_which_examples_they_have_no_score(weighted, without):
    assert isinstance(weighted, PartlyDefined)
    assert score_if_defined(weighted, ONES) == weighted(ONES)
    assert score_if_defined(weighted, np.array(without, float)) is None


@pytest.mark.parametrize(("name", "without"), [("f1", [0, 0, 1]), ("precision", [1, 0, 1]), ("recall", [0, 1, 1])])
def test_sentences_without_entities_have_no_score_of_entities(name, without):
    """The second sentence has one that was found, the first one that was not, the third neither."""
    pytest.importorskip("seqeval")
    guess, truth = [[0], [1], [0]], [[1], [0], [0]]
    weighted = weigh(metrics.entity_metrics(TAGS)[f"entity-{name}"], one_hot(np.concatenate(guess)), Targets.of(truth))
    assert score_if_defined(weighted, np.ones(3)) == 0.0
    assert score_if_defined(weighted, np.array(without, float)) is None


def test_a_formula_of_sums_is_a_score_of_weighted_examples():
    """F1 of counts (right, found and there)."""
    statistics = np.array([[1, 2], [0, 1], [2, 4]])
    weighted = metrics.from_statistics(statistics, lambda sums: 2 * sums[0] / sums[1])
    assert weighted(np.ones(3)) == pytest.approx(6 / 7)
    assert weighted(np.array([2.0, 0, 1])) == 1.0
    with pytest.raises(ContractError, match=r"shape \(3,\); expected \(N, S\)"):
        metrics.from_statistics(np.ones(3), float)


def test_a_metric_without_weights_sees_an_example_as_often_as_it_counts():
    random = np.random.default_rng(2)
    truth, guess = random.integers(3, size=(2, 50))
    plain = metrics.from_positions(lambda chosen: sklearn.metrics.cohen_kappa_score(truth[chosen], guess[chosen]), 50)
    weights = random.multinomial(50, np.full(50, 1 / 50)).astype(float)
    expected = sklearn.metrics.cohen_kappa_score(truth, guess, sample_weight=weights)
    assert plain(weights) == pytest.approx(expected)
    seen = []
    metrics.from_positions(lambda chosen: seen.extend(chosen.tolist()) or 0.0, 4)(np.array([0, 2.0, 1, 0]))
    assert seen == [1, 1, 2]


@pytest.mark.parametrize(
    ("weights", "says"),
    [
        ([0.5, 1, 1], "whole numbers"),
        ([-1, 1, 1], "whole numbers"),
        ([math.nan, 1, 1], "whole numbers"),
        ([1, 1], r"shape \(2,\); expected \(3,\)"),
    ],
)
def test_weights_that_no_repetition_can_give_are_refused(weights, says):
    with pytest.raises(ContractError, match=says):
        metrics.from_positions(lambda chosen: 0.0, 3)(np.array(weights, float))
