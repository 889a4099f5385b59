"""Strategies against forgetting, beside plain PyTorch, torch.func, numpy, avalanche and their limit cases."""

from __future__ import annotations

import copy
import dataclasses
import re

import numpy as np
import pytest
import torch
from support import HERE, silent
from torch import nn
from torch.func import functional_call, grad, vmap

from tlbench import REGRESSION
from tlbench.engine.adaptation import adapt, adapt_request
from tlbench.engine.given import declared_parts
from tlbench.learning import concatenate, one_cycle
from tlbench.learning.model import state_hash
from tlbench.planning.catalog import load_catalog
from tlbench.planning.discovery import plugin_file
from tlbench.testing.toy import toy_candidate
from tlbench.testing.toy.data import load_alone
from tlbench_retention import ewc, lwf

STEPS, RATE, DECAY = 8, 1e-2, 1e-4
TASKS = {
    "toy/blobs": "toy/mlp-batchnorm",
    "toy/shapes": "toy/mlp",
    "toy/alone": "toy/mlp-batchnorm",
    "toy/names": "words/window",
}
"""Labels that agree, labels that differ, no source, and words; with BatchNorm and without."""


@dataclasses.dataclass
class Case:
    """A strategy on a task, behind a short training of the source model."""

    pairing: object
    prepared: object
    source: object

    def adapted(self, function=None):
        """Return the model that the strategy makes, or another function with its options."""
        strategy = self.pairing.strategy
        strategy = dataclasses.replace(strategy, adapt=function or strategy.adapt)
        return adapt(dataclasses.replace(self.pairing, strategy=strategy), self.prepared, self.source, silent).model

    def request(self):
        parts = declared_parts(self.pairing, self.prepared)
        return adapt_request(self.pairing, self.prepared, self.source, parts)


@pytest.fixture
def case(pairing_of, source_of):
    def make(strategy, task="toy/blobs", seed=0, source_steps=10, **options):
        options = {"steps": STEPS, "learning_rate": RATE, "weight_decay": DECAY, **options}
        overrides = {f"{strategy}.{name}": value for name, value in options.items()}
        overrides["source.steps"] = source_steps
        pairing = pairing_of(task, strategy, backbones=[TASKS[task]], seeds=[seed], overrides=overrides)
        return Case(pairing, *source_of(pairing))

    return make


def finetune(request):
    request.fit(request.model, request.target.train)
    return request.model


def assert_same_bits(model, expected, parts=("encoder", "heads.target")):
    for part in parts:
        assert state_hash(model.get_submodule(part)) == state_hash(expected.get_submodule(part))


def assert_close(model, expected):
    for name, value in model.state_dict().items():
        torch.testing.assert_close(value, expected.state_dict()[name], rtol=1e-4, atol=1e-6, msg=name)


def plain(gradients, modules=lambda model: [model.encoder, model.heads["target"]]):
    """A loop in plain PyTorch, around a function of the model and its batches that sets the gradients."""

    def train(request):
        model = request.model
        parameters = [one for module in modules(model) for one in module.parameters() if one.requires_grad]
        optimizer = torch.optim.AdamW(parameters, lr=RATE, weight_decay=DECAY)
        set_gradients = gradients(request)
        for module in modules(model):
            module.train()
        for step in range(STEPS):
            optimizer.param_groups[0]["lr"] = RATE * one_cycle(step / STEPS)
            optimizer.zero_grad()
            set_gradients()
            nn.utils.clip_grad_norm_(parameters, 5.0)
            optimizer.step()
        return model.eval()

    return train


def cross_entropy(outputs, targets):
    """Written out: the mean of log sum exp z - z_y."""
    return (outputs.logsumexp(-1) - outputs.gather(-1, targets[:, None])[:, 0]).mean()


