from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from tlbench.learning.data import Inputs
from tlbench.learning.model import (
    EVALUATION_BATCH,
    Encoder,
    TransferModel,
    apply_head,
    changed_parameters,
    count_parameters,
    device_of,
    encode,
    encode_split,
    load_weights,
    save_weights,
    state_hash,
)
from tlbench.learning.ragged import Ragged
from tlbench.learning.targets import Targets


class Normed(Encoder):
    feature_dim = 4

    def __init__(self) -> None:
        super().__init__()
        self.linear, self.norm, self.drop = nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Dropout(0.5)

    def forward(self, rows: Tensor) -> Tensor:
        return self.drop(self.norm(self.linear(rows)))


class Words(Encoder):
    feature_dim = 2

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(20, 2)

    def forward(self, ids: Tensor) -> Tensor:
        return self.embedding(ids.long())

    def units(self, *inputs: Tensor) -> Tensor:
        return inputs[0] > 0


@pytest.fixture
def model():
    torch.manual_seed(0)
    return TransferModel(Normed(), {"source": nn.Linear(4, 2), "target": nn.Linear(4, 3)})


def test_a_head_is_called_by_name(model):
    rows = torch.ones(5, 3)
    assert model.eval()(rows).units.shape == (5, 3)
    assert model(rows, head="source").units.shape == (5, 2)


def test_features_of_words_are_those_of_the_units_in_order():
    encoder = Words()
    ids = Ragged.of([[5, 6], [7], [8, 9, 10]])
    features = encode(TransferModel(encoder, {}), Inputs((ids,)))
    np.testing.assert_array_equal(features, encoder.embedding.weight.detach().numpy()[5:11])


def test_features_of_some_units_alone_are_in_the_order_of_the_examples():
    encoder = Words()
    ids = Ragged.of([[8, 9, 10], [5, 6], [7]])
    kept = Targets(np.array([True, False, True, False, True, False]), np.array([3, 2, 1]))
    features = encode_split(TransferModel(encoder, {}), Inputs((ids,)), kept).values
    np.testing.assert_array_equal(features, encoder.embedding.weight.detach().numpy()[[8, 10, 6]])


def test_a_split_is_encoded_in_evaluation_mode_and_batch_by_batch(model):
    rows = np.random.default_rng(0).normal(size=(EVALUATION_BATCH + 10, 3)).astype(np.float32)
    before = state_hash(model)
    model.train()
    features = encode(model, Inputs((rows,)))
    assert state_hash(model) == before
    assert (features.shape, features.dtype) == ((EVALUATION_BATCH + 10, 4), np.float32)
    np.testing.assert_allclose(features, model.features(torch.from_numpy(rows)).detach(), rtol=1e-5, atol=1e-6)


def test_a_head_is_applied_to_features_in_order(model):
    features = np.random.default_rng(0).normal(size=(EVALUATION_BATCH + 10, 4)).astype(np.float32)
    head = model.heads["target"]
    expected = features @ head.weight.detach().numpy().T + head.bias.detach().numpy()
    np.testing.assert_allclose(apply_head(head, features), expected, rtol=1e-4, atol=1e-6)


def test_the_hash_of_a_state_sees_parameters(model):
    before = state_hash(model)
    with torch.no_grad():
        bias = model.heads["source"].bias
        bias[0] = torch.nextafter(bias[0], torch.tensor(9.0))
    assert state_hash(model) != before


def test_the_hash_of_a_state_sees_what_one_training_pass_does_to_batchnorm(model):
    encoder = model.encoder
    parameters = copy.deepcopy(list(encoder.parameters()))
    before = state_hash(encoder)
    encoder.eval()(torch.randn(8, 3))
    assert state_hash(encoder) == before
    encoder.train()(torch.randn(8, 3))
    assert all(torch.equal(a, b) for a, b in zip(parameters, encoder.parameters(), strict=True))
    assert state_hash(encoder) != before


def test_the_hash_of_a_state_sees_names_and_shapes():
    first, second = nn.Module(), nn.Module()
    first.a, second.b = nn.Parameter(torch.zeros(4)), nn.Parameter(torch.zeros(4))
    third = nn.Module()
    third.a = nn.Parameter(torch.zeros(2, 2))
    assert len({state_hash(module) for module in (first, second, third)}) == 3


def test_weights_and_buffers_survive_their_file(model, tmp_path):
    model.train()(torch.randn(8, 3))
    save_weights(model, tmp_path / "model.safetensors")
    other = TransferModel(Normed(), {"source": nn.Linear(4, 2), "target": nn.Linear(4, 3)})
    assert state_hash(load_weights(other, tmp_path / "model.safetensors")) == state_hash(model)


def test_heads_that_share_their_weights_are_saved_too(model, tmp_path):
    model.heads["target"] = model.heads["source"]
    save_weights(model, tmp_path / "model.safetensors")
    other = TransferModel(Normed(), {"source": nn.Linear(4, 2), "target": nn.Linear(4, 2)})
    assert state_hash(load_weights(other, tmp_path / "model.safetensors")) == state_hash(model)


def test_parameters_are_counted_without_buffers(model):
    assert count_parameters(model.encoder) == 3 * 4 + 4 + 4 + 4
    assert device_of(model).type == "cpu"


def transductive():
    """A source model, and its copy with a head `target` that is a copy of `source`."""
    source = TransferModel(Normed(), {"source": nn.Linear(4, 2)})
    model = copy.deepcopy(source)
    model.heads["target"] = copy.deepcopy(model.heads["source"])
    return source, model


def test_nothing_is_trained_where_nothing_changed():
    assert changed_parameters(*transductive()) == 0


def test_a_changed_tensor_counts_with_all_its_values():
    source, model = transductive()
    with torch.no_grad():
        model.heads["target"].weight[0, 0] += 1
        model.encoder.norm.bias[0] += 1
    assert changed_parameters(source, model) == 2 * 4 + 4


def test_a_new_head_counts_whole_and_the_head_source_never():
    source, model = transductive()
    model.heads["target"] = nn.Linear(4, 5)
    with torch.no_grad():
        model.heads["source"].weight.zero_()
    assert changed_parameters(source, model) == 4 * 5 + 5


def test_the_units_of_an_example_are_pooled_by_their_mean(source_of, pairing_of):
    prepared, model = source_of(pairing_of("toy/names"))
    (ids,) = prepared.split("target-train").inputs.batch(np.arange(6))
    pooled, units = model.pooled(ids), model.features(ids)
    for row, part in zip(pooled, units.split((ids > 0).sum(1).tolist()), strict=True):
        torch.testing.assert_close(row, part.mean(0))
