"""Alignment of source and target: each loss against another implementation, and what training does with it."""

from __future__ import annotations

import copy
import dataclasses
import itertools
import math

import numpy as np
import pytest
import torch
from sklearn.metrics.pairwise import rbf_kernel
from support import silent
from torch import nn
from torch.nn import functional

from tlbench import MULTI_LABEL, REGRESSION, NotApplicable
from tlbench.engine.adaptation import adapt
from tlbench.learning import concatenate, encode, one_cycle
from tlbench.learning.model import state_hash
from tlbench.learning.outputs import Outputs
from tlbench_alignment import mmd as kernels
from tlbench_alignment.coral import coral_loss
from tlbench_alignment.mcc import class_confusion
from tlbench_alignment.mcd import discrepancy, held
from tlbench_alignment.mmd import joint_mmd, multi_kernel_mmd

ALIGNED = ("coral", "mmd", "jan", "mcc")
"""Strategies that add a weighted distance to the source loss."""


def draw(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.fixture
def two_domains():
    """Features of a source and a target, of unequal sizes, scales and means."""
    return draw(40, 6), 1.7 * draw(31, 6, seed=1) @ draw(6, 6, seed=2) + 0.5


@pytest.fixture
def skada_losses():
    pytest.importorskip("skorch", reason="skada's losses need skorch")
    return pytest.importorskip("skada.deep.losses")


class TestCoral:
    def test_the_loss_is_that_of_skada(self, two_domains, skada_losses):
        torch.testing.assert_close(coral_loss(*two_domains), skada_losses.deepcoral_loss(*two_domains))

    def test_the_loss_is_the_equation_of_the_paper(self, two_domains):
        """Equations 1 to 3, with the covariances by products with a vector of ones."""

        def covariance(rows):
            total = np.ones(len(rows)) @ rows
            return (rows.T @ rows - np.outer(total, total) / len(rows)) / (len(rows) - 1)

        source, target = (part.numpy() for part in two_domains)
        expected = np.linalg.norm(covariance(source) - covariance(target), "fro") ** 2 / (4 * 6**2)
        assert coral_loss(*two_domains).item() == pytest.approx(expected, rel=1e-12)

    def test_it_is_zero_for_equal_covariances_and_no_other(self, two_domains):
        source, _ = two_domains
        assert coral_loss(source, 3.0 - source).item() < 1e-25
        assert coral_loss(source, 1.1 * source).item() > 1e-3


class TestMMD:
    def test_the_estimate_is_that_of_scikit_learn_s_kernels(self, two_domains):
        """The unbiased estimate as sums over pairs of different rows, the mean of 33 kernels."""
        source, target = (part.numpy() for part in two_domains)
        rows = np.concatenate([source, target])
        width = np.mean([np.sum((a - b) ** 2) for a, b in itertools.permutations(rows, 2)])
        estimates = []
        for step in range(33):
            gamma = 1 / (width * 2.0 ** (-8 + step / 2))
            within = [
                (rbf_kernel(part, gamma=gamma).sum() - len(part)) / (len(part) * (len(part) - 1))
                for part in (source, target)
            ]
            estimates.append(sum(within) - 2 * rbf_kernel(source, target, gamma=gamma).mean())
        assert multi_kernel_mmd(*two_domains).item() == pytest.approx(np.mean(estimates), rel=1e-9)

    def test_it_is_the_closed_form_for_gaussians(self):
        """E exp(-|x - y|^2 / b) is (1 + 4/b)^(-D/2) exp(-m^2 / (b + 4)) if the means are m apart, unit variances."""
        width, apart = 3, 1.5
        mean = torch.tensor([apart, 0.0, 0.0], dtype=torch.float64)
        estimate = multi_kernel_mmd(draw(600, width), draw(600, width, seed=1) + mean).item()
        bandwidths = [scale * (2 * width + apart**2 / 2) for scale in kernels.SCALES]
        expected = np.mean(
            [2 * (1 + 4 / b) ** (-width / 2) * (1 - math.exp(-(apart**2) / (b + 4))) for b in bandwidths]
        )
        assert estimate == pytest.approx(expected, rel=0.05)

    def test_it_is_zero_in_the_mean_for_one_distribution(self):
        estimates = [multi_kernel_mmd(draw(30, 4, seed=2 * i), draw(30, 4, seed=2 * i + 1)).item() for i in range(100)]
        assert min(estimates) < 0 < max(estimates)
        assert abs(np.mean(estimates)) < 3 * np.std(estimates) / math.sqrt(len(estimates))

    def test_equal_features_have_no_distance_and_a_finite_gradient(self):
        rows = torch.ones(4, 3, requires_grad=True)
        distance = multi_kernel_mmd(rows, torch.ones(5, 3))
        distance.backward()
        assert distance.item() == 0
        assert torch.isfinite(rows.grad).all()

    def test_many_units_are_drawn_without_bias_and_few_are_all_taken(self):
        class Request:
            generator = torch.Generator().manual_seed(0)

        few, many = (Outputs(torch.zeros(size, 2), shape=(size,)) for size in (kernels.UNITS, 10 * kernels.UNITS))
        before = Request.generator.get_state()
        assert kernels.some(Request, few).tolist() == list(range(kernels.UNITS))
        assert torch.equal(Request.generator.get_state(), before)
        rows = [kernels.some(Request, many) for _ in range(50)]
        assert all(len(set(part.tolist())) == kernels.UNITS for part in rows)
        assert torch.stack(rows).double().mean() == pytest.approx((10 * kernels.UNITS - 1) / 2, rel=0.02)


class TestJAN:
    def test_the_kernel_is_the_product_of_scikit_learn_s(self, two_domains):
        source, target = two_domains
        layers = [(part, part[:, :3].softmax(1)) for part in two_domains]
        products = 1.0
        for layer in range(2):
            rows = np.concatenate([part[layer].numpy() for part in layers])
            width = np.mean([np.sum((a - b) ** 2) for a, b in itertools.permutations(rows, 2)])
            products = products * rbf_kernel(rows, gamma=1 / width)
        m, n = len(source), len(target)
        same, other, across = products[:m, :m], products[m:, m:], products[:m, m:]
        expected = (same.sum() - m) / (m * (m - 1)) + (other.sum() - n) / (n * (n - 1)) - 2 * across.mean()
        assert joint_mmd(*layers).item() == pytest.approx(expected, rel=1e-9)

    def test_it_tells_joint_distributions_apart_whose_marginals_agree(self):
        """The same features and the same predictions, which belong together in one domain and not in the other."""
        features = torch.cat([draw(100, 2), -draw(100, 2)])
        answers = torch.eye(2, dtype=torch.float64)[(features[:, 0] > 0).long()]
        joint = joint_mmd((features, answers), (features, answers.flip(1)))
        assert joint > 0.1 > 0 > joint_mmd((features, answers), (features, answers))
        assert joint_mmd((answers,), (answers.flip(1),)) < 0


class TestMCC:
    def test_the_loss_is_that_of_skada(self, skada_losses):
        logits = 4 * draw(50, 7)
        for temperature in (1.0, 2.5):
            expected = skada_losses.mcc_loss(logits, T=temperature, eps=0.0)
            torch.testing.assert_close(class_confusion(logits, temperature), expected)

    def test_the_loss_is_the_equations_of_the_paper(self):
        logits, temperature = 4 * draw(9, 3), 2.5
        softened = np.exp(logits.numpy() / temperature)
        softened /= softened.sum(1, keepdims=True)
        certain = [1 + math.exp(sum(p * math.log(p) for p in row)) for row in softened]
        confusion = np.zeros((3, 3))
        for row, weight in zip(softened, certain, strict=True):
            confusion += np.outer(row, row) * len(certain) * weight / sum(certain)
        confusion /= confusion.sum(1, keepdims=True)
        expected = sum(confusion[j, k] for j, k in itertools.permutations(range(3), 2)) / 3
        assert class_confusion(logits, temperature).item() == pytest.approx(expected, rel=1e-12)

    def test_certain_predictions_of_all_classes_confuse_none_and_uniform_ones_all(self):
        certain = 200 * torch.eye(4)[[0, 1, 2, 3, 3]]
        assert class_confusion(certain, 2.5).item() == pytest.approx(0, abs=1e-6)
        assert class_confusion(torch.zeros(5, 4), 2.5).item() == pytest.approx(3 / 4)


class TestMCD:
    def test_the_discrepancy_is_the_mean_absolute_difference_of_probabilities(self):
        logits, others = draw(5, 3), draw(5, 3, seed=1)
        total = sum(
            abs(a.softmax(0)[k] - b.softmax(0)[k]) for a, b in zip(logits, others, strict=True) for k in range(3)
        )
        torch.testing.assert_close(discrepancy(logits, others), total / 15)

    def test_a_held_classifier_passes_gradients_and_gets_none(self):
        head, features = nn.Linear(3, 2), torch.ones(4, 3, requires_grad=True)
        held(head, features).sum().backward()
        assert head.weight.grad is None
        torch.testing.assert_close(features.grad, head.weight.sum(0).expand(4, 3))

    def test_training_is_that_of_an_optimiser_for_each_player(self, adapted):
        """Steps A, B and C as two optimisers take them, and modules whose gradients are switched off."""
        steps = {"mcd.steps": 24, "mcd.encoder_steps": 2, "mcd.learning_rate": 0.01, "mcd.weight_decay": 0.01}
        *_, source, made = adapted("mcd", overrides=steps)
        *_, expected = adapted("mcd", overrides=steps, function=by_two_optimisers)
        assert state_hash(made.encoder) != state_hash(source.encoder)
        for name, value in made.state_dict().items():
            torch.testing.assert_close(value, expected.state_dict()[name], rtol=1e-4, atol=1e-5, msg=name)

    def test_without_steps_of_the_encoder_the_discrepancy_does_not_reach_it(self, adapted, monkeypatch):
        hashes = set()
        for factor in (1.0, 0.0):
            monkeypatch.setattr("tlbench_alignment.mcd.discrepancy", lambda a, b, f=factor: f * discrepancy(a, b))
            # One round: in the next one other classifiers would teach the encoder.
            *_, made = adapted("mcd", overrides={"mcd.encoder_steps": 0, "mcd.steps": 2})
            hashes.add(state_hash(made.encoder))
        assert len(hashes) == 1

    @pytest.mark.parametrize("task", ["toy/blobs", "toy/names"])
    def test_both_heads_are_the_mean_of_the_classifiers(self, adapted, task):
        *_, source, made = adapted("mcd", task)
        assert (
            state_hash(made.heads["target"]) == state_hash(made.heads["source"]) != state_hash(source.heads["source"])
        )


def by_two_optimisers(request):
    """MCD with an optimiser for the encoder and one for both classifiers, on the batches of the strategy."""
    model, options, examples = request.model, request.options, request.source.train
    first = model.heads["source"]
    second = copy.deepcopy(first)
    probe = request.source.kind.probe(encode(model, examples.inputs), examples.targets.values, first.out_features)
    probe.copy_into(second)
    settings = {"lr": options["learning_rate"], "weight_decay": options["weight_decay"]}
    encoder = torch.optim.AdamW(model.encoder.parameters(), **settings)
    classifiers = torch.optim.AdamW([*first.parameters(), *second.parameters()], **settings)
    source, target = request.batches(examples), request.batches(request.target.unlabelled)
    progress = iter(np.arange(options["steps"]) / options["steps"])

    def step(objective, *optimizers):
        for module in (model.encoder, first, second):
            module.zero_grad()
        objective.backward()
        groups = [optimizer.param_groups[0] for optimizer in optimizers]
        nn.utils.clip_grad_norm_([part for group in groups for part in group["params"]], 5.0)
        rate = options["learning_rate"] * one_cycle(next(progress))
        for optimizer, group in zip(optimizers, groups, strict=True):
            group["lr"] = rate
            optimizer.step()

    def losses(inputs, labels, others):
        """The loss on the source and the discrepancy on the target."""
        features = model.encoder(*concatenate(inputs, others))
        (one, new), (other, another) = (
            (head(features)[: len(labels)], head(features)[len(labels) :]) for head in (first, second)
        )
        error = functional.cross_entropy(one, labels) + functional.cross_entropy(other, labels)
        return error, (new.softmax(1) - another.softmax(1)).abs().mean()

    model.train()
    for _ in range(options["steps"] // (2 + options["encoder_steps"])):
        (inputs, labels, _), (others, _, _) = next(source), next(target)
        batch = inputs, labels.values, others
        step(losses(*batch)[0], encoder, classifiers)
        error, apart = losses(*batch)
        step(error - apart, classifiers)
        for _ in range(options["encoder_steps"]):
            step(losses(*batch)[1], encoder)
    with torch.no_grad():
        for one, other in zip(first.parameters(), second.parameters(), strict=True):
            one.copy_((one + other) / 2)
    model.heads["target"].load_state_dict(first.state_dict())
    return model.eval()


def on_the_source_alone(request):
    """The source loss of batches joined of both domains."""
    model = request.model
    source, target = request.batches(request.source.train), request.batches(request.target.unlabelled)

    def loss(progress):
        inputs, targets, _ = next(source)
        outputs = model(*concatenate(inputs, next(target).inputs), head="source")
        return request.source.kind.loss(outputs[: len(targets)], targets)

    request.train([model.encoder, model.heads["source"]], loss)
    model.heads["target"].load_state_dict(model.heads["source"].state_dict())
    return model


def distance(strategy, prepared, model):
    """What a strategy minimises, over the whole training splits of both domains."""
    features = [
        torch.from_numpy(encode(model, prepared.split(name).inputs)) for name in ("source-train", "target-train")
    ]
    logits = [model.heads["target"](rows).detach() for rows in features]
    joined = [(rows, units.softmax(1)) for rows, units in zip(features, logits, strict=True)]
    measures = {
        "coral": lambda: coral_loss(*features),
        "mmd": lambda: multi_kernel_mmd(*features),
        "jan": lambda: joint_mmd(*joined),
        "mcc": lambda: class_confusion(logits[1], 2.5),
    }
    return measures[strategy]().item()


class TestAligned:
    @pytest.mark.parametrize(("strategy", "task"), [*((name, "toy/blobs") for name in ALIGNED), ("coral", "toy/names")])
    def test_without_weight_it_is_training_on_the_source_alone_to_the_bit(self, adapted, strategy, task):
        run_request = {"overrides": {f"{strategy}.weight": 0.0, f"{strategy}.steps": 12}}
        *_, made = adapted(strategy, task, **run_request)
        *_, expected = adapted(strategy, task, function=on_the_source_alone, **run_request)
        assert state_hash(made) == state_hash(expected)

    @pytest.mark.parametrize("strategy", ALIGNED)
    def test_training_makes_the_distance_smaller(self, adapted, pairing_of, prepare_in, strategy):
        prepared = prepare_in(pairing_of("toy/blobs", strategy))
        training = {f"{strategy}.steps": 60, f"{strategy}.learning_rate": 0.01}
        without, with_weight = (
            distance(strategy, prepared, adapted(strategy, overrides={f"{strategy}.weight": weight, **training}).model)
            for weight in (0.0, 10.0)
        )
        assert with_weight < 0.9 * without

    @pytest.mark.parametrize("strategy", ALIGNED)
    def test_one_unit_of_a_domain_is_too_few(self, adapted, strategy):
        with pytest.raises(NotApplicable, match="fewer than two units of a domain: raise batch_size"):
            adapted(strategy, overrides={f"{strategy}.batch_size": 1})


@pytest.mark.parametrize("kind", [REGRESSION, MULTI_LABEL])
def test_what_has_no_class_probabilities_is_aligned_by_features(catalog, plan_of, source_of, kind):
    load = coordinates if kind is REGRESSION else signs
    task = dataclasses.replace(catalog.task("toy/blobs"), kind=kind, metric=kind.metric, load=load)
    changed = dataclasses.replace(catalog, tasks={task.name: task})
    names = [*ALIGNED, "mcd"]
    overrides = {"source.steps": 20, "coral.steps": 5, "mmd.steps": 5}
    pairings = {one.strategy.name: one for one in plan_of(changed, strategies=names, overrides=overrides).pairings}
    skipped = {name for name, pairing in pairings.items() if "class probabilities" in pairing.skip}
    assert skipped == {"jan", "mcc", "mcd"}
    for name in ("coral", "mmd"):
        prepared, source = source_of(pairings[name])
        made = adapt(pairings[name], prepared, source, silent).model
        assert state_hash(made.heads["target"]) == state_hash(made.heads["source"])
        assert state_hash(made.encoder) != state_hash(source.encoder)


def coordinates(request, label=lambda rows: rows):
    """The blobs, labelled by their first two coordinates."""
    from tlbench.testing.toy.data import load_blobs

    def labelled(side):
        train, test = (
            dataclasses.replace(half, labels=label(np.stack(half.inputs)[:, :2])) for half in (side.train, side.test)
        )
        return dataclasses.replace(side, labels=("x", "y"), train=train, test=test)

    data = load_blobs(request)
    return dataclasses.replace(data, source=labelled(data.source), target=labelled(data.target))


def signs(request):
    """The blobs, labelled by which of their first two coordinates are positive."""
    return coordinates(request, lambda rows: (rows > 0).astype(np.int64))
