"""Learning without forgetting and replay, beside plain PyTorch and numpy."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from retention_case import assert_close, assert_same_bits, cross_entropy, finetune, plain

from tlbench import REGRESSION
from tlbench.learning import concatenate
from tlbench_retention import lwf


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
