from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from tlbench import BadInputError
from tlbench.assets.readers.images import read_image, read_npz


@pytest.fixture
def picture(tmp_path):
    """Writes an image, black above and red below."""

    def write(name="p.png", **how):
        pixels = np.zeros((40, 20, 3), np.uint8)
        pixels[20:, :, 0] = 255
        Image.fromarray(pixels).save(tmp_path / name, **how)
        return tmp_path / name

    return write


def test_an_image_is_scaled_to_a_square(picture):
    image = read_image(picture(), 8)
    assert (image.shape, image.dtype) == ((8, 8, 3), np.uint8)
    assert image[0].max() == 0
    assert image[-1].tolist() == [[255, 0, 0]] * 8


def test_grey_has_one_channel(picture):
    image = read_image(picture(), 8, grey=True)
    assert image.shape == (8, 8, 1)
    assert image[-1, 0, 0] == 76  # ITU-R 601: 0.299 of red


def test_a_turned_photograph_is_set_upright(picture):
    exif = Image.Exif()
    exif[0x0112] = 3  # by 180 degrees
    image = read_image(picture("p.jpg", exif=exif, quality=100), 8)
    assert image[0, 0, 0] > 200
    assert image[-1, 0, 0] < 50


@pytest.mark.parametrize("name", ["p.png", "p.jpg", "p.gif"])
def test_a_broken_image_is_named(picture, name):
    path = picture(name)
    path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(BadInputError, match=f'{name}" cannot be read as an image'):
        read_image(path, 8)


def test_what_is_no_image_is_named(tmp_path):
    (tmp_path / "p.png").write_text("no image")
    with pytest.raises(BadInputError, match=r'p.png" cannot be read as an image'):
        read_image(tmp_path / "p.png", 8)


def test_a_deep_image_is_refused_instead_of_cut(tmp_path):
    Image.fromarray(np.full((4, 4), 4000, np.uint16)).save(tmp_path / "p.png")
    with pytest.raises(BadInputError, match="more than 8 bits a channel"):
        read_image(tmp_path / "p.png", 8)


def test_arrays_of_images_get_a_channel(tmp_path):
    np.savez(tmp_path / "a.npz", images=np.zeros((3, 4, 5), np.uint8), labels=np.array([2, 0, 2]))
    read = read_npz(tmp_path / "a.npz")
    assert read.inputs[0].shape == (4, 5, 1)
    assert read.labels == ["2", "0", "2"]


@pytest.mark.parametrize(
    ("arrays", "sentence"),
    [
        ({"images": np.zeros((3, 4, 5), np.uint8)}, 'has no array "labels" but images'),
        ({"images": np.zeros((3, 4, 5)), "labels": np.arange(3)}, "save uint8"),
        ({"images": np.zeros((3, 4, 5, 2), np.uint8), "labels": np.arange(3)}, "save uint8"),
        ({"images": np.zeros((3, 4), np.uint8), "labels": np.arange(3)}, "save uint8"),
        ({"images": np.zeros((3, 4, 5), np.uint8), "labels": np.arange(2)}, "one whole number or text an image"),
        ({"images": np.zeros((3, 4, 5), np.uint8), "labels": np.zeros(3)}, "one whole number or text an image"),
        ({"images": np.array([{}], object), "labels": np.arange(1)}, "save plain arrays"),
    ],
)
def test_arrays_that_are_not_images_are_refused(tmp_path, arrays, sentence):
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(BadInputError, match=rf'a.npz".*{sentence}'):
        read_npz(tmp_path / "a.npz")


def test_a_broken_npz_is_named(tmp_path):
    np.savez(tmp_path / "a.npz", images=np.zeros((3, 4, 5), np.uint8), labels=np.arange(3))
    whole = (tmp_path / "a.npz").read_bytes()
    for content in (b"", b"text", whole[:-60]):
        (tmp_path / "a.npz").write_bytes(content)
        with pytest.raises(BadInputError, match=r'a.npz" cannot be read as npz'):
            read_npz(tmp_path / "a.npz")
