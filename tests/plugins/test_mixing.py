"""MixUp and CutMix agree with those of torchvision, and what cannot be mixed is said."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from support import silent
from torch.nn.functional import cross_entropy, one_hot
from torchvision.transforms import v2

from tlbench import NotApplicable
from tlbench.engine.adaptation import adapt
from tlbench.learning import BatchTargets
from tlbench.planning.catalog import load_catalog
from tlbench_mixing.strategies import blend, partner_targets, paste, rectangle

PREVIOUS = torch.arange(6).roll(1)
"""torchvision takes the example before as a partner."""


@pytest.fixture
def images():
    return torch.rand(6, 3, 9, 11, generator=torch.Generator().manual_seed(0))


def test_mixup_is_that_of_torchvision(images):
    share, labels = 0.3, torch.tensor([0, 1, 2, 0, 1, 2])
    theirs = v2.MixUp(num_classes=3)
    params = {"lam": share, "labels": labels, "batch_size": 6}
    (mixed,), _ = blend((images,), PREVIOUS, share, np.random.default_rng(0))
    assert torch.allclose(mixed, theirs.transform(images, params), atol=1e-7)

    logits = torch.randn(6, 3, generator=torch.Generator().manual_seed(1))
    soft = theirs.transform(labels, params)
    partners = partner_targets(BatchTargets(labels, torch.ones(6, dtype=torch.int64)), PREVIOUS)
    ours = share * cross_entropy(logits, labels) + (1 - share) * cross_entropy(logits, partners.values)
    assert ours.item() == pytest.approx(cross_entropy(logits, soft).item(), abs=1e-6)
    assert torch.equal(soft.argmax(1) == one_hot(partners.values).argmax(1), torch.ones(6, dtype=torch.bool))


def test_cutmix_is_that_of_torchvision(images):
    (mixed,), left = paste((images,), PREVIOUS, 0.4, np.random.default_rng(3))
    top, bottom, first, last = rectangle(9, 11, 0.4, np.random.default_rng(3))
    theirs = v2.CutMix(num_classes=3)
    params = {"box": (first, top, last, bottom), "lam_adjusted": left, "labels": None, "batch_size": 6}
    assert torch.equal(mixed, theirs.transform(images, params))
    assert left == pytest.approx(1 - (bottom - top) * (last - first) / 99)


def test_a_whole_share_changes_nothing(images):
    bytes_ = (images * 255).to(torch.uint8)
    random = np.random.default_rng(0)
    for mix in (blend, paste):
        (mixed,), share = mix((bytes_,), PREVIOUS, 1.0, random)
        assert share == 1
        assert torch.equal(mixed, bytes_)


def test_the_mean_area_of_rectangles_is_below_the_one_asked_for():
    random = np.random.default_rng(0)
    boxes = [rectangle(32, 32, 0.5, random) for _ in range(2000)]
    areas = [(bottom - top) * (right - left) / 1024 for top, bottom, left, right in boxes]
    assert 0.3 < np.mean(areas) < 0.5
    assert max(areas) == pytest.approx(0.5, abs=0.05)


def test_bytes_stay_bytes(images):
    (mixed,), _ = blend(((images * 255).to(torch.uint8),), PREVIOUS, 0.5, np.random.default_rng(0))
    assert mixed.dtype == torch.uint8


def test_units_of_an_example_stay_together():
    targets = BatchTargets(torch.arange(6), torch.full((3,), 2))
    assert partner_targets(targets, torch.tensor([2, 0, 1])).values.tolist() == [4, 5, 0, 1, 2, 3]


@pytest.mark.parametrize(
    ("task", "mixup", "cutmix"),
    [
        ("vision/digits", "", ""),
        ("medical/lesion-masks", "", "requires one prediction for each example, which the kind segmentation lacks."),
        ("vision/shapes", "the kind detection lacks.", "the kind detection lacks."),
        ("robotics/joint-load", "", 'requires image inputs; "robotics/joint-load" has series inputs.'),
        ("speech/codes-telephone", "series or tabular inputs", "requires image inputs"),
    ],
)
def test_the_plan_says_what_cannot_be_mixed(plan_of, task, mixup, cutmix):
    plan = plan_of(load_catalog(), tasks=[task], strategies=["mixup", "cutmix"], references=["none"], seeds=[0])
    for pairing, said in zip(plan.pairings, (mixup, cutmix), strict=True):
        assert said in pairing.skip
        assert bool(pairing.skip) == bool(said)


def test_a_mask_is_not_mixed_by_the_area_of_a_rectangle(plan_of, source_of):
    """Neither if somebody adapts without a plan."""
    few = {"source.steps": 2, "cutmix.steps": 2}
    plan = plan_of(
        load_catalog(), tasks=["medical/lesion-masks"], strategies=["cutmix"], references=["none"], overrides=few
    )
    (pairing,) = plan.pairings
    with pytest.raises(NotApplicable, match="one label for each image"):
        adapt(pairing, *source_of(pairing), silent)


@pytest.mark.parametrize(
    ("mix", "inputs", "said"),
    [
        (blend, (torch.zeros(6, 4, dtype=torch.int64),), "type int64"),
        (paste, (torch.zeros(6, 4),), "images"),
        (paste, (torch.zeros(6, 1, 4, 4), torch.zeros(6)), "images"),
    ],
)
def test_what_cannot_be_mixed_is_said(mix, inputs, said):
    with pytest.raises(NotApplicable, match=said):
        mix(inputs, PREVIOUS, 0.5, np.random.default_rng(0))
    with pytest.raises(NotApplicable, match="different numbers of units"):
        partner_targets(BatchTargets(torch.arange(3), torch.tensor([1, 2])), torch.tensor([1, 0]))
