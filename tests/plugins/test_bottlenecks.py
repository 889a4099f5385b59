"""Bottleneck adapters: where they are, what they start as, and that nothing else is trained."""

from __future__ import annotations

import copy

import pytest
import torch
from fakes.small_networks import LABELS, Stack, network, outputs, request_for
from support import silent
from torch import nn

from tlbench import NotApplicable
from tlbench.engine.adaptation import adapt
from tlbench.learning import TransferModel
from tlbench.learning.model import state_hash
from tlbench_peft.adapters import Bottleneck, adapters, extend

NAMES = ("images", "series", "rows", "bert", "gpt2")
WHERE = {
    "images": ["layers.0", "layers.3.conv2"],
    "series": ["layers.0", "layers.3"],
    "rows": ["layers.0", "layers.3"],
    "bert": ["model.encoder.layer.0.output.dense"],
    "gpt2": ["model.h.0.mlp.c_proj"],
}


@pytest.fixture(scope="module")
def networks(tmp_path_factory):
    root = tmp_path_factory.mktemp("networks")
    return {name: network(name, root) for name in NAMES}


@pytest.fixture
def extended(networks):
    """A network with bottlenecks of width 2."""

    def make(name):
        model, inputs = networks[name]
        return extend(copy.deepcopy(model), {"width": 2}).eval(), inputs

    return make


@pytest.mark.parametrize("name", NAMES)
class TestOnEveryNetwork:
    def test_each_block_has_one_behind_its_last_layer(self, extended, name):
        model, _ = extended(name)
        found = [place for place, part in model.encoder.named_modules() if isinstance(part, Bottleneck)]
        assert found == [f"{place}.bottleneck" for place in WHERE[name]]

    def test_they_start_as_the_identity(self, extended, networks, name):
        model, inputs = extended(name)
        assert torch.equal(outputs(model, inputs), outputs(networks[name][0], inputs))

    def test_they_and_the_head_are_trained_and_nothing_else(self, extended, networks, name):
        model, inputs = extended(name)
        request = request_for(model, inputs)
        after = adapters(request)
        assert not torch.allclose(outputs(after, inputs), outputs(model, inputs), atol=1e-3)
        moved = {
            key
            for key, value in after.named_parameters()
            if not torch.equal(value, dict(model.named_parameters())[key])
        }
        assert all(key.startswith("heads.target") or ".bottleneck." in key for key in moved)
        channels = [len(part.up.bias) for part in model.modules() if isinstance(part, Bottleneck)]
        head = model.heads["target"].weight.numel() + len(LABELS)
        assert request.trainer.trained_values == sum(2 * size * 2 + 2 + size for size in channels) + head

    def test_a_copy_has_bottlenecks_of_its_own(self, extended, name):
        model, inputs = extended(name)
        before, other = outputs(model, inputs), copy.deepcopy(model)
        for part in other.modules():
            if isinstance(part, Bottleneck):
                nn.init.normal_(part.up.weight)
        assert torch.equal(outputs(model, inputs), before)
        assert not torch.allclose(outputs(other, inputs), before, atol=1e-3)


class OnlyNorms(Stack):
    """A perceptron that calls nothing but its normalisation a block."""

    def blocks(self):
        return [part for part in self.layers if isinstance(part, nn.BatchNorm1d)]


def test_an_encoder_whose_blocks_have_no_such_layer_is_refused():
    model = TransferModel(OnlyNorms(nn.Linear(4, 6), nn.BatchNorm1d(6)), {"target": nn.Linear(6, len(LABELS))})
    with pytest.raises(NotApplicable, match="No block of the encoder"):
        extend(model, {"width": 2})


def test_the_formula_of_the_paper_by_hand(extended):
    """h + W_up relu(W_down h + b_down) + b_up behind each linear layer of a perceptron."""
    model, inputs = extended("rows")
    first, norm, _, last = model.encoder.layers
    for part in (first, last):
        nn.init.normal_(part.bottleneck.up.weight)
    states = torch.from_numpy(inputs.columns[0])
    for layer in (first, last):
        states = states @ layer.weight.T + layer.bias
        inner = (states @ layer.bottleneck.down.weight.T + layer.bottleneck.down.bias).clamp(min=0)
        states = states + inner @ layer.bottleneck.up.weight.T + layer.bottleneck.up.bias
        if layer is first:
            states = norm(states).clamp(min=0)
    torch.testing.assert_close(model.encoder(torch.from_numpy(inputs.columns[0])), states)


METHODS = ("lora", "dora", "ia3", "adapters")


class TestForgetting:
    """What a method forgets is measured against the source model as it was, not against one with added parts."""

    def test_without_steps_nothing_is_forgotten(self, catalog, run_pairings):
        still = {f"{name}.steps": 0 for name in METHODS}
        outcome = run_pairings(catalog, tasks=["toy/blobs"], strategies=["source-only", *METHODS], overrides=still)
        rows = {row.strategy: row for row in outcome.rows}
        for name in METHODS:
            assert (rows[name].forgetting_head, rows[name].forgetting_probe) == (0.0, 0.0)
            assert rows[name].score == rows["source-only"].score

    def test_before_is_the_score_of_the_source_model(self, catalog, run_pairings):
        rough = {f"{name}.learning_rate": 0.1 for name in METHODS}
        outcome = run_pairings(catalog, tasks=["toy/blobs"], strategies=["finetune", *METHODS], overrides=rough)
        rows = {row.strategy: row for row in outcome.rows}
        for name in METHODS:
            (before, _), (after, _) = rows[name].score_matrix
            assert rows[name].score_matrix[0] == rows["finetune"].score_matrix[0]
            assert rows[name].probe_before == rows["finetune"].probe_before
            assert rows[name].forgetting_head == before - after != 0
            assert rows[name].parity < 1e-5


def test_the_count_of_a_row_is_that_of_the_formula_and_the_encoder_stays(pairing_of, source_of):
    pairing = pairing_of("toy/blobs", "adapters", overrides={"adapters.width": 4})
    prepared, source = source_of(pairing)
    made = adapt(pairing, prepared, source, silent)
    assert made.trained_parameters == 2 * 16 * 4 + 4 + 16 + 16 * 3 + 3
    kept = copy.deepcopy(made.model.encoder)
    for part in kept.modules():
        part._modules.pop("bottleneck", None)
    assert state_hash(kept) == state_hash(source.encoder)
