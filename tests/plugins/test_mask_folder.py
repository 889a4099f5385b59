"""One's own images with masks: faults, masks without objects, and distances in pixels of the image as it was."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from scipy.spatial.distance import cdist

from tlbench import BadInputError, LoadRequest
from tlbench.cli.inspection.inspect import inspect_task
from tlbench.learning import Predictions
from tlbench.learning.kinds.segmentation import Segmentation
from tlbench_vision.segmentation import segmentation_tasks
from tlbench_vision.tasks import mask_folder

(TASK,) = segmentation_tasks()
SHAPE = (96, 48)


def block(top=24, left=8):
    """A mask of SHAPE with a rectangle of 32 rows and 16 columns."""
    mask = np.zeros(SHAPE, np.uint8)
    mask[top : top + 32, left : left + 16] = 1
    return mask


def request(root, size=24):
    values = {option.name: option.default for option in TASK.options}
    return LoadRequest(task=TASK.name, options={**values, "target": str(root), "size": size}, data_root=None)


@pytest.fixture
def folder(tmp_path):
    for split, count in (("train", 6), ("test", 2)):
        for number in range(count):
            for kind, pixels in (("images", 99 * block()), ("masks", block())):
                path = tmp_path / split / kind / f"{number}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(pixels).save(path)
    return tmp_path


def test_all_broken_images_and_masks_are_listed(folder):
    Image.fromarray(block()[:9]).save(folder / "train/masks/1.png")
    broken = [folder / f"{name}.png" for name in ("train/masks/2", "train/images/3", "test/masks/0", "test/images/0")]
    for path in broken:
        path.write_bytes(b"no image")
    (folder / "train/masks/4.png").unlink()
    (folder / "train/images/5.png").unlink()
    refused = inspect_task(TASK, request(folder), 4).refused
    for path in (folder / "train/masks/1.png", *broken):
        assert sum(message.startswith(f'"{path}"') for message in refused) == 1
    assert sum("has no counterpart" in message for message in refused) == 2
    assert len(refused) == 7


def test_rows_of_a_table_with_faults_are_all_listed(folder):
    rows = [
        f"train/images/{i}.png,train/masks/{i if i % 2 else 'no'}.png,{'train' if i < 4 else 'tset'}" for i in range(6)
    ]
    (folder / "list.csv").write_text("\n".join(["file,mask,split", *rows, "test/images/0.png,test/masks/0.png,test"]))
    refused = inspect_task(TASK, request(folder / "list.csv"), 4).refused
    assert [message.split(":")[0].rpartition(" ")[2] for message in refused] == ["2", "4", "6", "7"]


def test_masks_in_which_nothing_is_marked_are_noted(folder):
    for name in ("train/masks/2", "train/masks/3", "test/masks/1"):
        Image.fromarray(np.zeros(SHAPE, np.uint8)).save(folder / f"{name}.png")
    with pytest.warns(UserWarning, match="mark nothing") as caught:
        mask_folder.load(request(folder))
    said = [str(one.message) for one in caught]
    assert said == [note for note in inspect_task(TASK, request(folder), 4).notes if "mark nothing" in note]
    expected = [("2 of 6", "train/masks/2.png"), ("1 of 2", "test/masks/1.png")]
    for sentence, (count, name) in zip(said, expected, strict=True):
        assert sentence.startswith(f"{count} masks in ")
        assert sentence.endswith(f'such as "{folder / name}".')


def test_a_training_split_without_any_object_is_refused(folder):
    for path in (folder / "train/masks").iterdir():
        Image.fromarray(np.zeros(SHAPE, np.uint8)).save(path)
    with pytest.raises(BadInputError, match="have a single value, 0"):
        mask_folder.load(request(folder))


def outline(mask):
    """Return the places of the pixels of a mask that have a neighbour outside of it."""
    padded = np.pad(mask, 1)
    inner = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    return np.argwhere((mask > 0) & (inner == 0))


@pytest.mark.parametrize(("down", "right"), [(0, 8), (16, 0), (0, 0)])
@pytest.mark.parametrize("size", [24, 48])
def test_distances_are_in_pixels_of_the_image_as_it_was(folder, size, down, right):
    """Masks of 96 x 48 pixels are squeezed to squares; the distance is that of all pairs of pixels before."""
    moved = block(24 + down, 8 + right)
    pairs = cdist(outline(moved), outline(block()))
    expected = np.percentile(np.concatenate([pairs.min(1), pairs.min(0)]), 95)
    assert expected == max(down, right)

    split = mask_folder.load(request(folder, size)).target.test
    assert split.references == [[size, size, SHAPE[0] / size, SHAPE[1] / size]] * 2
    kind = Segmentation()
    plain = kind.targets(split.labels, ("0", "1"))
    targets = type(plain)(plain.values, plain.counts, references=split.references)
    found = np.stack([np.asarray(Image.fromarray(moved).resize((size, size), Image.Resampling.NEAREST))] * 2)
    metric = kind.metrics(("0", "1"))["hausdorff-95"](Predictions(found.ravel(), plain.counts), targets)
    assert metric(np.ones(2)) == pytest.approx(expected, abs=1e-9)
