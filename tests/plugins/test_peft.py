"""LoRA, DoRA and (IA)^3: what is merged, what is trained, and the same by plain PyTorch."""

from __future__ import annotations

import copy

import pytest
import torch
from fakes.small_networks import LABELS, Stack, network, outputs, request_for
from support import silent
from torch import nn
from torch.nn.utils import parametrize

from tlbench import NotApplicable
from tlbench.engine.adaptation import adapt
from tlbench.learning import Encoder, TransferModel
from tlbench.learning.trainer import Trainer
from tlbench_peft import merged
from tlbench_peft.layers import adaptable, by_output, last_layers

METHODS = ("lora", "dora", "ia3")
CASES = [(method, name) for name in ("images", "rows", "bert", "gpt2") for method in METHODS]
CASES += [("lora", "series"), ("dora", "series")]
HEAD = ("heads.target.weight", "heads.target.bias")


@pytest.fixture(scope="module")
def networks(tmp_path_factory):
    """Small models and their inputs, by name."""
    root = tmp_path_factory.mktemp("networks")
    return {name: network(name, root) for name in ("images", "series", "rows", "bert", "gpt2")}


@pytest.fixture(scope="module")
def tuned(networks):
    """What a method made of a network: (source model, request, model)."""
    made = {}

    def tune(method, name):
        if (method, name) not in made:
            model, inputs = networks[name]
            request = request_for(model, inputs)
            made[method, name] = model, request, getattr(merged, method)(request)
        return made[method, name]

    return tune


class TestMerging:
    @pytest.mark.parametrize(("method", "name"), CASES)
    def test_the_merged_model_gives_the_outputs_of_the_trained_one(self, tuned, networks, method, name):
        source, request, model = tuned(method, name)
        inputs = networks[name][1]
        assert not torch.allclose(outputs(model, inputs), outputs(source, inputs), atol=1e-3)
        torch.testing.assert_close(outputs(model, inputs), request.trainer.outputs, rtol=1e-5, atol=1e-5)

    @pytest.mark.parametrize(("method", "name"), CASES)
    def test_it_is_a_model_of_the_same_modules_and_names(self, tuned, method, name):
        source, _, model = tuned(method, name)
        assert [(n, type(part)) for n, part in model.named_modules()] == [
            (n, type(part)) for n, part in source.named_modules()
        ]
        assert {n: part.shape for n, part in model.state_dict().items()} == {
            n: part.shape for n, part in source.state_dict().items()
        }
        assert not hasattr(model.encoder, "peft_config")

    @pytest.mark.parametrize(("method", "name"), CASES)
    def test_nothing_moves_but_the_chosen_layers_and_the_head(self, tuned, method, name):
        source, _, model = tuned(method, name)
        kinds = [nn.Conv2d] if method == "ia3" else [nn.Conv1d, nn.Conv2d]
        allowed = {f"encoder.{layer}.weight" for layer in adaptable(source.encoder, kinds)} | set(HEAD)
        if method == "ia3":
            allowed |= {n.replace(".weight", ".bias") for n in allowed}
        before = dict(source.named_parameters())
        assert {n for n, value in model.named_parameters() if not torch.equal(value, before[n])} <= allowed

    @pytest.mark.parametrize("method", METHODS)
    def test_without_steps_it_is_the_source_model(self, networks, method):
        """The updates start as nothing: B is 0, the lengths are those of the weights, the factors are 1."""
        model, inputs = networks["images"]
        request = request_for(model, inputs, steps=0)
        after = getattr(merged, method)(request)
        torch.testing.assert_close(after.state_dict(), model.state_dict(), rtol=0, atol=1e-6 if method == "dora" else 0)


class Update(nn.Module):
    """W + scale B A, with the weight as a matrix of a row for each output."""

    def __init__(self, weight, a, scale, transposed):
        super().__init__()
        rows = weight.T if transposed else weight
        self.a, self.scale, self.transposed = nn.Parameter(a.flatten(1).clone()), scale, transposed
        self.b = nn.Parameter(torch.zeros(len(rows), len(a)))

    def forward(self, weight):
        update = self.scale * self.b @ self.a
        return weight + (update.T if self.transposed else update.view(weight.shape))


