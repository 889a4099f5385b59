"""The plain re-implementation has the network, the data and the recipe of tlbench: so only noise may part the two."""

from __future__ import annotations

import copy
from typing import NamedTuple

import numpy as np
import plain
import plain_data
import pytest
import torch
from mnist_optdigits import compared, recipes_of
from plain_probe import folds, regress
from scipy.special import softmax
from torch import nn

from tlbench.contract.requests import AugmentRequest, BuildRequest, LoadRequest
from tlbench.learning import AdaptRequest, Inputs, TransferModel, loop, probe
from tlbench.learning.adapt_request import Domain
from tlbench.learning.data import Examples
from tlbench.learning.kinds import Classification
from tlbench.learning.model import count_parameters
from tlbench.learning.splitting import draw_budget
from tlbench.learning.targets import Targets
from tlbench.learning.trainer import Trainer
from tlbench.learning.vary.images import vary_images

OPTIONS = {"steps": 12, "learning_rate": 2e-3, "batch_size": 16, "weight_decay": 1e-4, "hidden": 8, "weight": 1.0}
LABELS = tuple("0123456789")


def drawn(size, seed):
    """Images that tell their labels, a little."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(size) % 10
    images = torch.randint(100, (size, 1, 8, 8), generator=generator) + 15 * labels[:, None, None, None]
    return plain_data.Split(images.to(torch.uint8), labels)


@pytest.fixture
def images():
    return drawn(40, 0).images


@pytest.fixture
def pair():
    """A model of tlbench and a plain network with the same weights."""
    resnet = pytest.importorskip("tlbench_vision.backbones.resnet")
    fitted = {"shape": [8, 8, 1], "mean": [0.3], "std": [0.4]}
    torch.manual_seed(0)
    request = BuildRequest(fitted=fitted, layout="pooled", options={"width": 8, "stem_stride": 1}, files={})
    head = nn.Linear(32, 10)
    model = TransferModel(resnet.build(request), {"source": head, "target": copy.deepcopy(head)})
    network = plain.Network(0.3, 0.4)
    # timm, too, registers the shortcut of a block last.
    state = [value for name, value in model.encoder.state_dict().items() if name not in ("mean", "std")]
    network.encoder.load_state_dict(dict(zip(network.encoder.state_dict(), state, strict=True)))
    network.head.load_state_dict(head.state_dict())
    return model.eval(), network.eval()


def examples_of(split):
    return Examples(Inputs((split.images.numpy(),)), Targets.of(split.labels.numpy()))


def request_for(model, source, target):
    """What tlbench gives a strategy; no augmentation, whose draws would differ."""
    kind, parts = (
        Classification(),
        {
            "source.train": examples_of(source),
            "target.train": examples_of(target),
            "target.unlabelled": examples_of(target).inputs,
        },
    )
    domains = {
        name: Domain(
            name=name,
            strategy="any",
            kind=kind,
            labels=LABELS,
            metric="accuracy",
            traits=("class-probabilities",),
            parts=parts,
        )
        for name in ("source", "target")
    }
    trainer = Trainer(
        owner="any",
        kinds={"source": kind, "target": kind},
        options=dict(OPTIONS),
        generator=torch.Generator().manual_seed(1),
        device=torch.device("cpu"),
    )
    return AdaptRequest(model=model, fresh=lambda: model, **domains, trainer=trainer, selection="last")


@pytest.fixture
def same_batches(monkeypatch):
    """Plain training draws the examples that tlbench draws."""
    generator = torch.Generator().manual_seed(1)

    def batches(images, size):
        while True:
            for positions in torch.randperm(len(images), generator=generator).split(size):
                if len(positions) == size:
                    yield images[positions], positions

    monkeypatch.setattr(plain, "batches", batches)


RECIPE = plain.Recipe(**OPTIONS)


def assert_same(model, network, images):
    with torch.no_grad():
        assert torch.allclose(model.eval()(images).units, network.eval()(images), atol=1e-4)


def test_the_network_is_the_same(pair, images):
    model, network = pair
    assert count_parameters(model.encoder) == count_parameters(network.encoder)
    assert_same(*pair, images)
    assert torch.allclose(model.train()(images).units, network.train()(images), atol=1e-5)


def test_training_takes_the_same_steps(pair, images, same_batches):
    """Fine-tuning, scratch, all-labels and the source model are this, from other weights and on other examples."""
    model, network = pair
    request = request_for(model, drawn(50, 1), drawn(50, 2))
    before = network(images).detach()
    request.fit(model, request.target.train)
    plain.fit(network, drawn(50, 2), RECIPE)
    assert_same(model, network, images)
    assert not torch.allclose(network(images), before, atol=1e-2)


@pytest.mark.parametrize(("conditional", "rate"), [(False, 1.0), (True, 1.0), (True, 10.0)])
def test_adversarial_training_takes_the_same_steps(pair, images, same_batches, conditional, rate):
    strategy = pytest.importorskip("tlbench_adversarial.strategy")
    model, network = pair
    request = request_for(model, drawn(50, 1), drawn(60, 2))
    changed = {"conditional": conditional, "discriminator_rate": rate}
    request.trainer.options = {**OPTIONS, **changed}
    recipe = plain.Recipe(**OPTIONS, discriminator_rate=rate)
    torch.manual_seed(5)
    made = strategy.adversarial(request)
    torch.manual_seed(5)
    assert_same(made, plain.adversarial(network, drawn(50, 1), drawn(60, 2).images, recipe, conditional), images)


def test_adabn_gives_the_same_statistics(pair, images):
    strategy = pytest.importorskip("tlbench_adabn.strategy")
    model, network = pair
    made = strategy.adabn(request_for(model, drawn(50, 1), drawn(60, 2)))
    assert_same(made, plain.adabn(network, drawn(60, 2).images), images)


def test_the_schedules_are_the_same():
    adversarial = pytest.importorskip("tlbench_adversarial.strategy")
    for progress in np.linspace(0, 1, 41):
        assert plain.one_cycle(progress) == pytest.approx(loop.one_cycle(progress))
        assert plain.annealed(progress) == pytest.approx(adversarial.annealed(progress))


def test_the_augmentation_is_the_same(images):
    """From numbers that are no longer random: those of the two are drawn in other orders."""
    for constant in (0.0, 0.4, 1.0):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(torch, "rand", lambda *size, value=constant, **options: torch.full(_shape(size), value))
            patch.setattr(torch, "randn", lambda *size, value=constant, **options: torch.full(_shape(size), value))
            request = AugmentRequest(
                inputs=(images,), names=("affine", "noise"), strength="weak", generator=torch.Generator()
            )
            assert torch.equal(plain.augment(images), vary_images(request)[0])


def _shape(size):
    return tuple(size[0]) if len(size) == 1 and not isinstance(size[0], int) else size


@pytest.mark.parametrize("strength", [1e-2, 1.0, 100.0])
def test_the_probe_minimises_the_same_loss(strength):
    random = np.random.default_rng(0)
    labels = np.repeat(np.arange(10), 5)
    features = random.normal(size=(10, 8))[labels] + random.normal(size=(50, 8))
    weight, bias = regress(torch.tensor(features), torch.tensor(labels), strength, 10)
    ours = probe._fit(features, labels, strength)
    logits = [features @ rows.T + offsets for rows, offsets in ((weight.numpy(), bias.numpy()), ours)]
    first, second = (softmax(of, axis=1) for of in logits)
    assert first == pytest.approx(second, abs=2e-3)


def test_folds_hold_each_class_in_proportion():
    labels = torch.tensor([0] * 8 + [1] * 4)
    assert [sorted(labels[folds(labels) == fold].tolist()) for fold in range(4)] == [[0, 0, 1]] * 4


def test_the_label_budget_is_drawn_in_the_same_proportions():
    labels = np.repeat(np.arange(10), [376, 389, 380, 389, 387, 376, 377, 387, 380, 382])
    ours = labels[draw_budget(labels, 50, np.random.default_rng(0))]
    plainly = labels[plain_data.draw_budget(torch.tensor(labels), 50).numpy()]
    assert np.bincount(ours).tolist() == np.bincount(plainly).tolist()


@pytest.mark.data
def test_the_data_are_the_same(data_root):
    load = pytest.importorskip("tlbench_vision.tasks.mnist_optdigits").load
    options = {"source": "", "target": ""}
    ours = load(LoadRequest(task="vision/mnist-optdigits", options=options, data_root=data_root))
    data = plain_data.read(data_root / "digits")
    for split, images in (
        (ours.source.train, data.source),
        (ours.source.test, data.source_test),
        (ours.target.train, data.target),
        (ours.target.test, data.target_test),
    ):
        assert np.array_equal(np.asarray(split.inputs)[..., 0], images.images[:, 0])
        assert np.array_equal(split.labels, images.labels)


class Made(NamedTuple):
    strategy: str
    strategy_options: dict
    source_options: dict


def test_the_plain_side_trains_with_the_options_of_the_results():
    source = {"steps": 300, "learning_rate": 3e-3, "batch_size": 64, "weight_decay": 1e-4}
    rows = [
        Made("finetune", {**source, "steps": 7, "learning_rate": 0.5}, source),
        Made("adversarial", {**source, "conditional": False, "hidden": 5, "weight": 0.1}, source),
        Made(
            "adversarial",
            {**source, "conditional": True, "hidden": 6, "weight": 0.2, "discriminator_rate": 3.0},
            source,
        ),
        Made("frozen", {}, source),
    ]
    recipes = recipes_of(rows)
    assert list(recipes) == ["source", "finetune", "dann", "cdan"]
    assert recipes["finetune"] == plain.Recipe(steps=7, learning_rate=0.5)
    assert (recipes["dann"].hidden, recipes["cdan"].hidden, recipes["cdan"].weight) == (5, 6, 0.2)
    assert (recipes["dann"].discriminator_rate, recipes["cdan"].discriminator_rate) == (1.0, 3.0)


@pytest.mark.parametrize(("shift", "verdict"), [(0.0, "yes"), (0.7, "borderline"), (2.0, "no")])
def test_a_difference_is_one_only_beyond_what_several_comparisons_bring_by_chance(shift, verdict):
    random = np.random.default_rng(0)
    theirs = random.permutation(np.linspace(-1.6, 1.6, 20))
    line = compared("scratch", theirs + shift, theirs, 8)
    assert line["within noise"] == verdict
    assert line["difference"] == f"{shift:+.4f}"