class TestL2SP:
    @pytest.mark.parametrize("task", TASKS)
    def test_without_a_penalty_it_is_fine_tuning_bit_for_bit(self, case, task):
        one = case("l2-sp", task, alpha=0.0, beta=0.0)
        assert_same_bits(one.adapted(), one.adapted(finetune))

    def test_the_penalties_are_those_of_the_paper(self, case):
        """The gradients written out: alpha (w - w_source) and beta w."""
        one = case("l2-sp", "toy/shapes", alpha=0.7, beta=0.3)

        def gradients(request):
            model, batches = request.model, request.batches(request.target.train)
            start = copy.deepcopy(model.encoder)

            def set_gradients():
                inputs, targets, _ = next(batches)
                cross_entropy(model(*inputs).units, targets.values).backward()
                for now, was in zip(model.encoder.parameters(), start.parameters(), strict=True):
                    now.grad += 0.7 * (now - was).detach()
                for weight in model.heads["target"].parameters():
                    weight.grad += 0.3 * weight.detach()

            return set_gradients

        assert_close(one.adapted(), one.adapted(plain(gradients)))

    def test_numbers_of_a_new_head_have_the_scale_that_fine_tuning_gives_them(self, case, catalog, plan_of, source_of):
        task = dataclasses.replace(catalog.task("toy/alone"), kind=REGRESSION, metric="r2", load=amounts, labels=None)
        changed = dataclasses.replace(catalog, tasks={task.name: task})
        overrides = {"l2-sp.alpha": 0.0, "l2-sp.beta": 0.0, "l2-sp.weight_decay": DECAY, "l2-sp.steps": STEPS}
        request = {"tasks": [task.name], "strategies": ["l2-sp"], "backbones": ["toy/mlp"], "overrides": overrides}
        (pairing,) = plan_of(changed, **request).pairings
        one = Case(pairing, *source_of(pairing))
        model = one.adapted()
        assert model.heads["target"].scale > 100
        assert_same_bits(model, one.adapted(finetune))

    def test_l2_sp_of_the_guide_gives_the_same_numbers(self, tmp_path, run_pairings):
        """What a reader writes from the guide, in one file, as `--plugin` takes it."""
        path = tmp_path / "guided.py"
        path.write_text(l2_sp_of_the_guide())
        catalog = load_catalog(also=[toy_candidate(), plugin_file(path)])
        names = ["l2sp", "l2-sp"]
        rows = run_pairings(catalog, tasks=["toy/shapes"], strategies=names, seeds=[1]).rows
        guided, shipped = (next(row for row in rows if row.strategy == name) for name in names)
        assert shipped.status == "ok"
        assert guided.strategy_options == shipped.strategy_options
        assert guided.onnx_sha256 == shipped.onnx_sha256
        for number in ("score", "scores", "eager_score", "forgetting_head", "forgetting_probe", "score_matrix"):
            assert getattr(guided, number) == getattr(shipped, number)


def amounts(request):
    """`toy/alone` with a number in the thousands in place of each label."""
    data = load_alone(request)
    halves = {
        name: dataclasses.replace(half, labels=1000.0 * np.stack(half.inputs)[:, :1])
        for name, half in (("train", data.target.train), ("test", data.target.test))
    }
    return dataclasses.replace(data, target=dataclasses.replace(data.target, labels=("amount",), **halves))


def l2_sp_of_the_guide():
    """The two files of the guide as one, which holds the function that the spec would import."""
    page = (HERE.parent / "docs" / "plugin-guide.md").read_text()
    strategy, plugin = (
        re.search(rf"`tlbench_l2sp/{name}\.py`:\n\n```python\n(.*?)```", page, re.DOTALL)[1]
        for name in ("strategy", "plugin")
    )
    spec = plugin.replace('deferred("tlbench_l2sp.strategy", "adapt")', "adapt")
    assert spec != plugin
    return strategy + spec.replace("from __future__ import annotations\n", "")


class TestEWC:
    def test_the_fisher_information_is_that_of_gradients_of_single_examples(self, case):
        one = case("ewc", examples=1000)  # All source examples, of which there are fewer.
        request = one.request()
        model, (rows,) = request.model, request.source.train.inputs.batch(np.arange(len(request.source.train)))
        targets = torch.from_numpy(request.source.train.targets.values)
        weights = {name: weight.detach() for name, weight in model.encoder.named_parameters()}

        def loss(weights, row, target):
            outputs = model.heads["source"](functional_call(model.encoder, weights, (row[None],)))
            return cross_entropy(outputs, target[None])

        gradients = vmap(grad(loss), in_dims=(None, 0, 0))(weights, rows, targets)
        expected = [gradients[name].square().mean(0) for name in weights]
        fisher = ewc.fisher_information(request)
        assert min(float(part.max()) for part in fisher) > 1e-6
        torch.testing.assert_close(fisher, expected, rtol=1e-4, atol=1e-8)

    def test_the_fisher_information_is_that_of_avalanche(self, case):
        avalanche = pytest.importorskip("avalanche.training.plugins.ewc")
        request = case("ewc", examples=1000).request()
        examples = request.source.train
        (rows,) = examples.inputs.batch(np.arange(len(examples)))
        targets = torch.from_numpy(examples.targets.values)
        data = torch.utils.data.TensorDataset(rows, targets, torch.zeros(len(rows)))
        whole = nn.Sequential(request.model.encoder, request.model.heads["source"])
        optimizer = torch.optim.SGD(whole.parameters(), lr=0.1)
        measured = avalanche.EWCPlugin(ewc_lambda=1.0).compute_importances(
            whole, nn.CrossEntropyLoss(), optimizer, data, "cpu", batch_size=1
        )
        expected = [part.data for name, part in measured.items() if name.startswith("0.")]
        request.model.eval()
        torch.testing.assert_close(ewc.fisher_information(request), expected, rtol=1e-4, atol=1e-8)

    def test_without_a_penalty_it_is_fine_tuning_bit_for_bit(self, case):
        one = case("ewc", strength=0.0, examples=20)

        def after_the_same_draws(request):
            ewc.fisher_information(request)
            return finetune(request)

        assert_same_bits(one.adapted(), one.adapted(after_the_same_draws))

    def test_the_penalty_is_that_of_the_paper(self, case):
        """Its gradient written out: lambda F (w - w_source)."""
        one = case("ewc", "toy/shapes", strength=5000.0, examples=30)

        def gradients(request):
            model, fisher = request.model, ewc.fisher_information(request)
            start, batches = copy.deepcopy(model.encoder), request.batches(request.target.train)

            def set_gradients():
                inputs, targets, _ = next(batches)
                cross_entropy(model(*inputs).units, targets.values).backward()
                for now, was, held in zip(model.encoder.parameters(), start.parameters(), fisher, strict=True):
                    now.grad += 5000.0 * held * (now - was).detach()

            return set_gradients

        assert_close(one.adapted(), one.adapted(plain(gradients)))


