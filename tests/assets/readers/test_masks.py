from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from tlbench.assets import SplitColumns
from tlbench.assets.readers.faults import CollectedFaults
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
    put(root / "masks" / "deep.png", np.zeros((6, 4), np.uint16))
    for name, problem in (
        *(("colour", "colour image"), ("large", "the same size"), ("text", "cannot be read")),
        ("deep", "more than 8 bits"),
    ):
        with pytest.raises(BadInputError, match=rf"{name}\.png.*{problem}"):
            read_mask(image, root / "masks" / f"{name}.png", 8)


def test_a_compressed_mask_is_refused_unless_its_values_survived(root):
    """JPEG writes values around the edges of objects that nobody drew: each would become a class."""
    image, mask = root / "images" / "0.jpg", root / "masks" / "drawn.jpg"
    drawn = np.kron(np.array([[0, 0, 0], [0, 255, 0], [0, 0, 0]], np.uint8), np.ones((2, 1), np.uint8))[:, [0, 1, 1, 2]]
    put(mask, drawn)
    with pytest.raises(BadInputError, match=r"drawn\.jpg.* JPEG.*PNG"):
        read_mask(image, mask, 8)
    put(mask, np.zeros((6, 4), np.uint8))
    assert set(np.unique(read_mask(image, mask, 8))) == {0}


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


@pytest.mark.parametrize(
    ("image", "mask"),
    [
        ("train/images/{}.png", "train/masks/{}.png"),
        ("images/train/{}.png", "masks/train/{}.png"),
        ("train_images/{}.png", "train_masks/{}_mask.png"),
        ("Images-train/{}.jpg", "labels-train/{}_gt.png"),
        ("img/train/{}.jpg", "annotations/train/{}.png"),
        ("train/{}.png", "train/{}_mask.png"),
        ("train/JPEGImages/{}.jpg", "train/SegmentationClass/{}.png"),
    ],
)
def test_the_usual_layouts_are_read(tmp_path, image, mask):
    splits = {"train": 4, "val": 2, "test": 3}
    for split, count in splits.items():
        for number in range(count):
            for name in (image, mask):
                put(tmp_path / name.format(f"{split}{number}").replace("train/", f"{split}/", 1)
                    .replace("train_", f"{split}_", 1).replace("-train/", f"-{split}/", 1),
                    np.zeros((4, 4), np.uint8))  # fmt: skip
    faults = CollectedFaults()
    parts = mask_parts(tmp_path, faults=faults)
    assert (len(parts.train), len(parts.test), faults.notes, faults.errors) == (6, 3, [], [])
    for picture, labels in (*parts.train.inputs, *parts.test.inputs):
        assert labels.stem in (picture.stem, f"{picture.stem}_mask", f"{picture.stem}_gt")
        assert labels != picture


@pytest.mark.parametrize("split", ["", "train/"])
def test_a_folder_below_images_has_its_masks_below_masks(tmp_path, split):
    for clinic in "ab":
        for number in range(10):
            for part in (split, split.replace("train", "test")):
                for kind in ("Images", "masks"):
                    put(tmp_path / kind / clinic / part / f"{number}.png", np.zeros((4, 4), np.uint8))
    parts = mask_parts(tmp_path / "Images" / "b")
    assert len(parts.train) == (10 if split else 8)
    assert all(mask.parts[-3 - bool(split) :][0:2] == ("masks", "b") for _, mask in parts.train.inputs)


def test_masks_beside_their_images_are_held_out_by_name(tmp_path):
    for number in range(10):
        for name in (f"{number}.png", f"{number}_segmentation.png"):
            put(tmp_path / name, np.zeros((4, 4), np.uint8))
    parts = mask_parts(tmp_path)
    assert (len(parts.train), len(parts.test)) == (8, 2)
    assert all(mask.stem == f"{image.stem}_segmentation" for image, mask in parts.train.inputs)


def test_folders_that_are_no_layout_are_named(tmp_path):
    (tmp_path / "images").mkdir()
    put(tmp_path / "pictures" / "a.png", np.zeros((4, 4), np.uint8))
    with pytest.raises(BadInputError, match='no folder of masks, it has "images", "pictures": expected images/ and'):
        mask_parts(tmp_path)
    with pytest.raises(BadInputError, match="no folder of images and of masks"):
        mask_parts(tmp_path / "pictures")
    for folder in ("images/train", "images/test", "masks/train"):
        put(tmp_path / folder / "a.png", np.zeros((4, 4), np.uint8))
    with pytest.raises(BadInputError, match="different splits"):
        mask_parts(tmp_path)


def test_two_masks_of_one_image_are_refused(root):
    put(root / "masks" / "3_mask.png", np.zeros((6, 4), np.uint8))
    with pytest.raises(BadInputError, match=r"3\.png.*3_mask\.png.* masks of one image"):
        mask_pairs(root)


def test_other_folders_are_named(root):
    (root / "labels").mkdir()
    faults = CollectedFaults()
    assert len(mask_parts(root, faults=faults).train) == 8
    assert '"labels"' in faults.notes[0]


def test_pairs_may_be_listed_by_a_table_with_groups(root):
    rows = [f"images/{i}.jpg,masks/{i}.png,p{i // 2},{i}" for i in range(10)]
    (root / "pairs.csv").write_text("\n".join(["file,mask,patient,when", *rows]))
    parts = mask_parts(root / "pairs.csv", columns=SplitColumns("patient"))
    assert (len(parts.train), len(set(parts.test.groups)), len(parts.test)) == (8, 1, 2)
    assert parts.train.inputs[0][1].parent.name == "masks"
    latest = mask_parts(root / "pairs.csv", faults=CollectedFaults(), columns=SplitColumns(time="when"))
    assert [image.name for image, _ in latest.test.inputs] == ["8.jpg", "9.jpg"]
    (root / "split.csv").write_text("file,mask,split\nimages/1.jpg,masks/1.png,train\nimages/2.jpg,masks/2.png,val\n")
    assert len(mask_parts(root / "split.csv").test) == 1
    (root / "split.csv").write_text("file,mask\nimages/1.jpg,masks/one.png\n")
    with pytest.raises(BadInputError, match=r'line 2: ".*one.png" does not exist: correct the column "mask"'):
        mask_parts(root / "split.csv")
    with pytest.raises(BadInputError, match='is a folder, which has no column "patient"'):
        mask_parts(root, columns=SplitColumns("patient"))
