"""Rules for examples that are nearly equal, on examples that are made here."""

from __future__ import annotations

import numpy as np
import pytest

from tlbench.engine.near_copies import Watched, fingerprint, near_copies, near_pairs


def photographs(count, size=64, seed=0):
    """Smooth random images `(size, size, 3)` uint8, as different as photographs are."""
    random = np.random.default_rng(seed)
    waves = np.arange(size) / size * 2 * np.pi
    images = []
    for _ in range(count):
        image = np.zeros((size, size, 3))
        for _ in range(12):
            x, y = random.integers(0, 5, 2)
            wave = np.cos(x * waves[:, None] + y * waves + random.uniform(0, 6))
            image += wave[..., None] * random.normal(size=3)
        images.append((128 + 25 * image).clip(0, 255).astype(np.uint8))
    return images


def halved(image):
    return image.reshape(len(image) // 2, 2, -1, 2, 3).mean((1, 3)).astype(np.uint8)


def noisy(image):
    noise = np.random.default_rng(1).integers(-4, 5, image.shape)
    return (image.astype(int) + noise).clip(0, 255).astype(np.uint8)


def darker(image):
    return (image * 0.6 + 20).astype(np.uint8)


@pytest.mark.parametrize("change", [halved, noisy, darker, lambda image: image])
def test_an_image_is_known_in_another_size_quality_and_contrast(change):
    images = photographs(60)
    prints = [fingerprint("image", image) for image in images]
    copies = [fingerprint("image", change(image)) for image in images[40:]]
    assert near_pairs("image", prints, copies) == [(i, 40 + i) for i in range(20)]
    assert near_pairs("image", prints[:40], copies) == []


def test_what_all_images_have_in_common_is_no_copy():
    """A white page with one small mark that differs."""
    pages = [np.full((32, 32, 3), 255, np.uint8) for _ in range(40)]
    for place, page in enumerate(pages):
        page[2:30, 4:28] = 40
        page[place % 8 * 4 : place % 8 * 4 + 3, place // 8 * 6 : place // 8 * 6 + 5] = 128
    prints = [fingerprint("image", page) for page in pages]
    assert near_pairs("image", prints[:30], prints[30:]) == []
    assert near_pairs("image", prints[:31], prints[30:]) == [(0, 30)]


def words(count):
    """Sequences of five tones, 0.4 s at 8 kHz."""
    random = np.random.default_rng(3)
    time = np.arange(640) / 8000
    tones = [(random.uniform(500, 3500, 5), random.uniform(0.2, 1, 5)) for _ in range(count)]
    return [np.concatenate([np.sin(2 * np.pi * f * time) * g for f, g in zip(*five, strict=True)]) for five in tones]


def test_a_recording_is_known_in_another_loudness_and_between_silence():
    sounds = [sound.astype(np.float32) for sound in words(50)]
    prints = [fingerprint("audio", sound) for sound in sounds]
    changed = [np.concatenate([np.zeros(300), sound * 0.3, np.zeros(900)]).astype(np.float32) for sound in sounds[30:]]
    copies = [fingerprint("audio", sound) for sound in changed]
    assert near_pairs("audio", prints, copies) == [(i, 30 + i) for i in range(20)]
    assert near_pairs("audio", prints[:30], copies) == []


@pytest.mark.parametrize(
    ("modality", "one", "other", "alike"),
    [
        ("text", "The film was great, really great!", "  the FILM was great - really, great", True),
        ("text", "The film was great, really great!", "The film was great, really bad!", False),
        ("text", "Great!", "great", False),  # Too short to be no chance.
        ("text", ("What is it about? A film.", "Yes"), ("what is it about a film", "yes."), True),
        ("text", ("What is it about? A film.", "Yes"), ("What is it about? A", "film. Yes"), False),
        ("text", ["The", "film", "was", "great", "enough"], ["the", "film", "was", "great", "enough"], True),
        ("tabular", [0.123456, 1.5, -2.25, 7e-5, 3], [0.12346, 1.50001, -2.25, 7.00001e-5, 3], True),
        ("tabular", [0.123456, 1.5, -2.25, 7e-5, 3], [0.12446, 1.5, -2.25, 7e-5, 3], False),
        ("tabular", [1, 0, 0, 3, 0.5], [1, 0, 0, 3, 0.5], False),  # Counts are often equal.
        ("series", [[0.123456, 1.5], [-2.25, 7e-5]], [[0.12346, 1.50001], [-2.25, 7e-5]], True),
        ("molecules", "CCO" * 20, "CCO" * 20, False),
    ],
)
def test_texts_and_numbers_are_compared_without_what_a_copy_changes(modality, one, other, alike):
    change = (lambda value: value) if modality in ("text", "molecules") else np.array
    pairs = near_pairs(modality, [fingerprint(modality, change(one))], [fingerprint(modality, change(other))])
    assert pairs == ([(0, 0)] if alike else [])


@pytest.mark.parametrize(
    ("modality", "example"),
    [
        ("image", np.zeros((8, 8, 3), np.uint8)),
        ("image", np.zeros((0, 0, 3), np.uint8)),
        ("audio", np.zeros(800, np.float32)),
        ("audio", np.zeros(0, np.float32)),
        ("audio", np.ones(1, np.float32)),
        ("text", ""),
        ("tabular", np.array([np.nan] * 3)),
    ],
)
def test_examples_without_content_are_copies_of_nothing(modality, example):
    prints = [fingerprint(modality, example)] * 3
    assert near_pairs(modality, prints, prints) == []


def test_examples_are_read_once():
    images, reads = photographs(6), []

    class Files(list):
        def __getitem__(self, index):
            reads.append(index)
            return super().__getitem__(index)

    training, test = Watched("image", Files(images[:4])), Watched("image", Files([halved(images[2]), images[5]]))
    assert (len(training), len(list(training)), len(test[0:2])) == (4, 4, 2)
    assert near_copies(training, test) == 1
    assert reads == [0, 1, 2, 3, 0, 1]
    assert near_copies(Watched("molecules", images), Watched("molecules", images)) is None