class TestLwF:
    def test_the_distillation_is_that_of_the_paper(self):
        """Equations 2 and 3 of Li & Hoiem 2016 in numpy, on probabilities: y' = y^(1/T) / sum y^(1/T)."""
        generator = np.random.default_rng(0)
        old, new = generator.normal(size=(2, 5, 4))

        def softened(outputs):
            probabilities = np.exp(outputs) / np.exp(outputs).sum(1, keepdims=True)
            rooted = probabilities ** (1 / 2)
            return rooted / rooted.sum(1, keepdims=True)

        expected = -(softened(old) * np.log(softened(new))).sum(1).mean()
        measured = lwf.distillation(torch.from_numpy(old), torch.from_numpy(new), 2.0)
        assert float(measured) == pytest.approx(expected, rel=1e-12)

    @pytest.mark.parametrize("task", ["toy/blobs", "toy/shapes", "toy/names"])
    def test_without_weight_it_is_fine_tuning_bit_for_bit(self, case, task):
        one = case("lwf", task, weight=0.0)
        assert_same_bits(one.adapted(), one.adapted(finetune))

    def test_the_old_answers_are_those_of_the_source_model(self, case):
        one = case("lwf", "toy/shapes", weight=3.0)

        def gradients(request):
            model, batches = request.model, request.batches(request.target.train)

            def set_gradients():
                inputs, targets, _ = next(batches)
                old = one.source(*inputs, head="source").units.detach()
                kept = model(*inputs, head="source").units
                distilled = -((old / 2).softmax(-1) * (kept / 2).log_softmax(-1)).sum(-1).mean()
                (cross_entropy(model(*inputs).units, targets.values) + 3.0 * distilled).backward()

            return set_gradients

        model = one.adapted()
        assert_close(model, one.adapted(plain(gradients, modules=lambda model: [model])))
        assert not torch.equal(model.heads["source"].weight, one.source.heads["source"].weight)

    @pytest.mark.parametrize("strategy", ["lwf", "ewc"])
    def test_numbers_have_no_class_probabilities(self, catalog, plan_of, strategy):
        task = dataclasses.replace(catalog.task("toy/blobs"), kind=REGRESSION, metric="r2")
        changed = dataclasses.replace(catalog, tasks={task.name: task})
        (pairing,) = plan_of(changed, tasks=[task.name], strategies=[strategy]).pairings
        assert "class probabilities" in pairing.skip


class TestReplay:
    def test_it_is_joint_training_on_a_memory(self, case):
        one = case("replay", "toy/shapes", memory=10, batch_size=16)
        seen = set()

        def gradients(request):
            model, source = request.model, request.source.train
            kept = torch.randperm(len(source), generator=request.generator)[:10].numpy()
            memory = source.select(kept)
            new, old = request.batches(request.target.train), request.batches(memory)

            def set_gradients():
                inputs, targets, _ = next(new)
                old_inputs, old_targets, places = next(old)
                seen.update(kept[places.numpy()].tolist())
                features = model.encoder(*concatenate(inputs, old_inputs))
                first = cross_entropy(model.heads["target"](features[:16]), targets.values)
                second = cross_entropy(model.heads["source"](features[16:]), old_targets.values)
                (first + second).backward()

            return set_gradients

        assert_close(one.adapted(), one.adapted(plain(gradients, modules=lambda model: [model])))
        assert len(seen) == 10


