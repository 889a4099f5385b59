"""Weights of other libraries, in the order of timm's."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from tlbench import BadInputError
from tlbench_vision.convert import fill_in_order


def network():
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Linear(4, 2))


@pytest.fixture
def published(tmp_path):
    """Saves weights under other names, after a change."""

    def save(change=lambda state: state):
        state = {f"their.{number}": part for number, part in enumerate(network().state_dict().values())}
        torch.save(change(state), tmp_path / "weights.pth")
        return state, tmp_path / "weights.pth"

    return save


def test_weights_of_the_same_order_are_loaded(published):
    state, path = published()
    model = network()
    fill_in_order(model, path)
    for ours, theirs in zip(model.state_dict().values(), state.values(), strict=True):
        assert torch.equal(ours, theirs)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda state: {**state, "more": torch.zeros(1)}, "it has 10 weights and the model 9"),
        (lambda state: dict(list(state.items())[:-1]), "it has 8 weights and the model 9"),
        (lambda state: {**state, "their.0": torch.zeros(4, 3, 1, 1)}, "shapes differ"),
        (lambda state: {**state, "their.0": torch.full((4, 3, 3, 3), torch.nan)}, "weights.pth"),
    ],
)
def test_weights_that_do_not_fit_are_refused(published, change, says):
    _, path = published(change)
    with pytest.raises(BadInputError, match=says):
        fill_in_order(network(), path)
