from __future__ import annotations

import functools
import math

import numpy as np
import pytest
import sklearn.metrics
from support import weigh

from tlbench.errors import ContractError
from tlbench.learning import metrics
from tlbench.learning.targets import Predictions, Targets


def drawn(seed, size=80, classes=4):
    """Random probabilities and targets; the last class may be missing."""
    random = np.random.default_rng(seed)
    probabilities = random.dirichlet(np.ones(classes), size).astype(np.float32)
    return probabilities, Targets.of(random.integers(random.integers(2, classes + 1), size=size))


def scored(metric, probabilities, targets):
    return weigh(metric, probabilities, targets)(np.ones(len(targets)))


def one_hot(labels, classes):
    return np.eye(classes, dtype=np.float32)[labels]


seeds = pytest.mark.parametrize("seed", range(5))


@seeds
@pytest.mark.parametrize(
    ("metric", "expected_score"),
    [
        (metrics.accuracy, sklearn.metrics.accuracy_score),
        (metrics.balanced_accuracy, sklearn.metrics.balanced_accuracy_score),
        (metrics.macro_f1, lambda t, p, **k: sklearn.metrics.f1_score(t, p, average="macro", zero_division=0, **k)),
        (
            metrics.macro_precision,
            lambda t, p, **k: sklearn.metrics.precision_score(t, p, average="macro", zero_division=0, **k),
        ),
        (
            metrics.macro_recall,
            lambda t, p, **k: sklearn.metrics.recall_score(t, p, average="macro", zero_division=0, **k),
        ),
    ],
)
@pytest.mark.filterwarnings("ignore:y_pred contains classes not in y_true")
def test_scores_of_decisions_equal_those_of_scikit_learn_also_when_weighted(seed, metric, expected_score):
    probabilities, targets = drawn(seed)
    decided = probabilities.argmax(1)
    assert scored(metric, probabilities, targets) == pytest.approx(expected_score(targets.values, decided))
    weights = np.random.default_rng(seed + 100).integers(0, 4, len(targets))
    expected = expected_score(targets.values[weights > 0], decided[weights > 0], sample_weight=weights[weights > 0])
    assert weigh(metric, probabilities, targets)(weights.astype(float)) == pytest.approx(expected)


@seeds
def test_log_likelihood_equals_scikit_learn_s(seed):
    probabilities, targets = drawn(seed)
    exact = probabilities / probabilities.sum(1, keepdims=True, dtype=float)
    expected = sklearn.metrics.log_loss(targets.values, exact, labels=range(4))
    assert scored(metrics.negative_log_likelihood, probabilities, targets) == pytest.approx(expected, rel=1e-5)


def test_an_impossible_target_costs_a_finite_number():
    found = scored(metrics.negative_log_likelihood, one_hot([0], 2), Targets.of([1]))
    assert found == pytest.approx(-math.log(1e-12))


@seeds
@pytest.mark.parametrize(
    ("metric", "expected_score"),
    [
        (metrics.average_precision, sklearn.metrics.average_precision_score),
        (metrics.area_under_roc, sklearn.metrics.roc_auc_score),
    ],
)
def test_ranking_scores_are_those_of_label_one(seed, metric, expected_score):
    probabilities, targets = drawn(seed, classes=2)
    expected = expected_score(targets.values, probabilities[:, 1])
    assert scored(metric, probabilities, targets) == pytest.approx(expected)


RANKED = {
    metrics.average_precision: sklearn.metrics.average_precision_score,
    metrics.area_under_roc: sklearn.metrics.roc_auc_score,
}


def ranked(seed, size=300):
    """Probabilities of which many are equal, targets of zero to two units for each example, and weights of examples."""
    random = np.random.default_rng(seed)
    truth = [random.integers(2, size=random.integers(3)) for _ in range(size)]
    high = np.round(np.clip(random.normal(np.concatenate(truth), 1.0), 0, 1), 1 + seed)
    return np.stack([1 - high, high], 1).astype(np.float32), Targets.of(truth), random.integers(0, 4, size)


@seeds
@pytest.mark.parametrize(("metric", "expected_score"), RANKED.items())
def test_weighted_ranking_scores_equal_those_of_scikit_learn(seed, metric, expected_score):
    probabilities, targets, weights = ranked(seed)
    unit = np.repeat(weights, targets.counts)
    expected = expected_score(targets.values, probabilities[:, 1], sample_weight=unit)
    assert weigh(metric, probabilities, targets)(weights.astype(float)) == pytest.approx(expected, rel=0, abs=1e-12)


@seeds
def test_the_weighted_mean_average_precision_equals_scikit_learn_s(seed):
    probabilities, targets, weights = ranked(seed)
    labels, values = targets.values.reshape(-1, 1) == [[0, 1]], np.concatenate([probabilities, probabilities])
    many = Targets(np.concatenate([labels, 1 - labels]).astype(np.int64), np.ones(len(values), np.int64))
    weights = np.random.default_rng(seed).integers(0, 4, len(values)).astype(float)
    expected = sklearn.metrics.average_precision_score(many.values, values, sample_weight=weights)
    found = weigh(metrics.mean_average_precision, values, many)(weights)
    assert found == pytest.approx(expected, rel=0, abs=1e-12)


