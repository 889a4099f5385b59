"""SHOT, TENT and pseudo-labels against plain formulas, on small arrays and on the toy's tasks."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from scipy.special import log_softmax, softmax
from scipy.stats import entropy as entropy_of

from tlbench import NotApplicable
from tlbench.learning.model import apply_head, encode, state_hash
from tlbench_source_free.pseudo_label import confident
from tlbench_source_free.shot import mutual_information, nearest_centroids, pseudo_labels
from tlbench_source_free.tent import entropy, normalisations

BATCHNORM = {"backbones": ["toy/mlp-batchnorm"]}


def drawn(*shape, seed=0, scale=2.0):
    return np.random.default_rng(seed).normal(0, scale, shape)


def entropy_of_predictions(model, inputs, head):
    """Mean entropy in evaluation mode, by scipy."""
    return entropy_of(softmax(apply_head(model.heads[head], encode(model, inputs)), 1), axis=1).mean()


class TestShot:
    def test_information_maximisation_equals_that_of_numpy(self):
        logits = drawn(50, 4)
        probabilities = softmax(logits, 1)
        expected = entropy_of(probabilities.mean(0)) - entropy_of(probabilities, axis=1).mean()
        assert mutual_information(torch.from_numpy(logits)).item() == pytest.approx(expected, abs=1e-12)

    def test_a_class_that_is_never_predicted_leaves_the_loss_and_its_gradient_finite(self):
        logits = torch.tensor([[0.0, -2000.0], [0.0, -2000.0]], requires_grad=True)
        mutual_information(logits).backward()
        assert torch.isfinite(logits.grad).all()

    def test_labels_are_those_of_the_nearest_weighted_centroid_as_in_numpy(self):
        features, probabilities = drawn(60, 5), softmax(drawn(60, 3, seed=1), 1)
        weights = probabilities
        for _ in range(2):
            centroids = (weights[:, :, None] * features[:, None]).sum(0) / weights.sum(0)[:, None]
            distances = [[1 - f @ c / np.linalg.norm(f) / np.linalg.norm(c) for c in centroids] for f in features]
            labels = np.argmin(distances, 1)
            weights = np.eye(3)[labels]
        assert len(set(labels)) == 3
        found = nearest_centroids(torch.from_numpy(features), torch.from_numpy(probabilities))
        assert found.tolist() == labels.tolist()

    def test_a_class_without_a_unit_takes_no_part_in_the_second_round(self):
        features = torch.tensor([[1.0, 0.1], [1.0, -0.1], [0.9, 0.0]])
        probabilities = torch.tensor([[0.9, 0.1], [0.9, 0.1], [0.9, 0.1]])
        assert nearest_centroids(features, probabilities).unique().numel() == 1

    def test_each_example_has_the_labels_of_its_own_units(self, pairing_of, source_of):
        prepared, source = source_of(pairing_of("toy/names", "shot"))
        source.heads["target"] = copy.deepcopy(source.heads["source"])
        split = prepared.split("target-train")
        labels = pseudo_labels(source, split.inputs)
        assert labels.counts.tolist() == split.targets.counts.tolist()
        features = encode(source, split.inputs)
        probabilities = softmax(apply_head(source.heads["target"], features), 1)
        expected = nearest_centroids(torch.from_numpy(features), torch.from_numpy(probabilities))
        assert labels.values.tolist() == expected.tolist()

    @pytest.mark.parametrize("task", ["toy/blobs", "toy/names"])
    def test_the_head_stays_and_target_outputs_tell_more(self, adapted, task):
        _, prepared, source, model = adapted("shot", task)
        assert state_hash(model.heads["target"]) == state_hash(source.heads["source"])
        inputs = prepared.split("target-train").inputs

        def told(one, head):
            logits = apply_head(one.heads[head], encode(one, inputs))
            return mutual_information(torch.from_numpy(logits)).item()

        assert told(model, "target") > told(source, "source")


class TestTent:
    def test_the_gradient_is_that_of_the_plain_formula(self):
        logits = torch.from_numpy(drawn(20, 3)).requires_grad_()
        entropy(logits).backward()
        # d/dz_k of H(softmax z) is -p_k (log p_k + H).
        log = log_softmax(logits.detach().numpy(), 1)
        expected = -np.exp(log) * (log + entropy_of(np.exp(log), axis=1)[:, None]) / 20
        assert np.allclose(logits.grad.numpy(), expected, atol=1e-14)
        plain = logits.detach().clone().requires_grad_()
        probabilities = plain.softmax(1)
        (-probabilities * probabilities.log()).sum(1).mean().backward()
        assert torch.allclose(logits.grad, plain.grad, atol=1e-14)

    def test_scale_and_shift_of_normalisation_alone_change_and_the_entropy_falls(self, adapted):
        _, prepared, source, model = adapted("tent", **BATCHNORM, overrides={"tent.learning_rate": 0.01})
        inside = {id(value) for layer in normalisations(model.encoder) for value in layer.parameters()}
        assert inside
        old = dict(source.encoder.named_parameters())
        changed = {name for name, value in model.encoder.named_parameters() if not torch.equal(value, old[name])}
        assert changed == {name for name, value in model.encoder.named_parameters() if id(value) in inside}
        assert state_hash(model.heads["target"]) == state_hash(source.heads["source"])
        inputs = prepared.split("target-train").inputs
        assert entropy_of_predictions(model, inputs, "target") < entropy_of_predictions(source, inputs, "source")

    def test_without_a_step_it_is_adabn(self, adapted):
        *_, tent = adapted("tent", **BATCHNORM, overrides={"tent.steps": 0})
        *_, adabn = adapted("adabn", **BATCHNORM)
        assert state_hash(tent) == state_hash(adabn)

    def test_an_encoder_without_normalisation_is_not_applicable(self, adapted):
        with pytest.raises(NotApplicable, match="no normalisation layers"):
            adapted("tent")


class TestPseudoLabel:
    def test_labels_are_the_likeliest_classes_from_the_threshold_on(self):
        logits = torch.tensor([[0.0, 0.0], [3.0, 0.0], [0.0, 1.0]])
        labels, kept = confident(logits, 0.9)
        assert labels[1:].tolist() == [0, 1]
        assert kept.tolist() == [False, True, False]

    def test_above_one_the_source_model_stays_bit_for_bit(self, adapted):
        *_, source, model = adapted("pseudo-label", **BATCHNORM, overrides={"pseudo-label.threshold": 1.1})
        assert state_hash(model.encoder) == state_hash(source.encoder)
        assert state_hash(model.heads["target"]) == state_hash(source.heads["source"])

    @pytest.mark.parametrize("task", ["toy/blobs", "toy/names"])
    def test_predictions_become_more_certain(self, adapted, task):
        _, prepared, source, model = adapted("pseudo-label", task, overrides={"pseudo-label.threshold": 0.6})
        inputs = prepared.split("target-train").inputs
        assert entropy_of_predictions(model, inputs, "target") < entropy_of_predictions(source, inputs, "source")

    def test_the_source_model_labels_not_the_model_in_training(self, adapted):
        """With all units kept and many steps the model says what the source model said."""
        overrides = {"pseudo-label.threshold": 0.0, "pseudo-label.steps": 300, "pseudo-label.learning_rate": 0.003}
        _, prepared, source, model = adapted("pseudo-label", overrides=overrides)
        inputs = prepared.split("target-train").inputs
        said = [
            apply_head(one.heads[head], encode(one, inputs)).argmax(1)
            for one, head in ((source, "source"), (model, "target"))
        ]
        assert (said[0] == said[1]).mean() > 0.97
