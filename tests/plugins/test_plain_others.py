"""Whole strategies of other packages: the weights of a few steps are those of plain loops written from the papers."""

from __future__ import annotations

import copy
import math

import numpy as np
import pytest
import torch
from plain_steps import assert_equal_weights, descend, error, labelled, small_request
from torch import nn

from tlbench.learning import Encoder, Inputs
from tlbench_mixing.strategies import cutmix, rectangle

STEPS = 8


def test_shot(case):
    """Liang et al. 2020: entropy - diversity + beta * the error on labels of the nearest centroids, anew each epoch."""
    beta, size = 0.8, 80

    def centroids(model, inputs):
        model.eval()
        with torch.no_grad():
            features = model.encoder(torch.from_numpy(inputs.columns[0]))
            weights = torch.softmax(model.heads["target"](features), 1)
        for _ in range(2):
            means = torch.stack([(features * one[:, None]).sum(0) / one.sum() for one in weights.T])
            likeness = [[nn.functional.cosine_similarity(f, m, 0) for m in means] for f in features]
            labels = torch.tensor(likeness).argmax(1)
            weights = torch.eye(len(means))[labels]
        return labels

    def plain(request):
        model, inputs = request.model, request.target.unlabelled
        batches, labels = request.batches(inputs), {}
        epoch = len(inputs) // size
        assert 1 < epoch < STEPS

        def loss(step):
            if step % epoch == 0:
                labels["now"] = centroids(model, inputs)
                model.encoder.train()
            drawn, _, positions = next(batches)
            logits = model(*drawn).units
            p = torch.softmax(logits, 1)
            mean = p.mean(0)
            entropy, diversity = -(p * p.log()).sum(1).mean(), -(mean * mean.log()).sum()
            return entropy - diversity + beta * error(logits, labels["now"][positions])

        descend([model.encoder], loss, STEPS, factor=0.1)
        return model

    made = case("shot", backbone="toy/mlp", pseudo_weight=beta, batch_size=size)
    assert_equal_weights(made.adapted(), made.adapted(plain))


def mixed(request, mix, alpha):
    """Train on mixed inputs with soft labels: a share of the example's own, the rest of its partner's."""
    model, batches = request.model, request.batches(request.target.train)
    random = np.random.default_rng(int(torch.randint(2**62, (), generator=request.generator)))

    def loss(step):
        (inputs,), targets, _ = next(batches)
        partners = random.permutation(len(inputs))
        inputs, share = mix(inputs, partners, random.beta(alpha, alpha), random)
        labels = torch.eye(len(request.target.labels))[targets.values]
        return error(model(inputs).units, share * labels + (1 - share) * labels[partners])

    descend([model.encoder, model.heads["target"]], loss, STEPS)
    return model


def test_mixup(case):
    """Zhang et al. 2018, equation 1: labels are mixed as inputs are."""

    def blend(inputs, partners, share, random):
        return share * inputs + (1 - share) * inputs[partners], share

    made = case("mixup", backbone="toy/mlp", alpha=0.4)
    assert_equal_weights(made.adapted(), made.adapted(lambda request: mixed(request, blend, 0.4)))


class Pixels(Encoder):
    """Features of small images."""

    feature_dim = 6

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(2, 3, 3), nn.Tanh(), nn.Flatten(), nn.Linear(60, 6))

    def forward(self, images):
        return self.layers(images)


def test_cutmix():
    """Yun et al. 2019, equation 1: the share is that of the pixels that are the example's own."""

    def paste(inputs, partners, share, random):
        top, bottom, left, right = rectangle(*inputs.shape[2:], share, random)
        own = torch.ones(inputs.shape[2:], dtype=torch.bool)
        own[top:bottom, left:right] = False
        return torch.where(own, inputs, inputs[partners]), float(own.float().mean())

    images = Inputs((np.random.default_rng(0).normal(size=(20, 2, 7, 6)).astype(np.float32),))

    def request():
        return small_request("cutmix", Pixels(), {"target.train": labelled(images)}, steps=STEPS, alpha=0.7)

    assert_equal_weights(cutmix(request()), mixed(request(), paste, 0.7))


@pytest.mark.parametrize("temperature", [1.0, 3.0])
def test_distillation(case, temperature):
    """Hinton et al. 2015: teachers and student at one temperature, and the labels at 1."""
    weight = 2.0

    def plain(request):
        model = request.model
        teachers = [copy.deepcopy(model) for _ in range(2)]
        exponent = 2 * torch.rand(1, generator=request.generator) - 1
        for teacher, factor in zip(teachers, [1.0, float(3.0**exponent)], strict=True):
            batches = request.batches(request.target.train)

            def taught(step, teacher=teacher, batches=batches):
                inputs, targets, _ = next(batches)
                return error(teacher(*inputs).units, targets.values)

            descend([teacher.encoder, teacher.heads["target"]], taught, STEPS, factor=factor)
        labelled, unlabelled = request.batches(request.target.train), request.batches(request.target.unlabelled)

        def loss(step):
            (inputs, targets, _), (others, _, _) = next(labelled), next(unlabelled)
            with torch.no_grad():
                p = sum(torch.softmax(teacher(*others).units / temperature, 1) for teacher in teachers) / 2
            q = torch.softmax(model(*others).units / temperature, 1)
            divergence = (p * (p / q).log()).sum(1).mean()
            return error(model(*inputs).units, targets.values) + weight * math.pow(temperature, 2) * divergence

        descend([model.encoder, model.heads["target"]], loss, STEPS)
        return model

    made = case("distillation", "toy/shapes", teachers=2, temperature=temperature, weight=weight)
    assert_equal_weights(made.adapted(), made.adapted(plain))
