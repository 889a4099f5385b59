"""Intervals of scores, and the scores of resampled test sets that they are made of."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.stats
from support import weigh

from tlbench.errors import ContractError
from tlbench.learning import PartlyDefined, from_positions, metrics, proportion
from tlbench.learning.metrics import Resampled, intervals
from tlbench.learning.metrics.metric import Vectorised, scores_of
from tlbench.learning.targets import Targets


def mean_of(values):
    """The weighted mean of a value for each example, as a plugin writes it."""
    return lambda weights: float(np.average(values, weights=weights))


def interval_of(weighted, units, size):
    return metrics.score_interval(weighted, units, weighted(np.ones(size)), metrics.score_draws(weighted, units))


def one_hot(labels, classes=2):
    return np.eye(classes, dtype=np.float32)[labels]


UNIT = Targets.of([0, 1, 1, 0, 2, 1, 0, 1])
WORDS = Targets.of([[0, 1], [2], [1, 1, 0], [], [0], [1, 2]])
RANDOM = np.random.default_rng(5)
PROBABILITIES = RANDOM.dirichlet(np.ones(3), 9).astype(np.float32)
NUMBERS = Targets(RANDOM.normal(size=(8, 2)), np.ones(8, np.int64))
MANY = Targets(RANDOM.integers(0, 2, (8, 3)), np.ones(8, np.int64))
MAPS = Targets.of(RANDOM.integers(0, 3, (8, 10)))
WEIGHED = {
    **{
        f"{name}, {kind}": weigh(getattr(metrics, name), PROBABILITIES[: len(targets.values)], targets)
        for name in (
            *("accuracy", "balanced_accuracy", "macro_f1", "macro_precision", "macro_recall", "calibration_error"),
            *("negative_log_likelihood", "average_precision", "area_under_roc"),
        )
        for kind, targets in {"units": UNIT, "words": WORDS}.items()
    },
    **{name: weigh(getattr(metrics, name), RANDOM.normal(size=(8, 2)), NUMBERS) for name in ("r2", "rmse", "mae")},
    **{
        name: weigh(getattr(metrics, name), RANDOM.random((8, 3)), MANY)
        for name in ("mean_average_precision", "micro_label_f1", "macro_label_f1")
    },
    **{name: weigh(metric, RANDOM.integers(0, 3, 80), MAPS) for name, metric in metrics.pixel_metrics(3).items()},
    "perplexity": weigh(metrics.perplexity, -RANDOM.random(9), WORDS),
    "statistics": metrics.from_statistics(RANDOM.random((8, 2)), lambda sums: sums[0] / sums[1]),
}


@pytest.mark.parametrize("name", WEIGHED)
def test_many_draws_at_once_score_as_each_alone_and_as_repeated_examples(name):
    weighted = WEIGHED[name]
    size = 6 if name.endswith("words") or name == "perplexity" else 8
    weights = np.random.default_rng(6).integers(0, 3, (40, size)).astype(np.float64)
    together = scores_of(weighted, weights)
    alone = np.array([scores_of(weighted, each[None])[0] for each in weights])
    assert together == pytest.approx(alone, nan_ok=True, rel=0, abs=1e-14)
    assert np.isfinite(together).sum() > 10


def test_draws_depend_on_the_number_of_examples_alone(monkeypatch):
    whole = np.concatenate([*Resampled.examples(7).draws()])
    monkeypatch.setattr(intervals, "MOST_WEIGHTS", 7 * 130)
    assert np.array_equal(np.concatenate([*Resampled.examples(7).draws()]), whole)
    assert whole.shape == (2000, 7)
    assert set(whole.sum(1)) == {7.0}
    # Each is drawn as often as any other: 2,000 +- 4 standard deviations.
    assert np.abs(whole.sum(0) - 2000).max() < 4 * math.sqrt(2000 * 6 / 7)
    # The first draws for 5 and 7 examples, which must be the same in every version of numpy.
    first = [next(iter(Resampled.examples(size).draws()))[0].astype(int).tolist() for size in (5, 7)]
    assert first == FIRST


FIRST = [[2, 1, 0, 1, 1], [2, 1, 0, 0, 2, 1, 1]]


def test_groups_are_drawn_whole_and_as_many_as_there_are():
    names = np.repeat(["b", "a", "c"], [5, 2, 1])
    weights = np.concatenate([*Resampled.groups(names).draws()])
    each = np.stack([weights[:, names == name].min(1) for name in "abc"], 1)
    assert np.array_equal(each, np.stack([weights[:, names == name].max(1) for name in "abc"], 1))
    assert set(each.sum(1)) == {3.0}


def test_groups_of_one_example_are_numbered_by_their_names():
    (weights, *_) = Resampled.groups(np.array(["c", "a", "b"])).draws()
    (expected, *_) = Resampled.examples(3).draws()
    assert np.array_equal(weights, expected[:, [2, 0, 1]])


def test_the_draws_of_two_models_are_paired():
    """Two models that err on the same half of the examples differ by the other half in every draw."""
    units = Resampled.examples(100)
    right = np.arange(100) < 60
    first, second = (metrics.score_draws(proportion(holds), units) for holds in (right, right & (np.arange(100) != 3)))
    weights = np.concatenate([*units.draws()])
    assert first - second == pytest.approx(weights[:, 3] / 100)


@pytest.mark.parametrize(("right", "size"), [(0, 20), (10, 20), (19, 20), (20, 20), (397, 400), (1, 1)])
def test_the_interval_of_a_proportion_is_wilson_s(right, size):
    found = interval_of(proportion(np.arange(size) < right), Resampled.examples(size), size)
    expected = scipy.stats.binomtest(right, size).proportion_ci(0.95, "wilson")
    assert (found.method, found.low, found.high) == (
        "wilson",
        pytest.approx(expected.low),
        pytest.approx(expected.high),
    )


def test_accuracy_is_a_proportion_of_examples_but_not_of_words_and_not_of_groups():
    units, words = weigh(metrics.accuracy, PROBABILITIES[:8], UNIT), weigh(metrics.accuracy, PROBABILITIES, WORDS)
    assert interval_of(units, Resampled.examples(8), 8).method == "wilson"
    assert interval_of(words, Resampled.examples(6), 6).method == "bca"
    assert interval_of(units, Resampled.groups(np.arange(8) // 2), 8).method != "wilson"


@pytest.mark.parametrize("holds", [np.ones((2, 2), bool), np.ones(3)])
def test_a_proportion_is_of_one_yes_or_no_an_example(holds):
    with pytest.raises(ContractError, match=r"expected bool \(N,\)"):
        proportion(holds)


@pytest.mark.parametrize("function", [np.mean, np.std, lambda values, axis=-1: np.exp(np.mean(values, axis=axis))])
def test_other_intervals_are_the_bca_of_scipy(function):
    """Of the same draws; scipy takes them as those that it made before."""
    values = np.random.default_rng(1).exponential(size=30)
    weighted = from_positions(lambda chosen: function(values[chosen]), 30)
    units = Resampled.examples(30)
    draws = metrics.score_draws(weighted, units)

    class Before:
        bootstrap_distribution = draws

    expected = scipy.stats.bootstrap(
        (values,), function, n_resamples=0, bootstrap_result=Before(), method="BCa", vectorized=True
    ).confidence_interval
    found = metrics.score_interval(weighted, units, weighted(np.ones(30)), draws)
    assert (found.method, found.low, found.high) == ("bca", pytest.approx(expected.low), pytest.approx(expected.high))


def test_many_units_are_not_left_out_one_by_one(monkeypatch):
    monkeypatch.setattr(intervals, "DRAWS", 300)
    values = np.random.default_rng(1).random(301)
    calls = []
    weighted = Vectorised(lambda weights: calls.append(len(weights)) or weights @ values / weights.sum(1))
    found = interval_of(weighted, Resampled.examples(301), 301)
    assert (found.method, sum(calls)) == ("percentile", 301)
    half = 1.96 * values.std() / math.sqrt(301)
    assert (found.low, found.high) == pytest.approx((values.mean() - half, values.mean() + half), abs=0.005)


@pytest.mark.parametrize("score", [0.0, 0.5, 1.0])
def test_draws_that_all_give_the_same_make_no_interval_without_width(score):
    """An AUROC of 1 on 20 examples is no surer than 20 right answers of 20."""
    expected = scipy.stats.binomtest(round(20 * score), 20).proportion_ci(0.95, "wilson")
    found = interval_of(lambda weights: score, Resampled.examples(20), 20)
    assert (found.method, found.low, found.high) == (
        "wilson",
        pytest.approx(expected.low),
        pytest.approx(expected.high),
    )


def test_an_interval_of_groups_that_are_all_right_is_as_wide_as_their_number_is_small():
    groups = np.repeat(np.arange(4), 25)
    found = interval_of(proportion(np.ones(100, bool)), Resampled.groups(groups), 100)
    assert found.low == pytest.approx(scipy.stats.binomtest(4, 4).proportion_ci(0.95, "wilson").low)


def test_draws_without_a_score_do_not_count():
    """One group alone has both labels; where it is not drawn there is no AUROC, which would count as 0."""
    weighted = weigh(metrics.area_under_roc, one_hot([0, 1, 0, 0]), Targets.of([0, 1, 0, 0]))
    assert isinstance(weighted, PartlyDefined)
    units = Resampled.groups(np.array(["a", "a", "b", "c"]))
    draws = metrics.score_draws(weighted, units)
    assert set(draws[~np.isnan(draws)]) == {1.0}
    # Of three groups one is missing in (2 / 3) ** 3 = 0.30 of the draws.
    assert np.isnan(draws).mean() == pytest.approx(8 / 27, abs=0.04)
    assert metrics.score_interval(weighted, units, 1.0, draws).low < 0.5


def test_a_score_that_is_never_defined_has_an_interval_none_the_less():
    weighted = PartlyDefined(lambda weights: 0.0, lambda weights: False)
    found = interval_of(weighted, Resampled.examples(4), 4)
    assert (found.low, 0.4 < found.high < 0.6) == (0.0, True)


def test_an_interval_contains_its_score():
    draws = np.linspace(0.2, 0.4, 2000)
    for score in (0.1, 0.9):
        found = metrics.score_interval(mean_of(np.arange(5)), Resampled.examples(5), score, draws)
        assert found.low <= score <= found.high


def test_r2_of_a_number_that_is_always_the_same_is_zero_though_its_mean_is_rounded():
    """The mean of three times 0.1 is 0.10000000000000002."""
    targets = Targets(np.full((3, 1), 0.1), np.ones(3, np.int64))
    assert weigh(metrics.r2, np.array([[0.1], [0.2], [0.3]]), targets)(np.ones(3)) == 0.0