@pytest.mark.parametrize(("metric", "expected_score"), RANKED.items())
def test_all_draws_of_a_ranking_sort_once(monkeypatch, metric, expected_score):
    probabilities, targets, _ = ranked(1)
    sorts, argsort = [], np.argsort
    monkeypatch.setattr(np, "argsort", lambda *words, **options: sorts.append(1) or argsort(*words, **options))
    units = metrics.Resampled.examples(len(targets))
    draws = metrics.score_draws(weigh(metric, probabilities, targets), units)
    assert len(sorts) == 1

    def by_library(weights):
        return expected_score(targets.values, probabilities[:, 1], sample_weight=np.repeat(weights, targets.counts))

    (weights, *_) = units.draws()
    assert draws[:20] == pytest.approx([by_library(drawn) for drawn in weights[:20]], rel=0, abs=1e-12)


@pytest.mark.parametrize("metric", [metrics.average_precision, metrics.area_under_roc])
@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_ranking_by_values_that_are_no_finite_numbers_is_refused(metric, value):
    targets = Targets.of([0, 1, 1])
    predictions = Predictions.of(np.array([[0.5, 0.5], [0.5, value], [0.1, 0.9]]), targets.counts)
    with pytest.raises(ContractError, match="must return a finite number"):
        metrics.score(metric, predictions, targets)


@pytest.mark.parametrize("metric", [metrics.average_precision, metrics.area_under_roc])
@pytest.mark.parametrize("label", [0, 1])
def test_a_ranking_score_of_one_class_alone_is_zero(metric, label):
    assert scored(metric, one_hot([0, 1], 2), Targets.of([label, label])) == 0.0


def test_calibration_error_by_hand():
    """Bin (0.8, 0.867] holds .85 right and .81 wrong; bin (0.6, 0.667] holds .65 right; N = 3."""
    probabilities = np.array([[0.85, 0.15], [0.81, 0.19], [0.35, 0.65]])
    expected = (abs((0.85 - 1) + (0.81 - 0)) + abs(0.65 - 1)) / 3
    found = scored(metrics.calibration_error, probabilities, Targets.of([0, 1, 1]))
    assert found == pytest.approx(expected)


def test_calibration_error_of_sure_predictions_is_their_error_rate():
    targets = Targets.of([0, 1, 1, 0])
    assert scored(metrics.calibration_error, one_hot([0, 1, 1, 1], 2), targets) == pytest.approx(0.25)


def test_calibration_puts_a_confidence_on_an_edge_into_the_bin_below():
    """With two bins, .5 is in (0, .5]: it cancels against nothing in (.5, 1]."""
    probabilities = np.array([[0.5, 0.5], [0.9, 0.1]])
    weighted = weigh(functools.partial(metrics.calibration_error, bins=2), probabilities, Targets.of([0, 1]))
    assert weighted(np.ones(2)) == pytest.approx((abs(0.5 - 1) + abs(0.9 - 0)) / 2)


TAGS = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")


def tag_case(seed, sentences=30):
    random = np.random.default_rng(seed)
    lengths = random.integers(1, 8, sentences)
    truth = [random.choice(len(TAGS), length, p=[0.5, 0.15, 0.1, 0.15, 0.1]) for length in lengths]
    guess = [
        np.where(random.random(len(part)) < 0.3, random.integers(len(TAGS), size=len(part)), part) for part in truth
    ]
    return one_hot(np.concatenate(guess), len(TAGS)), Targets.of(truth), guess, truth


@seeds
@pytest.mark.parametrize("name", ["f1", "precision", "recall"])
def test_entity_scores_equal_seqeval_s(seed, name):
    seqeval = pytest.importorskip("seqeval.metrics")
    probabilities, targets, guess, truth = tag_case(seed)
    words = [[[TAGS[i] for i in part] for part in side] for side in (truth, guess)]
    expected = getattr(seqeval, f"{name}_score")(*words)
    metric = metrics.entity_metrics(TAGS)[f"entity-{name}"]
    assert scored(metric, probabilities, targets) == pytest.approx(expected)


def test_entity_scores_without_any_entity_are_zero():
    pytest.importorskip("seqeval")
    for metric in metrics.entity_metrics(TAGS).values():
        assert scored(metric, one_hot([0, 0], 5), Targets.of([[0, 0]])) == 0.0


@seeds
def test_weights_count_sentences_not_words(seed):
    """A sentence of weight 2 scores as the same sentence twice."""
    pytest.importorskip("seqeval")
    probabilities, targets, _, truth = tag_case(seed, sentences=3)
    parts = targets.split(probabilities.argmax(1))
    twice = one_hot(np.concatenate([parts[0], *parts]), len(TAGS)), Targets.of([truth[0], *truth])
    for metric in (metrics.accuracy, metrics.macro_f1, metrics.entity_metrics(TAGS)["entity-f1"]):
        assert weigh(metric, probabilities, targets)(np.array([2.0, 1, 1])) == pytest.approx(scored(metric, *twice))


def test_forgetting_is_what_was_lost_and_negative_for_what_was_won():
    assert metrics.forgetting(0.9, 0.75) == pytest.approx(0.15)
    assert metrics.forgetting(0.75, 0.9) == pytest.approx(-0.15)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_score_that_is_no_finite_number_is_refused(value):
    targets = Targets.of([0, 1])
    predictions = Predictions.of(one_hot([0, 1], 2), targets.counts)
    with pytest.raises(ContractError, match="must return a finite number"):
        metrics.score(lambda *both: lambda weights: value, predictions, targets)
