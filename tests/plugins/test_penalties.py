"""L2-SP and EWC, beside plain PyTorch, torch.func and avalanche."""

from __future__ import annotations

import copy
import dataclasses
import re

import numpy as np
import pytest
import torch
from retention_case import DECAY, STEPS, TASKS, Case, assert_close, assert_same_bits, cross_entropy, finetune, plain
from support import HERE
from torch import nn
from torch.func import functional_call, grad, vmap

from tlbench import REGRESSION
from tlbench.planning.catalog import load_catalog
from tlbench.planning.discovery import plugin_file
from tlbench.testing.toy import toy_candidate
from tlbench.testing.toy.data import load_alone
from tlbench_retention import ewc


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
