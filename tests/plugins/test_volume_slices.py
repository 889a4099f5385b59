"""One's own volumes with masks: slices, windows, distances in mm, and what is refused."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from tlbench import BadInputError, LoadRequest, UsageError
from tlbench.assets.readers.faults import CollectedFaults
from tlbench.cli.inspection.inspect import inspect_task
from tlbench.learning import Predictions
from tlbench.learning.kinds.segmentation import Segmentation
from tlbench_medical.own import volume_task
from tlbench_medical.tasks import volumes

nibabel = pytest.importorskip("nibabel")
TASK = volume_task()
AFFINE = np.diag([0.5, 1.0, 2.0, 1.0])


def save(path, values, affine=AFFINE):
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(nibabel.Nifti1Image(values, affine), path)


def patient(root, name, *, seed=0, shape=(16, 12, 6), ending=".nii.gz", values=(0, 1)):
    """Write a volume with a brighter block, and the mask of the block."""
    random = np.random.default_rng(seed)
    mask = np.full(shape, values[0], np.uint8)
    mask[4:9, 3:8, 2:5] = values[1]
    image = (random.normal(100, 5, shape) + 80 * (mask == values[1])).astype(np.float32)
    save(root / "images" / f"{name}{ending}", image)
    save(root / "labels" / f"{name}_mask{ending}", mask)
    return image, mask


def request(faults=None, **options):
    values = {option.name: option.default for option in TASK.options} | {"size": 8} | options
    made = {"task": TASK.name, "options": values, "data_root": None}
    return LoadRequest(**made) if faults is None else LoadRequest(**made, faults=faults)


@pytest.fixture
def folder(tmp_path):
    for number in range(5):
        patient(tmp_path, f"p{number}", seed=number, ending=".nii" if number % 2 else ".nii.gz")
    return tmp_path


def test_volumes_are_held_out_whole_and_become_slices(folder):
    data = volumes.load(request(target=str(folder)))
    assert data.source is None
    assert data.target.labels == ("0", "1")
    assert (len(data.target.train.inputs), len(data.target.test.inputs)) == (24, 6)
    assert len(set(data.target.test.groups)) == 1
    assert not set(data.target.test.groups) & set(data.target.train.groups)
    assert data.target.train.inputs[0].shape == (8, 8, 1)
    assert data.target.train.inputs[0].dtype == np.uint8
    assert len(volumes.files(request(target=str(folder)))) == 10


@pytest.mark.parametrize(
    ("axis", "spacing", "count"),
    [("axial", (1.0 * 12, 0.5 * 16), 6), ("coronal", (2.0 * 6, 0.5 * 16), 12), ("sagittal", (2.0 * 6, 1.0 * 12), 16)],
)
def test_distances_of_rows_and_columns_are_those_of_the_header(folder, axis, spacing, count):
    split = volumes.load(request(target=str(folder), axis=axis)).target.test
    assert len(split.inputs) == count
    assert split.references == [[8, 8, spacing[0] / 8, spacing[1] / 8]] * count


def test_the_hausdorff_distance_of_slices_is_in_mm(folder):
    data = volumes.load(request(target=str(folder), size=48, axis="coronal"))
    kind, labels = Segmentation(), data.target.labels
    made = kind.targets(data.target.test.labels, labels)
    targets = type(made)(made.values, made.counts, references=data.target.test.references)
    moved = np.stack([np.roll(mask, 4, axis=0) for mask in data.target.test.labels])  # 4 rows of 2 * 6 / 48 mm
    found = Predictions(moved.ravel(), made.counts)
    there = np.array([(mask > 0).any() for mask in data.target.test.labels])
    distance = kind.metrics(labels)["hausdorff-95"](found, targets)(there.astype(float))
    assert distance == pytest.approx(4 * 0.25, abs=1e-9)


def test_slices_stand_upright(tmp_path):
    """Rows go from front to back, columns from left to right, whatever the order in the file."""
    for number in range(2):
        values = np.zeros((4, 4, 2), np.float32)
        values[3, 0] = 1.0  # right, behind
        save(tmp_path / "images" / f"{number}.nii", values[::-1], np.diag([-1.0, 1, 1, 1]))
        save(tmp_path / "masks" / f"{number}.nii", values[::-1].astype(np.uint8), np.diag([-1.0, 1, 1, 1]))
    split = volumes.load(request(target=str(tmp_path), window="0,1")).target.train
    assert split.inputs[0][-1, -1, 0] == 255
    assert split.labels[0][-1, -1] == 1
    assert split.labels[0][0, 0] == split.labels[0][-1, 0] == 0


def test_windows_are_linear_and_without_one_percentiles_of_the_volume():
    values = np.linspace(-200, 300, 1001, dtype=np.float32)
    made = volumes.windowed(values, (-160.0, 240.0))
    assert made[values <= -160].max() == 0
    assert made[values >= 240].min() == 255
    assert made[np.searchsorted(values, 40)] == 128
    assert volumes.percentiles(values) == tuple(np.percentile(values, (0.5, 99.5)))
    flat = np.full(5, 7, np.float32)
    assert not volumes.windowed(flat, volumes.percentiles(flat)).any()


def test_without_a_window_the_ends_are_those_of_the_whole_volume(tmp_path):
    for number in range(2):
        save(tmp_path / "images" / f"{number}.nii", np.repeat(np.arange(64, dtype=np.float32), 64).reshape(64, 8, 8).T)
        save(tmp_path / "masks" / f"{number}.nii", (np.arange(8 * 8 * 64) % 2).astype(np.uint8).reshape(8, 8, 64))
    split = volumes.load(request(target=str(tmp_path))).target.train
    shades = [int(image.max()) for image in split.inputs]
    assert shades[0] == 0
    assert shades[-1] == 255
    assert shades == sorted(shades)


def test_published_splits_may_have_the_same_names(tmp_path):
    for number, split in enumerate(("train", "test")):
        patient(tmp_path / split, "case0", seed=number)
    data = volumes.load(request(target=str(tmp_path), source=str(tmp_path)))
    for side in (data.source, data.target):
        assert set(side.train.groups) == {"train/images/case0.nii.gz"}
        assert set(side.test.groups) == {"test/images/case0.nii.gz"}
    assert not inspect_task(TASK, request(target=str(tmp_path)), 4).refused


def test_names_in_capitals_are_paired(tmp_path):
    for number in range(2):
        patient(tmp_path, f"P{number}", seed=number, ending=".NII.GZ")
    assert len(volumes.files(request(target=str(tmp_path)))) == 4


def test_step_and_empty_choose_slices(folder):
    assert len(volumes.load(request(target=str(folder), step=2)).target.test.inputs) == 3
    assert len(volumes.load(request(target=str(folder), empty=False)).target.test.inputs) == 3


def test_a_table_gives_patients(folder):
    rows = [f"images/p{i}.nii{'' if i % 2 else '.gz'},labels/p{i}_mask.nii{'' if i % 2 else '.gz'}" for i in range(5)]
    lines = [f"{row},{who}" for row, who in zip(rows, "aabbc", strict=True)]
    (folder / "list.csv").write_text("file,mask,patient\n" + "\n".join(lines) + "\n")
    data = volumes.load(request(target=str(folder / "list.csv"), group="patient"))
    assert {*data.target.train.groups, *data.target.test.groups} == {"a", "b", "c"}
    assert not set(data.target.train.groups) & set(data.target.test.groups)


def test_a_source_gives_the_labels(folder, tmp_path_factory):
    other = tmp_path_factory.mktemp("other")
    for number in range(3):
        patient(other, f"q{number}", values=(0, 5))
    with pytest.raises(BadInputError, match="has the label 5"):
        volumes.load(request(target=str(other), source=str(folder)))
    data = volumes.load(request(target=str(folder), source=str(folder)))
    assert data.source is not None
    assert data.source.labels == data.target.labels == volumes.labels(request(target=str(folder))).target


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda root: save(root / "labels/p0_mask.nii.gz", np.zeros((4, 4, 4), np.uint8)), "4 x 4 x 4 voxels, but its"),
        (lambda root: save(root / "labels/p0_mask.nii.gz", np.full((16, 12, 6), 0.5, np.float32)), "has the value 0.5"),
        (lambda root: save(root / "labels/p0_mask.nii.gz", np.full((16, 12, 6), -1, np.int16)), "has the value -1"),
        (
            lambda root: save(root / "labels/p0_mask.nii.gz", np.zeros((16, 12, 6), np.uint8), np.diag([1, 1, 3, 1])),
            "lies elsewhere",
        ),
        (
            lambda root: save(
                root / "labels/p0_mask.nii.gz",
                np.zeros((16, 12, 6), np.uint8),
                AFFINE + np.eye(4, k=3) * 0.5,  # by a quarter of a voxel
            ),
            "lies elsewhere",
        ),
        (lambda root: save(root / "images/p0.nii.gz", np.full((16, 12, 6), np.inf, np.float32)), "not finite"),
        (lambda root: save(root / "images/p0.nii.gz", np.zeros((16, 12, 6, 2), np.float32)), "a series of volumes"),
        (lambda root: (root / "labels/p0_mask.nii.gz").unlink(), "no counterpart"),
    ],
)
def test_volumes_that_do_not_fit_are_refused_and_collected(folder, change, message):
    change(folder)
    with pytest.raises(BadInputError, match=message):
        volumes.load(request(target=str(folder)))
    seen = inspect_task(TASK, request(target=str(folder)), 4)
    assert any(message in one for one in seen.refused)


def test_an_inspection_names_patients(folder):
    seen = inspect_task(TASK, request(target=str(folder)), 4)
    assert not seen.refused
    assert seen.splits[0]["groups"] == "4 of 6 examples"


@pytest.mark.parametrize(
    "options", [{"axis": "top"}, {"window": "5"}, {"window": "3,1"}, {"window": "0,nan"}, {"step": 0}, {"size": 4}]
)
def test_wrong_options_are_refused(folder, options):
    with pytest.raises(UsageError, match=r"Invalid task\."):
        volumes.files(request(target=str(folder), **options))


def test_all_broken_volumes_are_listed(folder):
    broken = [
        folder / "images/p0.nii.gz",
        *(folder / f"labels/p{i}_mask.nii{'' if i % 2 else '.gz'}" for i in range(3)),
    ]
    for path in broken:
        path.write_bytes(b"no volume")
    refused = inspect_task(TASK, request(target=str(folder)), 4).refused
    assert all(sum(str(path) in one for one in refused) == 1 for path in broken)
    assert len(refused) == len(broken)


def test_volumes_in_which_nothing_is_marked_are_noted(folder):
    for number in (1, 2):
        path = folder / f"labels/p{number}_mask.nii{'' if number % 2 else '.gz'}"
        save(path, np.zeros((16, 12, 6), np.uint8))
    with pytest.warns(UserWarning, match=r'2 of 4 masks in ".*images" mark nothing .*background, 0, .*p1_mask\.nii"'):
        volumes.load(request(target=str(folder), empty=False))
    notes = inspect_task(TASK, request(target=str(folder)), 4).notes
    assert sum("2 of 4 masks" in note for note in notes) == 1


@pytest.mark.parametrize("channel", ["", "_0000"])
@pytest.mark.parametrize("tested", [False, True])
def test_the_layout_of_the_decathlon_and_of_nnunet_is_read(tmp_path, channel, tested):
    for number in range(6):
        patient(tmp_path / "flat", f"liver_{number}", seed=number)
        part = "Ts" if number > 3 else "Tr"
        for kind, name in (("images", f"liver_{number}{channel}"), ("labels", f"liver_{number}")):
            if part == "Tr" or kind == "images" or tested:
                there = tmp_path / "flat" / kind / f"liver_{number}{'_mask' * (kind == 'labels')}.nii.gz"
                (tmp_path / f"{kind}{part}").mkdir(exist_ok=True)
                there.rename(tmp_path / f"{kind}{part}" / f"{name}.nii.gz")
    shutil.rmtree(tmp_path / "flat")
    (tmp_path / "dataset.json").write_text("{}")
    if channel:
        shutil.copy(tmp_path / "imagesTr/liver_0_0000.nii.gz", tmp_path / "imagesTr/liver_0_0001.nii.gz")
    seen = inspect_task(TASK, request(target=str(tmp_path)), 4)
    data = volumes.load(request(CollectedFaults(), target=str(tmp_path)))
    groups = {*data.target.train.groups}, {*data.target.test.groups}
    assert not seen.refused
    assert tuple(map(len, groups)) == ((4, 2) if tested else (3, 1))
    assert all("imagesTs" in name for name in groups[1]) is tested
    unread = [note for note in seen.notes if "Not read" in note and "imagesTs" in note and "labelsTs" in note]
    assert len(unread) == (not tested)
    assert any("first channel" in note and "liver_0_0001" in note for note in seen.notes) is bool(channel)
