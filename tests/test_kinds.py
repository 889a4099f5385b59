from __future__ import annotations

import numpy as np
import pytest
import torch

from tlbench import ANOMALY, CLASSIFICATION, TOKEN_CLASSIFICATION
from tlbench.data import Targets

KINDS = (CLASSIFICATION, TOKEN_CLASSIFICATION, ANOMALY)


@pytest.mark.parametrize("spec", KINDS, ids=lambda spec: spec.name)
def test_a_kind_has_the_metric_that_it_names_and_scores_its_own_predictions(spec):
    if spec.requires:
        pytest.importorskip(spec.requires[0])
    kind = spec.create()
    labels = ("O", "B-PER")
    outputs = kind.head(3, labels)(torch.randn(6, 3, generator=torch.Generator().manual_seed(0)))
    predictions = kind.predict(outputs.detach().numpy())
    assert predictions.shape == (6, 2)
    np.testing.assert_allclose(predictions.sum(1), 1, rtol=1e-6)
    scores = {name: metric(predictions, Targets.of([0, 1] * 3)) for name, metric in kind.metrics(labels).items()}
    assert spec.metric in scores
    assert all(np.isfinite(weighted(np.ones(6))) for weighted in scores.values())
    assert torch.isfinite(kind.loss(outputs, torch.tensor([0, 1] * 3)))


def test_probabilities_do_not_overflow():
    assert CLASSIFICATION.create().predict(np.array([[1e4, -1e4]])).tolist() == [[1.0, 0.0]]


def test_a_token_budget_is_drawn_from_sentences_with_entities_and_without():
    strata = TOKEN_CLASSIFICATION.create().strata(Targets.of([[0, 0], [0, 1], [2], [0]]))
    assert strata.tolist() == [0, 1, 1, 0]


def test_a_label_budget_is_drawn_by_label():
    assert CLASSIFICATION.create().strata(Targets.of([2, 0, 1])).tolist() == [2, 0, 1]


def test_a_missed_anomaly_costs_four_times_a_false_alarm():
    kind = ANOMALY.create()
    outputs = torch.tensor([[2.0, 0.0], [0.0, 2.0]], requires_grad=True)
    kind.loss(outputs, torch.tensor([1, 0])).backward()
    missed, alarm = outputs.grad.abs().sum(1)
    assert missed / alarm == pytest.approx(4.0)