def test_old_answers_and_a_memory_forget_less_than_fine_tuning(case):
    rough = {"steps": 100, "learning_rate": 0.1, "source_steps": 60}
    kept = {
        name: np.mean([source_accuracy(case(name, "toy/shapes", seed=seed, **rough, **options)) for seed in range(3)])
        for name, options in {"finetune": {}, "lwf": {"weight": 30.0}, "replay": {"memory": 240}}.items()
    }
    assert min(kept["lwf"], kept["replay"]) > kept["finetune"] + 0.05


def source_accuracy(one):
    """The part of the source test that the head `source` has right behind the adaptation."""
    model, test = one.adapted(), one.prepared.split("source-test")
    outputs = model(*test.inputs.batch(np.arange(len(test))), head="source").units
    return float((outputs.argmax(-1).numpy() == test.targets.values).mean())


class TestWiSEFT:
    @pytest.mark.parametrize("task", TASKS)
    def test_at_one_it_is_fine_tuning_bit_for_bit(self, case, task):
        one = case("wise-ft", task, alpha=1.0)
        assert_same_bits(one.adapted(), one.adapted(finetune))

    @pytest.mark.parametrize("task", TASKS)
    def test_at_zero_the_encoder_is_that_of_the_source_bit_for_bit(self, case, task):
        one = case("wise-ft", task, alpha=0.0)
        model, tuned, start = one.adapted(), one.adapted(finetune), one.request().model
        counter = "layers.1.num_batches_tracked"  # It counts the batches that were trained on.
        states = [{**part.encoder.state_dict(), counter: 0} for part in (model, start)]
        assert all(
            torch.equal(torch.as_tensor(value), torch.as_tensor(states[1][name])) for name, value in states[0].items()
        )
        new = task in ("toy/shapes", "toy/alone")
        assert_same_bits(model, tuned if new else start, parts=["heads.target"])

    def test_between_them_weights_and_statistics_are_the_mean(self, case):
        one = case("wise-ft", alpha=0.25)
        model, tuned, start = one.adapted(), one.adapted(finetune).state_dict(), one.request().model.state_dict()
        assert not torch.equal(tuned["encoder.layers.1.running_var"], start["encoder.layers.1.running_var"])
        for name, value in model.state_dict().items():
            if value.is_floating_point():
                expected = 0.75 * start[name].double().numpy() + 0.25 * tuned[name].double().numpy()
                np.testing.assert_allclose(value.numpy(), expected, rtol=1e-5, atol=1e-7)


class TestSAM:
    @pytest.mark.parametrize("task", TASKS)
    def test_at_distance_zero_it_is_fine_tuning_bit_for_bit(self, case, task):
        one = case("sam", task, rho=0.0)
        # Both passes of a step drop the same units.
        append = getattr(getattr(one.source.encoder, "layers", None), "append", None)
        if append:
            append(nn.Dropout(0.5))
        assert_same_bits(one.adapted(), one.adapted(finetune))

    def test_a_step_is_that_of_the_paper(self, case):
        """Weights are moved in place, and moved back behind the second pass."""
        one = case("sam", rho=0.5)
        # Of a bias before BatchNorm the gradient is 0 but for rounding, which AdamW scales up.
        one.source.encoder.layers[0].bias.requires_grad_(False)

        def gradients(request):
            model, batches = request.model, request.batches(request.target.train)
            weights = [*model.encoder.parameters(), *model.heads["target"].parameters()]
            weights = [weight for weight in weights if weight.requires_grad]
            norm = model.encoder.layers[1]

            def set_gradients():
                inputs, targets, _ = next(batches)
                cross_entropy(model(*inputs).units, targets.values).backward()
                length = torch.sqrt(sum((weight.grad**2).sum() for weight in weights))
                steps = [0.5 * weight.grad / length for weight in weights]
                with torch.no_grad():
                    for weight, step in zip(weights, steps, strict=True):
                        weight += step
                        weight.grad = None
                momentum, norm.momentum = norm.momentum, 0.0
                cross_entropy(model(*inputs).units, targets.values).backward()
                norm.momentum = momentum
                norm.num_batches_tracked -= 1
                with torch.no_grad():
                    for weight, step in zip(weights, steps, strict=True):
                        weight -= step

            return set_gradients

        assert_close(one.adapted(), one.adapted(plain(gradients)))
