"""Analyses of what adaptation changed: known changes give known numbers."""

from __future__ import annotations

import copy
import dataclasses

import numpy as np
import pytest
import torch
from torch import nn

from tlbench import AnalysisRequest, NotApplicable
from tlbench.learning import Encoder, Inputs, Ragged, Targets, TransferModel
from tlbench_analyses.cka import alignment, cka, vector
from tlbench_analyses.drift import drift
from tlbench_analyses.feature_map import distance, feature_map

PNG = b"\x89PNG\r\n\x1a\n"


class Layers(Encoder):
    """Two blocks over inputs `(N, 6)`, and a scale outside them."""

    feature_dim = 4

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1))
        self.layers = nn.Sequential(nn.Linear(6, 5), nn.Tanh(), nn.Linear(5, 4))

    def forward(self, inputs):
        return self.scale * self.layers(inputs)


def drawn(seed, *shape, shift=0.0):
    return np.random.default_rng(seed).normal(shift, 1, shape)


def asked(before, after, examples=50, source=True, **options):
    def inputs(seed):
        return Inputs((drawn(seed, examples, 6, shift=seed).astype(np.float32),))

    return AnalysisRequest(
        before=before,
        after=after,
        inputs=inputs(0),
        targets=Targets(np.zeros(examples, np.int64), np.ones(examples, np.int64)),
        source_inputs=inputs(1) if source else None,
        labels=("a", "b"),
        generator=torch.Generator().manual_seed(0),
        options={"examples": 40, **options},
    )


@pytest.fixture
def model():
    torch.manual_seed(0)
    return TransferModel(Layers(), {"target": nn.Linear(4, 2)}).eval()


def hsic_cka(first, second):
    """CKA as Kornblith et al. state it for centred features: |Y'X|^2 / (|X'X| |Y'Y|)."""
    first, second = first - first.mean(0), second - second.mean(0)
    return np.linalg.norm(second.T @ first) ** 2 / (np.linalg.norm(first.T @ first) * np.linalg.norm(second.T @ second))


def aligned(first, second):
    return alignment(*(torch.from_numpy(one @ one.T) for one in (first, second)))


def test_the_alignment_of_gram_matrices_is_that_of_centred_features():
    first, second = drawn(0, 60, 7, shift=2), drawn(1, 60, 5, shift=-1)
    second[:, :3] += first[:, :3]
    assert aligned(first, second) == pytest.approx(hsic_cka(first, second), abs=1e-12)


def test_alignment_is_one_after_a_rotation_and_a_scale_and_small_for_noise():
    features = drawn(0, 200, 8)
    rotation, _ = np.linalg.qr(drawn(1, 8, 8))
    assert aligned(features, 3 * features @ rotation + 5) == pytest.approx(1, abs=1e-12)
    assert aligned(features, features @ drawn(2, 8, 8)) < 0.99
    assert aligned(features, drawn(3, 200, 8)) < 0.2


def test_cka_sees_from_which_block_on_outputs_changed(model):
    after = copy.deepcopy(model)
    nn.init.normal_(after.encoder.layers[2].weight)
    found = cka(asked(model, after))
    assert list(found.numbers) == ["block 1", "block 2", "features"]
    assert found.numbers["block 1"] == pytest.approx(1, abs=1e-12)
    assert found.numbers["features"] == pytest.approx(found.numbers["block 2"], abs=1e-9)
    assert found.numbers["block 2"] < 0.99
    assert found.picture.startswith(PNG)


class Positions(Encoder):
    """One block, whose outputs of a given layout are averaged over their positions; features `(N, 6)`."""

    feature_dim = 6

    def __init__(self, block, axes):
        super().__init__()
        self.layers, self.axes = nn.Sequential(block), axes

    def forward(self, inputs):
        return self.layers(inputs).mean(self.axes)


class Linear(nn.Linear):
    """A layer of sequences `(N, T)`: each number becomes six."""

    def forward(self, inputs):
        return super().forward(inputs.float()[..., None])


BLOCKS = {
    "channels before steps": (lambda: nn.Conv1d(3, 6, 5), 2, (30, 3, 12)),
    "normalised channels before steps": (lambda: nn.Sequential(nn.Conv1d(3, 6, 5), nn.BatchNorm1d(6)), 2, (30, 3, 12)),
    "channels before rows and columns": (lambda: nn.Conv2d(3, 6, 3), (2, 3), (30, 3, 7, 9)),
    "features behind positions": (lambda: nn.Linear(3, 6), 1, (30, 11, 3)),
    "features behind rows and columns": (lambda: nn.Linear(3, 6), (1, 2), (30, 4, 5, 3)),
}


