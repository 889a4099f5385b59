"""The transformations of images, at both strengths; colours agree with torchvision."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from tlbench import AugmentRequest, UnknownNameError, UsageError
from tlbench.learning import vary_images
from tlbench.learning.vary import images
from tlbench.learning.vary.images import RANGES, TRANSFORMATIONS, Ranges

IMAGES = torch.linspace(64, 192, 256).reshape(1, 1, 16, 16).expand(64, -1, -1, -1).to(torch.uint8)  # Smooth.
NONE = Ranges(**{field.name: 0.0 for field in dataclasses.fields(Ranges)})
COLOURED = torch.randint(0, 256, (8, 3, 12, 12), generator=torch.Generator().manual_seed(1)).to(torch.uint8)


def varied(*names, **fields):
    generator = torch.Generator().manual_seed(0)
    (made,) = vary_images(AugmentRequest(inputs=(IMAGES,), names=names, generator=generator, **fields))
    return made.float()


@pytest.mark.parametrize("name", ["affine", "noise", "rotate", "zoom", "crop", "light"])
def test_strong_goes_further_than_weak_which_is_the_default(name):
    weak, strong = varied(name, strength="weak"), varied(name, strength="strong")
    assert torch.equal(varied(name), weak)
    assert (strong - IMAGES).abs().mean() > 1.2 * (weak - IMAGES).abs().mean()


@pytest.mark.parametrize("name", ["rot90", "flip", "flip-vertical"])
def test_what_has_no_range_is_the_same_for_both(name):
    assert torch.equal(varied(name, strength="weak"), varied(name, strength="strong"))


def test_weak_noise_has_5_percent_of_the_range_and_strong_noise_18():
    drawn = torch.randn(IMAGES.shape, generator=torch.Generator().manual_seed(0))
    for strength, size in (("weak", 0.05), ("strong", 0.18)):
        expected = (IMAGES.float() + drawn * (size * 255)).round().clamp(0, 255)
        assert torch.equal(varied("noise", strength=strength), expected)


@pytest.mark.parametrize("name", sorted(TRANSFORMATIONS.keys() - {"rot90", "flip", "flip-vertical"}))
def test_without_a_range_nothing_changes(name):
    made = TRANSFORMATIONS[name](COLOURED, torch.Generator().manual_seed(0), NONE)
    made = made.images if isinstance(made, images.Moved) else made
    assert (made.int() - COLOURED.int()).abs().max() <= (1 if name == "affine" else 0)


@pytest.mark.parametrize("shape", [(12, 8), (8, 12)])
def test_right_angles_need_square_images(shape):
    with pytest.raises(UsageError, match=f'"rot90" for images of {shape[0]} x {shape[1]} pixels.*Use "rotate"'):
        TRANSFORMATIONS["rot90"](torch.zeros(2, 3, *shape, dtype=torch.uint8), torch.Generator(), RANGES["weak"])


def test_an_unknown_transformation_is_named():
    with pytest.raises(UnknownNameError, match=r'"afine".*affine'):
        varied("afine")


@pytest.mark.parametrize("factor", [0.6, 0.85, 1.3])
def test_brightness_contrast_and_saturation_are_those_of_torchvision(monkeypatch, factor):
    """To one of 255: theirs cuts off what ours rounds."""
    functional = pytest.importorskip("torchvision.transforms.v2.functional")
    whole = dataclasses.replace(NONE, colour=1.0)

    def check(transform, factors, theirs):
        drawn = iter(factors)
        monkeypatch.setattr(images, "_uniform", lambda size, generator: torch.full((size,), next(drawn) - 1))
        ours = transform(COLOURED, torch.Generator(), whole)
        expected = torch.stack([theirs(one, factor) for one in COLOURED])
        assert (ours.int() - expected.int()).abs().max() <= 1
        assert not torch.equal(ours, COLOURED)

    check(images.light, (factor, 1.0), functional.adjust_brightness)
    check(images.light, (1.0, factor), functional.adjust_contrast)
    check(images.colour, (factor,), functional.adjust_saturation)


def test_a_crop_lies_within_the_image_and_is_no_smaller_than_its_range(monkeypatch):
    seen = []
    monkeypatch.setattr(images, "_moved", lambda inputs, matrix: seen.append(matrix) or inputs)
    many = torch.zeros(2000, 1, 2, 2, dtype=torch.uint8)
    for strength in ("weak", "strong"):
        images.crop(many, torch.Generator().manual_seed(0), RANGES[strength])
        (side, _, right), (_, high, down) = seen[-1]
        assert torch.equal(side, high)
        area = side.square()
        assert 1 - RANGES[strength].cut <= area.min() < 1 - 0.9 * RANGES[strength].cut
        assert max((side + right.abs()).max(), (side + down.abs()).max()) <= 1 + 1e-6
