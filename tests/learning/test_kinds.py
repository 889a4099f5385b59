from __future__ import annotations

import numpy as np
import pytest
import torch
from support import units, wanted, weigh
from torch import nn

from tlbench import ANOMALY, CLASSIFICATION, MULTI_LABEL, REGRESSION, SEGMENTATION, TOKEN_CLASSIFICATION, BadInputError
from tlbench.learning.kinds.postprocess import Flags, Labels, Tokens
from tlbench.learning.loop import train
from tlbench.learning.targets import Targets

KINDS = (CLASSIFICATION, TOKEN_CLASSIFICATION, ANOMALY)


@pytest.mark.parametrize("spec", KINDS, ids=lambda spec: spec.name)
def test_a_kind_has_the_metric_that_it_names_and_scores_its_own_predictions(spec):
    if spec.requires:
        pytest.importorskip(spec.requires[0])
    kind = spec.create()
    labels = ("O", "B-PER")
    outputs = kind.head(3, labels)(torch.randn(6, 3, generator=torch.Generator().manual_seed(0)))
    predictions = kind.postprocess.predict(units(outputs.detach().numpy()))
    assert predictions.shape == (6, 2)
    np.testing.assert_allclose(predictions.sum(1), 1, rtol=1e-6)
    scores = {name: weigh(metric, predictions, Targets.of([0, 1] * 3)) for name, metric in kind.metrics(labels).items()}
    assert spec.metric in scores
    assert all(np.isfinite(weighted(np.ones(6))) for weighted in scores.values())
    assert torch.isfinite(kind.loss(units(outputs), wanted(torch.tensor([0, 1] * 3))))


def test_probabilities_do_not_overflow():
    assert CLASSIFICATION.create().postprocess.predict(units(np.array([[1e4, -1e4]]))).tolist() == [[1.0, 0.0]]


def test_a_token_budget_is_drawn_from_sentences_with_entities_and_without():
    strata = TOKEN_CLASSIFICATION.create().strata(Targets.of([[0, 0], [0, 1], [2], [0]]))
    assert strata.tolist() == [0, 1, 1, 0]


def test_a_label_budget_is_drawn_by_label():
    assert CLASSIFICATION.create().strata(Targets.of([2, 0, 1])).tolist() == [2, 0, 1]


def test_a_missed_anomaly_costs_four_times_a_false_alarm():
    kind = ANOMALY.create()
    outputs = torch.tensor([[2.0, 0.0], [0.0, 2.0]], requires_grad=True)
    kind.loss(units(outputs), wanted(torch.tensor([1, 0]))).backward()
    missed, alarm = outputs.grad.abs().sum(1)
    assert missed / alarm == pytest.approx(4.0)


def test_pixels_of_masks_are_targets_and_images_with_the_same_labels_are_one_group():
    kind = SEGMENTATION.create()
    masks = [np.zeros((2, 3), int), np.array([[0, 2, 0]]), np.array([[2], [0]]), np.array([[1, 2]])]
    targets = kind.targets(masks, ("ground", "a", "b"))
    assert targets.counts.tolist() == [6, 3, 2, 2]
    assert targets.values.tolist() == [0] * 6 + [0, 2, 0, 2, 0, 1, 2]
    groups = kind.strata(targets)
    assert groups[1] == groups[2]
    assert len(set(groups.tolist())) == 3


def test_of_many_pixels_the_best_label_alone_is_kept():
    kept = SEGMENTATION.create().postprocess.predict(units(np.array([[0.1, 3.0, 1.0], [2.0, 1.0, 0.0]], np.float32)))
    assert (kept.tolist(), kept.dtype) == ([1, 0], np.int16)


@pytest.mark.parametrize(
    ("spec", "labels"),
    [
        (REGRESSION, [1.0, np.nan]),
        (REGRESSION, [[1.0, 2.0], [3.0, 4.0]]),
        (MULTI_LABEL, [[2], [0]]),
        (MULTI_LABEL, [[0, 1], [1, 0]]),
        (SEGMENTATION, [[[0, 1]]]),
    ],
)
def test_labels_that_make_no_sense_are_refused(spec, labels):
    with pytest.raises(BadInputError):
        spec.create().targets(labels, ("one",))


