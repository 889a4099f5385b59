"""Whole strategies for few labels: the weights of a few steps are those of plain loops written from the papers."""

from __future__ import annotations

import copy
import math

import numpy as np
import torch
from plain_steps import assert_equal_weights, descend, error, fine_tune
from retention_case import RATE
from torch import nn

from tlbench_few_labels.episodes import draw_episode, examples_of_classes
from tlbench_few_labels.reptile import episode_batches

STEPS = 8


def test_mean_teacher(case):
    """Tarvainen & Valpola 2017: squared differences of probabilities, a ramp over 4/15 of training, and an average."""
    weight, decay = 20.0, 0.6

    def plain(request):
        student = request.model
        teacher = copy.deepcopy(student).train()
        labelled = request.batches(request.target.train)
        unlabelled = request.batches(request.target.unlabelled, views=2)

        def loss(step):
            inputs, targets, _ = next(labelled)
            (first, second), _, _ = next(unlabelled)
            with torch.no_grad():
                expected = torch.softmax(teacher(*second).units, 1)
            consistency = ((torch.softmax(student(*first).units, 1) - expected) ** 2).mean()
            time = min(1.0, (step / STEPS) / (4 / 15))
            return error(student(*inputs).units, targets.values) + weight * math.exp(-5 * (1 - time) ** 2) * consistency

        @torch.no_grad()
        def average(step):
            kept = min(step / (step + 1), decay)
            for old, new in zip(teacher.parameters(), student.parameters(), strict=True):
                old.copy_(kept * old + (1 - kept) * new)

        descend([student.encoder, student.heads["target"]], loss, STEPS, after=average)
        return teacher

    made = case("mean-teacher", backbone="toy/mlp", weight=weight, decay=decay)
    assert_equal_weights(made.adapted(), made.adapted(plain))


def test_fixmatch(case):
    """Sohn et al. 2020: the weak view's confident label, and the strong view's error on it."""

    def plain(request):
        model, options = request.model, request.options
        labelled = request.batches(request.target.train)
        size = options["ratio"] * options["batch_size"]
        unlabelled = request.batches(request.target.unlabelled, augment=("weak", "strong"), size=size)

        def loss(step):
            inputs, targets, _ = next(labelled)
            (weak, strong), _, _ = next(unlabelled)
            guesses = torch.softmax(model(*weak).units, 1).detach()
            outputs = model(*strong).units
            confident = guesses.max(1).values >= 0.6
            assert 0 < confident.sum() < len(guesses)
            pseudo = error(outputs[confident], guesses[confident].argmax(1)) * confident.sum() / len(guesses)
            return error(model(*inputs).units, targets.values) + 2.0 * pseudo

        descend([model.encoder, model.heads["target"]], loss, STEPS)
        return model

    made = case("fixmatch", backbone="toy/mlp", threshold=0.6, weight=2.0)
    assert_equal_weights(made.adapted(), made.adapted(plain))


def test_prototypes(case):
    """Snell et al. 2017, algorithm 1: queries against the means of the support."""
    ways, shots, queries = 3, 2, 3

    def plain(request):
        model, source = request.model, request.source
        present = examples_of_classes(source)

        def loss(step):
            drawn = list(draw_episode(present, ways, shots + queries, request.generator).values())
            places = np.concatenate([one[:shots] for one in drawn] + [one[shots:] for one in drawn])
            inputs, _, order = next(request.batches(source.train.select(places), size=len(places)))
            features = torch.empty(len(places), model.encoder.feature_dim)
            features = features.index_copy(0, order, model.features(*inputs))
            means = features[: ways * shots].reshape(ways, shots, -1).mean(1)
            distances = ((features[ways * shots :, None] - means) ** 2).sum(2)
            return error(-distances, torch.arange(ways).repeat_interleave(queries))

        descend([model.encoder], loss, STEPS)
        return model

    made = case("prototypes", "toy/shapes", ways=ways, shots=shots, queries=queries)
    assert_equal_weights(made.adapted(), made.adapted(plain), ["encoder"])


def test_reptile(case):
    """Nichol et al. 2018: Adam without momentum within episodes, then a step to their end whose rate falls to 0."""
    tuning, inner, meta_rate = 3, 2, 0.7
    episodes = STEPS - tuning

    def plain(request):
        model = request.model
        weights = [*model.encoder.parameters(), *model.heads["target"].parameters()]
        phi, squares = [weight.detach().clone() for weight in weights], [torch.zeros_like(one) for one in weights]
        batches = episode_batches(request)
        model.train()
        for step in range(episodes):
            inputs, labels = next(batches)
            known = labels >= 0
            gradients = torch.autograd.grad(error(model(*inputs).units[known], labels[known]), weights)
            norm = float(torch.cat([one.flatten() for one in gradients]).norm())
            with torch.no_grad():
                for weight, gradient, square in zip(weights, gradients, squares, strict=True):
                    gradient = gradient * min(1.0, 5 / norm)
                    square.copy_(0.999 * square + 0.001 * gradient**2)
                    weight -= RATE * gradient / ((square / (1 - 0.999 ** (step + 1))).sqrt() + 1e-8)
                if (step + 1) % inner == 0 or step + 1 == episodes:
                    rate = meta_rate * (1 - step / episodes)
                    for start, weight in zip(phi, weights, strict=True):
                        start += rate * (weight - start)
                        weight.copy_(start)
        fine_tune(request, model, tuning)
        return model

    made = case("reptile", "toy/shapes", tuning_steps=tuning, inner_steps=inner, meta_rate=meta_rate)
    assert_equal_weights(made.adapted(), made.adapted(plain))


def test_error_is_the_cross_entropy_of_torch():
    """The test of the tests."""
    logits, labels = torch.randn(9, 4, generator=torch.Generator().manual_seed(0)), torch.arange(9) % 4
    torch.testing.assert_close(error(logits, labels), nn.functional.cross_entropy(logits, labels))
    soft = logits.softmax(1)
    torch.testing.assert_close(error(logits, soft), nn.functional.cross_entropy(logits, soft))