class TestLoRA:
    @pytest.mark.parametrize("name", ["images", "series", "rows", "bert", "gpt2"])
    def test_plain_pytorch_comes_to_the_same_weights(self, tuned, networks, name):
        """Another implementation, from the same start on the same batches."""
        source, request, model = tuned("lora", name)
        start, plain = request.trainer.start, copy.deepcopy(source)
        plain.encoder.requires_grad_(False)
        for layer_name, layer in adaptable(plain.encoder).items():
            a = start[f"encoder.{layer_name}.lora_A.default.weight"]
            update = Update(layer.weight, a, 4 / 2, transposed=by_output(layer) is not layer.weight)
            parametrize.register_parametrization(layer, "weight", update)
        same = request_for(plain, networks[name][1])
        Trainer.fit(same.trainer, same.model, same.target.train)
        for layer in adaptable_under_update(same.model):
            parametrize.remove_parametrizations(layer, "weight")
        torch.testing.assert_close(same.model.state_dict(), model.state_dict(), rtol=0, atol=1e-6)

    @pytest.mark.parametrize("name", ["images", "rows", "bert", "gpt2"])
    def test_an_update_has_the_rank_of_the_option(self, tuned, name):
        source, _, model = tuned("lora", name)
        pairs = zip(adaptable(source.encoder).values(), adaptable(model.encoder).values(), strict=True)
        for before, after in pairs:
            singular = torch.linalg.svdvals((by_output(after) - by_output(before)).flatten(1).detach())
            assert singular[0] > 1e-3
            assert singular[2:].sum() < 1e-3 * singular[0]

    def test_the_count_of_a_row_is_that_of_the_formula(self, pairing_of, source_of):
        pairing = pairing_of("toy/blobs", "lora", overrides={"lora.rank": 3, "lora.steps": 1})
        prepared, source = source_of(pairing)
        (layer,) = [part for part in source.encoder.modules() if isinstance(part, nn.Linear)]
        made = adapt(pairing, prepared, source, silent)
        assert made.trained_parameters == 3 * (layer.in_features + layer.out_features) + 16 * 3 + 3

    @pytest.mark.parametrize("name", ["images", "series", "rows", "bert", "gpt2"])
    def test_r_times_inputs_and_outputs_are_trained_in_each_layer(self, tuned, name):
        source, request, _ = tuned("lora", name)
        matrices = [by_output(layer).flatten(1).shape for layer in adaptable(source.encoder).values()]
        head = source.heads["target"].weight.numel() + len(LABELS)
        assert request.trainer.trained_values == sum(2 * (rows + columns) for rows, columns in matrices) + head


def adaptable_under_update(model):
    return [part for part in model.modules() if parametrize.is_parametrized(part, "weight")]


class TestDoRA:
    @pytest.mark.parametrize("name", ["images", "bert", "gpt2"])
    def test_weights_are_a_length_times_a_direction(self, tuned, name):
        """m V / |V| with V = W + alpha / r B A, a row for each output (Liu et al. 2024, equation 5)."""
        source, request, model = tuned("dora", name)
        before, after = adaptable(source.encoder), adaptable(model.encoder)
        for layer_name, layer in after.items():
            m, a, b = (
                request.trainer.end[f"encoder.{layer_name}.lora_{part}.weight"]
                for part in ("magnitude_vector.default", "A.default", "B.default")
            )
            directions = by_output(before[layer_name]).flatten(1) + 4 / 2 * b.flatten(1) @ a.flatten(1)
            expected = m.reshape(-1, 1) * directions / directions.norm(dim=1, keepdim=True)
            torch.testing.assert_close(by_output(layer).flatten(1), expected, rtol=1e-4, atol=1e-6)

    def test_a_layer_with_an_output_of_no_weight_has_no_direction_and_stays(self, networks):
        model, inputs = copy.deepcopy(networks["rows"][0]), networks["rows"][1]
        with torch.no_grad():
            model.encoder.layers[0].weight[2] = 0
        after = merged.dora(request_for(model, inputs))
        assert torch.equal(after.encoder.layers[0].weight, model.encoder.layers[0].weight)
        assert not torch.equal(after.encoder.layers[3].weight, model.encoder.layers[3].weight)


