from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from tlbench.errors import TlbenchError
from tlbench.learning.loop import CHECK_EVERY, DivergedError, _clip, _Losses, one_cycle, train, training_only

SETTINGS = {"learning_rate": 0.1, "weight_decay": 0.0}


def fitting(seed=0):
    """A linear model with a loss that it can bring to 0."""
    torch.manual_seed(seed)
    model, rows = nn.Linear(3, 1), torch.randn(32, 3)
    truth = rows @ torch.tensor([[1.0], [-2.0], [0.5]])
    return model, lambda progress: ((model(rows) - truth) ** 2).mean()


def test_the_schedule_starts_low_peaks_at_the_end_of_the_warm_up_and_ends_near_zero():
    assert one_cycle(0) == pytest.approx(0.04)
    assert one_cycle(0.15) == pytest.approx(1)
    assert one_cycle(1) == pytest.approx(1e-4)
    rates = [one_cycle(step / 200) for step in range(201)]
    assert max(rates) <= 1
    assert rates[:31] == sorted(rates[:31])
    assert rates[30:] == sorted(rates[30:], reverse=True)


def test_training_minimises_the_loss_and_leaves_evaluation_mode():
    model, loss = fitting()
    before = loss(0).item()
    train([model], loss, steps=100, **SETTINGS)
    assert loss(0).item() < before / 100
    assert not model.training


def test_modules_are_in_training_mode_while_the_loss_is_computed():
    model, loss = fitting()
    modes = []

    def noting(progress):
        modes.append(model.training)
        return loss(progress)

    train([model.eval()], noting, steps=3, **SETTINGS)
    assert modes == [True] * 3


def test_progress_runs_from_zero_to_below_one_and_schedules_the_rate():
    model, loss = fitting()
    seen = []

    def schedule(progress):
        seen.append(progress)
        return 0.0

    weights = model.weight.clone()
    train([model], loss, steps=4, schedule=schedule, **SETTINGS)
    assert seen == [0, 0.25, 0.5, 0.75]
    assert torch.equal(model.weight, weights)


def test_steps_are_reported_at_intervals_and_at_the_end():
    model, loss = fitting()
    reports = []
    train([model], loss, steps=2 * CHECK_EVERY + 3, on_step=lambda step, loss: reports.append(step), **SETTINGS)
    assert reports == [CHECK_EVERY, 2 * CHECK_EVERY, 2 * CHECK_EVERY + 3]


def test_the_loss_of_a_report_is_the_mean_since_the_one_before():
    model, losses = nn.Linear(1, 1), iter(range(2 * CHECK_EVERY))
    reports = []

    def loss(progress):
        return model.weight.sum() * 0 + next(losses)

    train([model], loss, steps=2 * CHECK_EVERY, on_step=lambda step, loss: reports.append(loss), **SETTINGS)
    middle = (CHECK_EVERY - 1) / 2
    assert reports == pytest.approx([middle, middle + CHECK_EVERY])


def test_frozen_parameters_stay():
    model, loss = fitting()
    model.bias.requires_grad_(False)
    bias = model.bias.clone()
    train([model], loss, steps=5, **SETTINGS)
    assert torch.equal(model.bias, bias)


def test_what_is_not_trained_gets_no_gradients_even_of_a_training_that_fails():
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2), nn.Linear(2, 1)).train()
    model[0].bias.requires_grad_(False)
    modes = []

    def diverging(progress):
        modes.extend(module.training for module in model)
        return model(torch.full((1, 2), math.inf)).sum()

    def failing():
        with training_only(model, [(model[1], 0.5)]):
            train([(model[1], 0.5)], diverging, steps=1, **SETTINGS)

    with pytest.raises(DivergedError):
        failing()
    assert modes == [False, True, False]
    assert [name for name, value in model.named_parameters() if value.grad is not None] == ["1.weight", "1.bias"]
    assert [name for name, value in model.named_parameters() if not value.requires_grad] == ["0.bias"]


def test_a_factor_of_zero_trains_nothing_and_says_so():
    model, loss = fitting()
    with pytest.raises(TlbenchError, match=r"Nothing to train.*a factor of the learning rate above 0"):
        train([(model, 0.0)], loss, steps=1, **SETTINGS)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_loss_that_is_no_number_stops_the_training_and_says_at_which_step(value):
    model, loss = fitting()

    def diverging(progress):
        return loss(progress) * (value if progress >= 0.1 else 1)

    with pytest.raises(DivergedError, match=r"The loss is (nan|inf) at step 11 of 100: lower") as raised:
        train([model], diverging, steps=100, **SETTINGS)
    assert isinstance(raised.value, TlbenchError)


def test_losses_of_a_gpu_are_read_several_at_a_time_and_the_first_bad_step_is_named():
    """Reading a loss of a GPU waits for it: here a tensor says of itself that it lies there."""

    class Remote(torch.Tensor):
        is_cuda = True

    losses = _Losses(100, lambda step, loss: None)
    bad = CHECK_EVERY - 3
    for step in range(1, CHECK_EVERY):
        losses.add(torch.tensor(math.nan if step >= bad else 1.0).as_subclass(Remote))
    with pytest.raises(DivergedError, match=rf"nan at step {bad} of 100"):
        losses.add(torch.tensor(math.nan).as_subclass(Remote))


def test_gradients_are_clipped_as_torch_does():
    torch.manual_seed(0)
    ours, theirs = ([nn.Parameter(torch.ones(size)) for size in (3, 4, 5)] for _ in range(2))
    for one, other in zip(ours[:2], theirs[:2], strict=True):  # The third has no gradient.
        one.grad = 9 * torch.randn(one.shape)
        other.grad = one.grad.clone()
    _clip(ours)
    nn.utils.clip_grad_norm_(theirs, 5.0)
    assert all(torch.equal(one.grad, other.grad) for one, other in zip(ours[:2], theirs[:2], strict=True))
    assert ours[2].grad is None


def test_the_gradients_of_the_parts_of_a_loss_add_up():
    whole, loss = fitting()
    split, parts = fitting()
    train([whole], loss, steps=20, **SETTINGS)
    train([split], lambda progress: (share * parts(progress) for share in (0.25, 0.75)), steps=20, **SETTINGS)
    assert torch.allclose(whole.weight, split.weight, atol=1e-5)


def test_gradients_are_clipped_to_norm_five():
    model = nn.Linear(1, 1, bias=False)
    train([model], lambda progress: 1e9 * model.weight.sum(), steps=1, **SETTINGS)
    assert model.weight.grad.norm() == pytest.approx(5.0)