@pytest.mark.parametrize("case", BLOCKS)
def test_cka_compares_channels_and_positions_whatever_their_order(case):
    """Channels change and their mean stays, which an average over channels would hide."""
    build, axes, shape = BLOCKS[case]
    torch.manual_seed(0)
    block = build()
    model = TransferModel(Positions(copy.deepcopy(block), axes), {"target": nn.Linear(6, 2)}).eval()
    after = copy.deepcopy(model)
    weight = (
        after.encoder.layers[0].weight if not isinstance(block, nn.Sequential) else after.encoder.layers[0][0].weight
    )
    with torch.no_grad():
        moved = 3 * torch.randn(weight[0].shape, generator=torch.Generator().manual_seed(1))
        weight[0] += moved
        weight[1] -= moved
    values = drawn(2, *shape).astype(np.float32)
    request = dataclasses.replace(asked(model, after), inputs=Inputs((values,)))
    whole = [
        one.encoder.layers(torch.from_numpy(values)).detach().double().flatten(1).numpy() for one in (model, after)
    ]
    found = cka(request).numbers["block 1"]
    assert found == pytest.approx(hsic_cka(*whole), abs=1e-6)
    assert found < 0.9


def test_cka_averages_positions_that_vary_in_number():
    model = TransferModel(Positions(Linear(1, 6), 1), {"target": nn.Linear(6, 2)}).eval()
    after = copy.deepcopy(model)
    nn.init.normal_(after.encoder.layers[0].weight, generator=torch.Generator().manual_seed(1))
    nn.init.normal_(after.encoder.layers[0].bias, generator=torch.Generator().manual_seed(2))
    texts = [np.arange(1, 3 + number % 5) * number for number in range(30)]
    request = dataclasses.replace(asked(model, after), inputs=Inputs((Ragged.of(texts),)))
    means = [
        np.stack([one.encoder.layers(torch.from_numpy(text)).mean(0).detach().double().numpy() for text in texts])
        for one in (model, after)
    ]
    assert cka(request).numbers["block 1"] == pytest.approx(hsic_cka(*means), abs=1e-6)


def test_of_huge_outputs_values_at_equal_distances_are_compared(monkeypatch):
    monkeypatch.setattr("tlbench_analyses.cka.MOST_VALUES", 4)
    assert vector(torch.arange(10.0).reshape(1, 2, 5)).tolist() == [0, 3, 6, 9]


def test_drift_is_relative_to_each_part(model):
    after = copy.deepcopy(model)
    with torch.no_grad():
        after.encoder.layers[2].weight.mul_(1.5)
        after.encoder.layers[2].bias.mul_(1.5)
        after.encoder.scale.add_(0.25)
    numbers = drift(asked(model, after)).numbers
    assert numbers["block 1"] == 0
    assert numbers["block 2"] == pytest.approx(0.5)
    assert numbers["outside blocks"] == pytest.approx(0.25)
    flat = [nn.utils.parameters_to_vector(one.encoder.parameters()).detach() for one in (model, after)]
    assert numbers["encoder"] == pytest.approx(float((flat[1] - flat[0]).norm() / flat[0].norm()), rel=1e-6)


def test_weights_that_start_at_zero_count_by_their_size(model):
    with torch.no_grad():
        model.encoder.scale.zero_()
    after = copy.deepcopy(model)
    assert drift(asked(model, after)).numbers["outside blocks"] == 0
    with torch.no_grad():
        after.encoder.scale.fill_(2)
    assert drift(asked(model, after)).numbers["outside blocks"] == 1


def test_encoders_without_common_parameters_are_not_compared(model):
    class Other(Encoder):
        feature_dim = 4

        def __init__(self):
            super().__init__()
            self.other = nn.Linear(6, 4)

    with pytest.raises(NotApplicable, match="no parameters of the same name"):
        drift(asked(model, TransferModel(Other(), {})))


def test_the_distance_of_domains_is_that_of_their_means():
    source = drawn(0, 4000, 3)
    assert distance(source, source + np.array([2, 0, 0])) == pytest.approx(2 / np.sqrt(3), rel=0.02)
    assert distance(source, source[::-1]) == pytest.approx(0, abs=1e-12)
    assert distance(np.zeros((3, 2)), np.ones((3, 2))) == 1


def test_a_map_shows_both_domains_and_a_task_without_a_source_has_none(model):
    found = feature_map(asked(model, copy.deepcopy(model)))
    assert found.numbers["distance before"] == found.numbers["distance after"] > 0
    assert found.picture.startswith(PNG)
    assert feature_map(asked(model, copy.deepcopy(model))).picture == found.picture
    with pytest.raises(NotApplicable, match="no source"):
        feature_map(asked(model, model, source=False))