class TestIA3:
    @pytest.mark.parametrize("name", ["images", "rows", "bert", "gpt2"])
    def test_weights_are_multiplied_by_a_factor_for_each_input_or_output(self, tuned, name):
        source, request, model = tuned("ia3", name)
        before, after = adaptable(source.encoder, [nn.Conv2d]), adaptable(model.encoder, [nn.Conv2d])
        last = last_layers(source.encoder, before)
        for layer_name, layer in after.items():
            factors = request.trainer.end[f"encoder.{layer_name}.ia3_l.default"].flatten()
            was, scales_inputs = before[layer_name], layer_name in last or isinstance(layer, nn.Conv2d)
            rows = by_output(was)
            shape = (1, -1) if scales_inputs else (-1, 1)
            expected = rows * factors.view(*shape, *[1] * (rows.ndim - 2))
            torch.testing.assert_close(by_output(layer), expected, rtol=0, atol=1e-6)
            if layer.bias is not None:
                torch.testing.assert_close(layer.bias, was.bias * (1 if scales_inputs else factors))

    def test_in_a_transformer_the_inner_activations_of_the_feed_forward_network_are_scaled(self, networks):
        encoder = networks["bert"][0].encoder
        (last,) = last_layers(encoder, adaptable(encoder))
        assert last.endswith("layer.0.output.dense")

    def test_every_factor_gets_a_gradient(self, tuned):
        """Behind a convolution BatchNorm would undo a factor of the outputs."""
        for name in ("images", "rows"):
            _, request, _ = tuned("ia3", name)
            factors = [value for key, value in request.trainer.end.items() if "ia3_l" in key]
            assert all((factor - 1).abs().max() > 1e-3 for factor in factors)


class TestLayers:
    def test_what_could_not_be_merged_is_left_out(self, networks):
        assert list(adaptable(networks["images"][0].encoder)) == ["layers.0", "layers.3.conv1", "layers.3.conv2"]

    def test_weights_with_two_owners_are_left_out(self):
        shared = nn.Linear(6, 6)
        tied, embedding = nn.Linear(6, 9, bias=False), nn.Embedding(9, 6)
        tied.weight = embedding.weight
        encoder = Stack(nn.Linear(6, 6), shared, nn.ReLU(), embedding, tied)
        encoder.again = nn.Sequential(shared)
        assert list(adaptable(encoder)) == ["layers.0"]

    def test_subclasses_are_left_out(self):
        class Standardised(nn.Conv2d):
            pass

        attention = nn.MultiheadAttention(6, 2)
        with pytest.raises(NotApplicable, match=r"no layer of the type nn\.Linear or nn\.Conv1d or nn\.Conv2d"):
            adaptable(Stack(Standardised(3, 6, 1), attention, nn.LayerNorm(6)))

    def test_an_encoder_without_them_is_skipped_with_the_reason(self, catalog, run_pairings):
        """The window over words is a Conv1d, for which peft has no (IA)^3."""
        (row, *_) = run_pairings(catalog, tasks=["toy/names"], strategies=["ia3"]).rows
        assert row.status == "skipped"
        assert "no layer of the type nn.Linear or nn.Conv2d" in row.reason

    def test_a_name_that_ends_like_another_is_another(self, networks):
        """Of a list of names peft takes each layer that ends like one: here one with groups, which cannot be merged."""
        request = request_for(Namesakes.model(), networks["images"][1], steps=0)
        merged.lora(request)
        assert {name for name in request.trainer.start if ".lora_A." in name} == {"encoder.conv.lora_A.default.weight"}


class Namesakes(Encoder):
    """A convolution, and one of the same name with groups in a part."""

    feature_dim = 6

    def __init__(self):
        super().__init__()
        self.conv, self.part = nn.Conv2d(3, 6, 1), nn.Module()
        self.part.conv = nn.Conv2d(6, 6, 1, groups=2)

    def forward(self, maps):
        return self.part.conv(self.conv(maps)).mean((2, 3))

    @classmethod
    def model(cls):
        return TransferModel(cls(), {"target": nn.Linear(6, len(LABELS))}).eval()
