"""The two strengths of the transformations of images."""

from __future__ import annotations

import pytest
import torch

from tlbench import AugmentRequest
from tlbench_vision.augment import augment

IMAGES = torch.linspace(64, 192, 256).reshape(1, 1, 16, 16).expand(64, -1, -1, -1).to(torch.uint8)  # Smooth.


def varied(*names, **fields):
    generator = torch.Generator().manual_seed(0)
    (images,) = augment(AugmentRequest(inputs=(IMAGES,), names=names, generator=generator, **fields))
    return images.float()


@pytest.mark.parametrize("name", ["affine", "noise"])
def test_strong_goes_further_than_weak_which_is_the_default(name):
    weak, strong = varied(name, strength="weak"), varied(name, strength="strong")
    assert torch.equal(varied(name), weak)
    assert (strong - IMAGES).abs().mean() > 1.2 * (weak - IMAGES).abs().mean()


@pytest.mark.parametrize("name", ["rot90", "flip"])
def test_what_has_no_range_is_the_same_for_both(name):
    assert torch.equal(varied(name, strength="weak"), varied(name, strength="strong"))


def test_weak_noise_has_5_percent_of_the_range_and_strong_noise_18():
    drawn = torch.randn(IMAGES.shape, generator=torch.Generator().manual_seed(0))
    for strength, size in (("weak", 0.05), ("strong", 0.18)):
        expected = (IMAGES.float() + drawn * (size * 255)).round().clamp(0, 255)
        assert torch.equal(varied("noise", strength=strength), expected)
