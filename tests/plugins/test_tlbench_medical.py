"""The lesion phantom, what it asks of the image backbones, and one run of it."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from tlbench import AugmentRequest, BuildRequest, FitRequest, LoadRequest, PrepareRequest
from tlbench.planning.catalog import load_catalog
from tlbench_medical.tasks.lesions import SCANNER_A, SCANNER_B, acquire, load, patch, window

TASK = "medical/lesion-scanners"
REQUEST = LoadRequest(task=TASK, options={}, data_root=None)


@pytest.fixture(scope="module")
def data():
    return load(REQUEST)


@pytest.fixture(scope="module")
def catalog():
    return load_catalog()


@pytest.mark.parametrize(
    ("side", "split", "size"),
    [("source", "train", 1500), ("source", "test", 500), ("target", "train", 1000), ("target", "test", 600)],
)
def test_splits_have_the_published_sizes_and_all_classes_alike(data, side, split, size):
    part = getattr(getattr(data, side), split)
    assert part.inputs.shape == (size, 24, 24, 1)
    assert part.inputs.dtype == np.uint8
    assert np.bincount(part.labels).tolist() == [size // 4] * 4


def test_no_image_stands_in_two_splits(data):
    images = np.concatenate([split.inputs for side in (data.source, data.target) for split in (side.train, side.test)])
    assert len(np.unique(images.reshape(len(images), -1), axis=0)) == len(images)


def even_patches(label, count=200):
    """Patches without texture, so that the lesion stands on vessels alone."""
    scanner = dataclasses.replace(SCANNER_A, texture=0.0)
    return np.stack([patch(label, scanner, np.random.default_rng(seed))[0] for seed in range(count)])


def test_a_ring_is_a_benign_lesion_without_its_middle():
    removed = even_patches("benign") - even_patches("ring")
    assert removed.min() > -1e-12
    assert (removed.reshape(len(removed), -1).max(1) > 0.15).all()
    kept = even_patches("ring") - even_patches("none")
    assert (kept.reshape(len(kept), -1).max(1) > 0.15).all()


def test_size_does_not_tell_malignant_from_benign():
    empty = even_patches("none")
    benign, malignant = ((even_patches(label) - empty).sum() for label in ("benign", "malignant"))
    assert malignant == pytest.approx(benign, rel=0.1)


def test_scanner_b_shades_noise_and_blurs_more_than_scanner_a():
    even = np.full((24, 24), 0.5)
    images = {
        name: np.stack([acquire(even, scanner, np.random.default_rng(seed)) for seed in range(50)])
        for name, scanner in (("a", SCANNER_A), ("b", SCANNER_B))
    }
    spread = {name: stack.std((1, 2)).mean() / stack.mean() for name, stack in images.items()}
    assert spread["b"] > 1.5 * spread["a"]
    point = np.zeros((24, 24))
    point[12, 12] = 1.0
    quiet = {"noise": 0.0, "shading": 0.0, "gamma": 1.0}
    peaks = [
        acquire(point, dataclasses.replace(scanner, **quiet), np.random.default_rng(0)).max()
        for scanner in (SCANNER_A, SCANNER_B)
    ]
    assert peaks[1] < peaks[0]


def test_the_window_uses_the_whole_range_and_ignores_gain_and_offset():
    magnitude = acquire(patch("ring", SCANNER_B, np.random.default_rng(3))[0], SCANNER_B, np.random.default_rng(4))
    image = window(magnitude)
    assert image.shape == (24, 24, 1)
    assert (image.min(), image.max()) == (0, 255)
    assert np.abs(window(3 * magnitude + 2).astype(int) - image).max() <= 1


def test_the_backbone_turns_and_mirrors_without_changing_pixels(catalog, data):
    task = catalog.task(TASK)
    images = torch.from_numpy(np.repeat(data.source.train.inputs[:1], 200, 0).transpose(0, 3, 1, 2).copy())
    request = AugmentRequest(inputs=(images,), names=task.augment, generator=torch.Generator().manual_seed(0))
    (varied,) = catalog.backbone(task.backbone).augment(request)
    assert varied.shape == images.shape
    assert varied.dtype == torch.uint8
    turns = [images[0].rot90(turn, (1, 2)) for turn in range(4)]
    symmetries = {turned.numpy().tobytes() for turned in (*turns, *(turn.flip(2) for turn in turns))}
    assert {image.numpy().tobytes() for image in varied} == symmetries
    assert len(symmetries) == 8


def test_the_strided_stem_halves_the_map_and_keeps_the_features(catalog, data):
    spec = catalog.backbone("image/resnet-strided")
    options = {option.name: option.default for option in spec.options}
    fitted = spec.fit(FitRequest(inputs=data.source.train.inputs, options=options))
    request = PrepareRequest(inputs=data.target.test.inputs[:5], fitted=fitted, layout="pooled", options=options)
    (images,) = spec.prepare(request)
    sizes = {}
    for stride in (1, 2):
        encoder = spec.build(BuildRequest(fitted=fitted, layout="pooled", options={**options, "stem_stride": stride}))
        encoder.stem.register_forward_hook(
            lambda module, inputs, output, at=stride: sizes.update({at: output.shape[2:]})
        )
        assert encoder.eval()(torch.from_numpy(images)).shape == (5, encoder.feature_dim)
    assert sizes == {1: (24, 24), 2: (12, 12)}


def test_a_mask_lies_where_the_lesion_is_and_is_empty_without_one():
    from tlbench_medical.tasks.lesions import load_masks

    side = load_masks(REQUEST).source.test
    images, masks = side.inputs[..., 0].astype(float), side.labels
    assert (images.shape, masks.shape) == ((200, 24, 24), (200, 24, 24))
    size = masks.sum((1, 2))
    assert (size == 0).sum() == 50
    assert size.max() < 24 * 24 / 2
    inside = (images * masks).sum((1, 2))[size > 0] / size[size > 0]
    outside = (images * (1 - masks)).sum((1, 2))[size > 0] / (24 * 24 - size[size > 0])
    assert (inside > outside).mean() > 0.95
