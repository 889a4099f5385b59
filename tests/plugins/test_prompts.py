"""Prompt tuning: what the transformer reads, and what is trained."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from fakes.small_networks import LABELS, network, request_for

from tlbench import NotApplicable
from tlbench_peft.prompts import Prompted, extend, positions, prompt

LENGTH = 4


@pytest.fixture(scope="module")
def networks(tmp_path_factory):
    root = tmp_path_factory.mktemp("networks")
    return {name: network(name, root) for name in ("rows", "bert", "gpt2")}


@pytest.fixture
def extended(networks):
    def make(name):
        model, inputs = networks[name]
        return extend(copy.deepcopy(model), {"length": LENGTH}).eval(), inputs

    return make


def prompted(model):
    (part,) = [part for part in model.encoder.modules() if isinstance(part, Prompted)]
    return part


@pytest.mark.parametrize("name", ["bert", "gpt2"])
class TestPrompt:
    def test_states_are_those_of_a_text_behind_the_prompt(self, extended, networks, name):
        """One text by itself, by the library's own `inputs_embeds`, without padding."""
        model, inputs = extended(name)
        ids = inputs.columns[0].split()[0].astype(np.int64)
        bare = networks[name][0].encoder.model
        words = bare.get_input_embeddings()(torch.from_numpy(ids - 1))
        together = torch.cat([prompted(model).prompt, words])[None]
        with torch.no_grad():
            states = bare(inputs_embeds=together)[0][0, LENGTH:]
            features = model.encoder(*inputs.batch(np.arange(3)))[0]
        expected = states[-1] if model.encoder.pooling == "last" else states.mean(0)
        torch.testing.assert_close(features, expected, rtol=1e-4, atol=1e-5)

    def test_the_prompt_and_the_head_are_trained_and_nothing_else(self, extended, name):
        model, inputs = extended(name)
        request = request_for(model, inputs)
        after, before = prompt(request), dict(model.named_parameters())
        moved = {key for key, value in after.named_parameters() if not torch.equal(value, before[key])}
        assert {key for key in moved if not key.startswith("heads.target")} == {"encoder.model.prompt"}
        assert request.trainer.trained_values == LENGTH * 16 + 16 * len(LABELS) + len(LABELS)

    def test_it_starts_as_embeddings_of_tokens(self, extended, name):
        model, inputs = extended(name)
        start = prompted(prompt(request_for(model, inputs, steps=0)))
        distances = torch.cdist(start.prompt, start.table.weight).min(1).values
        assert distances.max() < 1e-5

    def test_of_a_text_as_long_as_all_positions_the_last_tokens_share_the_last_one(self, extended, name):
        model, _ = extended(name)
        inner = prompted(model)
        _, places = positions(inner.model)
        ids = torch.randint(2, 20, (2, places))
        together = torch.cat([inner.prompt.expand(2, -1, -1), inner.table(ids)], 1)
        shared = torch.tensor([[*range(places), *[places - 1] * LENGTH]])
        with torch.no_grad():
            expected = inner.model(inputs_embeds=together, position_ids=shared)[0][:, LENGTH:]
            torch.testing.assert_close(inner(ids)[0], expected)


def test_what_reads_no_tokens_takes_no_prompt(networks):
    with pytest.raises(NotApplicable, match="no single transformer"):
        extend(copy.deepcopy(networks["rows"][0]), {"length": LENGTH})


def test_a_prompt_must_leave_positions_for_a_text(networks):
    with pytest.raises(NotApplicable, match="prompt of 32 vectors leaves none of the encoder's 32 positions"):
        extend(copy.deepcopy(networks["bert"][0]), {"length": 32})


def test_roberta_counts_positions_from_behind_its_padding_token():
    from transformers import RobertaConfig, RobertaModel

    sizes = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 8}
    model = RobertaModel(RobertaConfig(vocab_size=30, max_position_embeddings=20, pad_token_id=1, **sizes)).eval()
    assert positions(model) == (2, 18)
    with torch.no_grad():
        ids, inner = torch.randint(2, 30, (1, 9)), Prompted(model, 5)
        together = torch.cat([inner.prompt[None], inner.table(ids)], 1)
        torch.testing.assert_close(inner(ids)[0], model(inputs_embeds=together)[0][:, 5:])
