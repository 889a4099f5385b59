from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from tlbench.assets.readers.images import read_mask
from tlbench.assets.readers.masks import mask_pairs, mask_parts
from tlbench.errors import BadInputError


def put(path, pixels, mode=None):
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(pixels)
    (image.convert(mode) if mode else image).save(path)


@pytest.fixture
def root(tmp_path):
    """Ten images, and their masks in another format."""
    for number in range(10):
        put(tmp_path / "images" / f"{number}.jpg", np.full((6, 4), 100, np.uint8))
        put(tmp_path / "masks" / f"{number}.png", np.arange(24, dtype=np.uint8).reshape(6, 4))
    return tmp_path


def test_images_find_their_masks_by_name_whatever_the_endings(root):
    pairs = mask_pairs(root).inputs
    assert [(image.name, mask.name) for image, mask in pairs[:2]] == [("0.jpg", "0.png"), ("1.jpg", "1.png")]


def test_a_fifth_is_held_out_always_the_same(root):
    parts = mask_parts(root)
    assert (len(parts.train), len(parts.test)) == (8, 2)
    assert mask_parts(root) == parts


def test_train_and_test_folders_are_the_parts(root):
    for name in ("train", "test"):
        put(root / name / "images" / "a.png", np.zeros((4, 4), np.uint8))
        put(root / name / "masks" / "a.png", np.zeros((4, 4), np.uint8))
    assert mask_parts(root).test.inputs == [(root / "test/images/a.png", root / "test/masks/a.png")]


@pytest.mark.parametrize("folder", ["images", "masks"])
def test_a_file_without_a_counterpart_is_named(root, folder):
    next((root / folder).glob("3.*")).unlink()
    with pytest.raises(BadInputError, match=r"3\.(png|jpg)\" has no counterpart"):
        mask_pairs(root)


def test_two_files_of_one_name_are_refused(root):
    put(root / "images" / "3.png", np.zeros((6, 4), np.uint8))
    with pytest.raises(BadInputError, match=r'images" has files with the same name'):
        mask_pairs(root)


def test_values_survive_scaling_and_palettes(root):
    image, mask = root / "images" / "0.jpg", root / "masks" / "palette.png"
    indices = Image.fromarray(np.tile(np.array([[0, 7]], np.uint8), (6, 2)), "P")
    indices.putpalette([200, 30, 90] * 256)
    indices.save(mask)
    assert set(np.unique(read_mask(image, mask, 9))) == {0, 7}


def test_a_mask_of_two_grey_levels_keeps_them(root):
    put(root / "masks" / "two.png", np.tile(np.array([[0, 255]], np.uint8), (6, 2)), "1")
    assert set(np.unique(read_mask(root / "images" / "0.jpg", root / "masks" / "two.png", 8))) == {0, 255}


def test_masks_that_cannot_be_masks_are_named(root):
    image = root / "images" / "0.jpg"
    put(root / "masks" / "colour.png", np.zeros((6, 4, 3), np.uint8))
    put(root / "masks" / "large.png", np.zeros((6, 5), np.uint8))
    (root / "masks" / "text.png").write_text("no image")
    for name, problem in (("colour", "colour image"), ("large", "the same size"), ("text", "cannot be read")):
        with pytest.raises(BadInputError, match=rf"{name}\.png.*{problem}"):
            read_mask(image, root / "masks" / f"{name}.png", 8)


def test_a_validation_part_is_the_test_where_there_is_no_other(root):
    for name in ("Train", "val"):
        put(root / "set" / name / "images" / "a.png", np.zeros((4, 4), np.uint8))
        put(root / "set" / name / "masks" / "a.png", np.zeros((4, 4), np.uint8))
    assert mask_parts(root / "set").test.inputs[0][0] == root / "set/val/images/a.png"


def test_images_that_are_not_read_are_named(root):
    (root / "images" / "11.heic").touch()
    with pytest.warns(UserWarning, match=r"1 file not read in .*: 1 ends in \.heic"):
        assert len(mask_pairs(root)) == 10
    put(root / "images" / "more" / "12.png", np.zeros((6, 4), np.uint8))
    with pytest.raises(BadInputError, match=r'images" .*subfolders \(1\)'):
        mask_pairs(root)
