"""What the shipped strategies do to a source model, on the toy's small tasks."""

from __future__ import annotations

import copy
import dataclasses

import numpy as np
import pytest
import torch

from tlbench import REGRESSION
from tlbench.engine.given import seen_labels
from tlbench.learning.loop import reverse_gradient
from tlbench.learning.model import encode, state_hash
from tlbench.learning.probe import fit_probe
from tlbench_adversarial.strategy import annealed


def test_constant_says_the_frequencies_of_the_budget_for_every_input(adapted, pairing_of):
    _, prepared, _, model = adapted("constant", "toy/names")
    budget = seen_labels(pairing_of("toy/names", "constant"), prepared).targets.values
    head = model.heads["target"]
    expected = (np.bincount(budget, minlength=head.out_features) + 1) / (len(budget) + head.out_features)
    assert torch.count_nonzero(head.weight) == 0
    assert np.allclose(head.bias.softmax(0).detach().numpy(), expected)


def test_source_only_changes_nothing(adapted):
    *_, source, model = adapted("source-only")
    assert state_hash(model.encoder) == state_hash(source.encoder)
    assert state_hash(model.heads["target"]) == state_hash(source.heads["source"])


def test_frozen_is_logistic_regression_on_the_source_s_features(adapted, pairing_of):
    _, prepared, source, model = adapted("frozen")
    budget = seen_labels(pairing_of("toy/blobs", "frozen"), prepared)
    probe = fit_probe(encode(source, budget.inputs), budget.targets.values, 3)
    assert np.array_equal(model.heads["target"].weight.detach().numpy(), probe.weight)
    assert state_hash(model.encoder) == state_hash(source.encoder)


def test_finetune_starts_from_the_source_and_scratch_does_not(adapted):
    *_, source, tuned = adapted("finetune", overrides={"finetune.learning_rate": 1e-6})
    *_, new = adapted("scratch", overrides={"scratch.learning_rate": 1e-6})

    def distance(model) -> float:
        pairs = zip(model.encoder.parameters(), source.encoder.parameters(), strict=True)
        return max(float((one - other).abs().max().detach()) for one, other in pairs)

    assert 0 < distance(tuned) < 1e-3 < distance(new)


def test_all_labels_sees_every_target_label(pairing_of, prepare_in):
    pairing = pairing_of("toy/blobs", "all-labels")
    prepared = prepare_in(pairing)
    assert len(seen_labels(pairing, prepared)) == len(prepared.split("target-train")) > pairing.label_budget.total


class TestAdaBN:
    def test_statistics_become_the_target_s_and_no_weight_moves(self, adapted):
        _, prepared, source, model = adapted("adabn", backbones=["toy/mlp-batchnorm"])
        for one, other in zip(model.parameters(), with_head(source).parameters(), strict=True):
            assert torch.equal(one, other)
        encoder = model.encoder
        rows = torch.from_numpy(np.array(prepared.split("target-train").inputs.columns[0]))
        before_norm = encoder.layers[0]((rows - encoder.mean) / encoder.std)
        assert torch.allclose(encoder.layers[1].running_mean, before_norm.mean(0), atol=1e-5)
        assert torch.allclose(encoder.layers[1].running_var, before_norm.var(0), rtol=1e-4)

    def test_a_backbone_without_batchnorm_is_skipped_with_the_reason(self, pairing_of):
        assert "batch normalisation" in pairing_of("toy/blobs", "adabn").skip


def with_head(source):
    model = copy.deepcopy(source)
    model.heads["target"] = copy.deepcopy(model.heads["source"])
    return model


def _coordinates(request):
    """The blobs, labelled by their first two coordinates."""
    from tlbench.testing.toy.data import load_blobs

    data = load_blobs(request)

    def told(side):
        train, test = (
            dataclasses.replace(half, labels=np.stack(half.inputs)[:, :2]) for half in (side.train, side.test)
        )
        return dataclasses.replace(side, labels=("x", "y"), train=train, test=test)

    return dataclasses.replace(data, source=told(data.source), target=told(data.target))


class TestAdversarial:
    def test_the_gradient_is_reversed_and_scaled(self):
        features = torch.tensor([1.0, -2.0], requires_grad=True)
        reverse_gradient(features, 0.5).sum().backward()
        assert features.grad.tolist() == [-0.5, -0.5]

    def test_the_learning_rate_falls_as_in_the_paper_behind_a_warm_up(self):
        assert annealed(0.0) < annealed(0.05) < annealed(0.1)
        assert annealed(1.0) == pytest.approx(11**-0.75)

    @pytest.mark.parametrize("task", ["toy/blobs", "toy/names"])
    def test_both_heads_are_the_trained_one_and_the_conditional_form_is_another(self, adapted, task):
        hashes = set()
        for conditional in (False, True):
            run_request = {"overrides": {"adversarial.conditional": conditional}}
            *_, source, model = adapted("adversarial", task, **run_request)
            assert state_hash(model.heads["target"]) == state_hash(model.heads["source"])
            assert state_hash(model.encoder) != state_hash(source.encoder)
            hashes.add(state_hash(model))
        assert len(hashes) == 2

    def test_numbers_are_no_probabilities_to_condition_on(self, catalog, run_pairings):
        task = dataclasses.replace(catalog.task("toy/blobs"), kind=REGRESSION, metric="r2", load=_coordinates)
        changed = dataclasses.replace(catalog, tasks={task.name: task})
        hashes = set()
        for conditional in (False, True):
            overrides = {"adversarial.conditional": conditional, "source.steps": 3, "adversarial.steps": 3}
            (row,) = run_pairings(changed, tasks=[task.name], strategies=["adversarial"], overrides=overrides).rows
            hashes.add(row.onnx_sha256)
        assert len(hashes) == 1
        assert None not in hashes

    def test_domains_come_closer_in_the_features(self, adapted, catalog):
        from tlbench.engine.scoring import extract_features
        from tlbench.learning import a_distance

        _, prepared, source, model = adapted(
            "adversarial", overrides={"adversarial.steps": 200, "adversarial.weight": 2}
        )
        task = catalog.task("toy/blobs")
        before, after = (extract_features(task, one, prepared) for one in (source, model))
        distances = [a_distance(one.source_test.values, one.target_test.values) for one in (before, after)]
        assert distances[1] < distances[0]