@pytest.mark.parametrize("spec", [CLASSIFICATION, REGRESSION, MULTI_LABEL], ids=lambda spec: spec.name)
def test_a_side_that_names_nothing_is_told_what_to_name(spec):
    with pytest.raises(BadInputError, match="`labels` is empty: it must name"):
        spec.create().targets([1.0, 0.0], ())


@pytest.mark.parametrize("classes", [2, 3, 15, 16, 17, 100])
@pytest.mark.parametrize("spread", [0.1, 3.0, 60.0])
def test_predictions_have_the_bits_of_torch(classes, spread):
    """Of torch with the widest registers: scores stay those of the time when torch computed them."""
    outputs = np.random.default_rng(0).normal(0, spread, (500, classes)).astype(np.float32)
    predicted = tuple(made().predict(units(outputs)) for made in (Labels, Tokens, Flags))
    exact = torch.backends.cpu.get_cpu_capability() == "AVX512"
    for mine, function in zip(predicted[:2], (torch.softmax, torch.log_softmax), strict=True):
        theirs = function(torch.from_numpy(outputs), -1).numpy()
        np.testing.assert_array_max_ulp(mine, theirs, 0 if exact else 16)
    # The last elements of a tensor fill no register, and torch computes them in another way.
    whole = outputs.size - outputs.size % 32
    theirs = torch.sigmoid(torch.from_numpy(outputs)).numpy()
    np.testing.assert_array_max_ulp(predicted[2].ravel()[:whole], theirs.ravel()[:whole], 0 if exact else 16)


def test_outputs_that_are_no_numbers_stay_so():
    assert np.isnan(Labels().predict(units(np.array([[np.nan, 1.0]])))).all()


@pytest.mark.parametrize("unit", [1e-6, 1.0, 1e6])
def test_numbers_are_learnt_whatever_their_unit(unit):
    """The head alone, on features of order 1: half a per cent of the spread is left after 300 steps."""
    torch.manual_seed(0)
    kind, features = REGRESSION.create(), torch.randn(256, 4)
    exact = unit * (features @ torch.tensor([[1.0], [2.0], [-1.0], [0.5]]) + 30)
    head = kind.head(4, ("number",))
    head.settle(exact.numpy())

    def loss(progress):
        return kind.loss(units(head(features)), wanted(exact))

    train([head], loss, steps=300, learning_rate=0.05, weight_decay=0)
    assert float(((head(features) - exact).std() / exact.std()).detach()) < 0.005


def test_constants_are_the_mean_and_the_log_odds():
    assert REGRESSION.create().constant(np.array([[1.0, 10.0], [3.0, 30.0]]), 2).tolist() == [2.0, 20.0]
    odds = MULTI_LABEL.create().constant(np.array([[1, 0], [1, 1], [1, 0]]), 2)
    np.testing.assert_allclose(odds, [np.log(4 / 1), np.log(2 / 3)])


def test_several_labels_cost_the_mean_of_their_binary_cross_entropies():
    kind = MULTI_LABEL.create()
    outputs, targets = torch.tensor([[0.5, -2.0]]), torch.tensor([[1, 0]])
    expected = nn.functional.softplus(torch.tensor([-0.5, -2.0])).mean()
    torch.testing.assert_close(kind.loss(units(outputs), wanted(targets)), expected)
    np.testing.assert_allclose(kind.postprocess.predict(units(outputs.numpy())), torch.sigmoid(outputs))


def test_labels_between_two_indices_are_refused_and_whole_floats_are_indices():
    with pytest.raises(BadInputError, match=r"a label is 0\.7; labels are indices"):
        CLASSIFICATION.create().targets([0.0, 0.7], ("a", "b"))
    assert CLASSIFICATION.create().targets([0.0, 1.0], ("a", "b")).values.tolist() == [0, 1]
