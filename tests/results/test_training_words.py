"""What is said of a row's training."""

from __future__ import annotations

import pytest

from tlbench.learning.progress import LossCurve, listening, report_step
from tlbench.results import training
from tlbench.results.row import Row


@pytest.fixture
def trained(blobs, settings):
    def row(train=None, test=0.8, losses=()):
        gap = None if train is None else train - test
        made = {"status": "ok", "eager_score": test, "train_gap": gap, "training_loss": losses}
        return Row(**{**blobs.row_fields(settings), **made})

    return row


def test_learnt_by_heart_is_overfitting(trained):
    (said,) = training.in_words(trained(train=1.0, test=0.6))
    assert said.startswith("Overfitted: 1.000 on the labels that it was given, 0.600 on the test")
    (said,) = training.in_words(trained(train=0.85, test=0.8))
    assert said.startswith("No sign of overfitting")


def test_a_loss_that_still_falls_is_told_from_one_that_has_settled(trained):
    falling = tuple(2 - 0.09 * step for step in range(20))
    settled = tuple(max(0.2, 2 - 0.3 * step) for step in range(20))
    assert "still falling at the end (0.92 to 0.47)" in training.in_words(trained(losses=falling))[0]
    assert "had settled (0.2 to 0.2" in training.in_words(trained(losses=settled))[0]


def test_negative_losses_fall_too(trained):
    assert "still falling" in training.in_words(trained(losses=tuple(-float(step) for step in range(20))))[0]


def test_without_steps_and_labels_nothing_is_said(trained):
    assert training.in_words(trained()) == []
    assert training.in_words(trained(losses=(1.0, 0.7, 0.5))) == []


@pytest.mark.parametrize(("steps", "means"), [(3, (1.0, 2.0, 3.0)), (40, tuple(1.5 + 2 * part for part in range(20)))])
def test_a_curve_has_the_means_of_equal_parts(steps, means):
    heard = []
    curve = LossCurve(lambda step, loss: heard.append(step))
    with listening(curve):
        for step in range(1, steps + 1):
            report_step(step, float(step))
    assert curve.means() == means
    assert heard == list(range(1, steps + 1))
    assert LossCurve(print).means() == ()
