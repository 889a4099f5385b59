from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from string import ascii_uppercase
from weakref import WeakSet

import numpy as np
import pytest
from PIL import Image
from support import plan_only

from tlbench import BadInputError, FitRequest, MissingDataError
from tlbench.assets.readers.images import as_pixels
from tlbench.engine.prepared import Prepared, prepare
from tlbench.planning.catalog import load_catalog
from tlbench.planning.settings import Settings
from tlbench_vision import preprocess
from tlbench_vision.backbones.resnet import fit


@pytest.fixture(scope="module")
def catalog():
    return load_catalog()


def test_capitals_have_other_labels_than_digits(catalog):
    task = catalog.task("vision/capitals-digits")
    data = task.load(None)
    assert task.setting == "inductive"
    assert (data.source.labels, data.target.labels) == (tuple(ascii_uppercase), tuple("0123456789"))
    assert np.bincount(data.source.train.labels).tolist() == [100] * 26
    assert np.bincount(data.source.test.labels).tolist() == [30] * 26
    assert data.source.train.inputs.shape == (2600, 8, 8, 1)
    assert data.source.train.inputs.max((1, 2, 3)).min() > 100, "every image has ink"


def test_both_tasks_of_drawn_characters_have_one_target(catalog):
    digits, capitals = (catalog.task(f"vision/{name}").load(None).target for name in ("digits", "capitals-digits"))
    for one, other in ((digits.train, capitals.train), (digits.test, capitals.test)):
        assert np.array_equal(one.inputs, other.inputs)
        assert np.array_equal(one.labels, other.labels)


class OneByOne(Sequence):
    """Images that are made when they are asked for; `most` is how many were there at a time."""

    def __init__(self, shapes):
        self.shapes, self.there, self.most = shapes, WeakSet(), 0

    def __len__(self):
        return len(self.shapes)

    def __getitem__(self, index):
        image = np.random.default_rng(index).integers(0, 50 + index, self.shapes[index], np.uint8).view(Told)
        self.there.add(image)
        self.most = max(self.most, len(self.there))
        return image


class Told(np.ndarray):
    """An array that can be told apart from others."""

    __hash__ = object.__hash__
    __eq__ = object.__eq__


@pytest.mark.parametrize("channels", [1, 3])
def test_statistics_of_channels_are_numpys_and_take_an_image_at_a_time(channels):
    images = OneByOne([(5, 4, channels)] * 40)
    fitted = fit(FitRequest(inputs=images, options={}))
    assert 0 < images.most <= 3
    pixels = np.stack([np.array(image) for image in images]) / 255
    assert fitted["shape"] == [5, 4, channels]
    assert fitted["mean"] == pytest.approx(pixels.mean((0, 1, 2)), rel=1e-12)
    assert fitted["std"] == pytest.approx(pixels.std((0, 1, 2)), rel=1e-12)


def test_a_channel_that_never_varies_has_a_spread_to_divide_by():
    fitted = fit(FitRequest(inputs=np.full((3, 2, 2, 1), 51, np.uint8), options={}))
    assert (fitted["mean"], fitted["std"]) == ([pytest.approx(0.2)], [1e-3])


def test_images_of_several_sizes_are_refused_where_none_is_scaled():
    with pytest.raises(BadInputError, match=r"\(5, 4, 3\) and \(5, 6, 3\): .*task.size"):
        fit(FitRequest(inputs=OneByOne([(5, 4, 3), (5, 4, 3), (5, 6, 3)]), options={}))


@pytest.fixture
def pictures(tmp_path):
    """Two sides of two classes of ten images, dark and bright, of different sizes."""
    random = np.random.default_rng(0)
    for side in ("here", "there"):
        for name, level in (("dark", 0), ("bright", 128)):
            (tmp_path / side / name).mkdir(parents=True)
            for i in range(10):
                pixels = random.integers(level, level + 128, (20 + i, 30, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(tmp_path / side / name / f"{i}.png")
    return tmp_path


def run_request(folder, **options):
    places = {"task.source": str(folder / "here"), "task.target": str(folder / "there")}
    overrides = {**places, **{f"task.{name}": value for name, value in options.items()}}
    return {"tasks": ["vision/image-folder"], "strategies": ["finetune"], "overrides": overrides}


def test_own_images_become_model_inputs(catalog, pictures, tmp_path):
    settings = Settings(cache=tmp_path / "cache", board=tmp_path / "board", data_root=None)
    (pairing,) = plan_only(catalog, settings, **run_request(pictures, size=16, grey=True)).pairings
    (tmp_path / "out").mkdir()
    prepare(pairing, tmp_path / "out")
    prepared = Prepared.read(tmp_path / "out")
    assert prepared.target_labels == ("bright", "dark")
    test = prepared.split("target-test")
    assert test.inputs.columns[0].shape == (4, 1, 16, 16)
    assert (test.inputs.columns[0].mean((1, 2, 3)) < 128).tolist() == (test.targets.values == 1).tolist()


def test_where_own_images_lie_does_not_matter(catalog, pictures, tmp_path):
    settings = Settings(cache=tmp_path / "cache", board=tmp_path / "board", data_root=None)
    (first,) = plan_only(catalog, settings, **run_request(pictures)).pairings
    moved = pictures.rename(pictures.with_name("moved"))
    (second,) = plan_only(catalog, settings, **run_request(moved)).pairings
    assert first.key() == second.key()


def test_classes_that_differ_make_the_setting_inductive_and_are_named(catalog, pictures, settings):
    (pictures / "there/dark").rename(pictures / "there/dim")
    with pytest.warns(UserWarning, match='only in source "dark", only in target "dim"'):
        (pairing,) = plan_only(catalog, settings, **run_request(pictures)).pairings
    assert pairing.setting == "inductive"


def test_own_images_run_without_a_source(catalog, pictures, run_pairings):
    options = {"task.target": str(pictures / "there"), "task.label_budget": 4, "finetune.steps": 2}
    row = run_pairings(catalog, tasks=["vision/image-folder"], strategies=["finetune"], overrides=options).rows[0]
    assert (row.status, row.setting, row.fitted_on) == ("ok", "target-only", "label budget")
    assert row.score_matrix == ((None, None), (None, row.eager_score))


def test_who_names_no_files_is_told_which(catalog, settings):
    with pytest.raises(MissingDataError, match=r"--set task.target=PATH. Without task.source"):
        plan_only(catalog, settings, tasks=["vision/image-folder"])


def test_bad_input_ends_the_command_with_status_2(pictures, tmp_path):
    (pictures / "here/dark").rename(pictures / "elsewhere")
    places = [f"--set=task.source={pictures / 'here'}", f"--set=task.target={pictures / 'there'}"]
    command = [sys.executable, "-m", "tlbench", "run", "--task", "vision/image-folder", *places]
    done = subprocess.run(
        [*command, "--board", str(tmp_path / "board")],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "TLBENCH_CACHE": str(tmp_path / "cache")},
    )
    assert done.returncode == 2
    assert done.stderr.startswith("Error: ")
    assert 'here" has training examples of only one class, "bright"' in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.skipif("TLBENCH_DATA" not in os.environ, reason="TLBENCH_DATA is not set: reads real data")
def test_mnist_and_optdigits_counts(catalog, tmp_path):
    settings = Settings(cache=tmp_path / "cache", board=tmp_path / "board")
    asked = {"tasks": ["vision/mnist-optdigits"], "strategies": ["finetune"]}
    (pairing,) = plan_only(catalog, settings, **asked).pairings
    data = pairing.task.load(pairing.load_request)
    counts = [np.bincount([*side.train.labels, *side.test.labels]).tolist() for side in (data.source, data.target)]
    assert counts[0] == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert np.bincount(data.target.test.labels).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert sum(counts[1]) == 2999 + 824 + 1797


def test_images_may_be_listed_by_a_table_or_stand_in_one(catalog, pictures, tmp_path):
    arrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    here, there = tmp_path / "here", tmp_path / "there"
    paths = sorted(here.glob("*/*"))
    (here / "split.csv").write_text(
        "\n".join(["file,label", *(f"{p.parent.name}/{p.name},{p.parent.name}" for p in paths)])
    )
    photos = sorted(there.glob("*/*"))
    cells = [{"bytes": path.read_bytes(), "path": None} for path in photos]
    table = arrow.table({"photo": cells, "label": [path.parent.name for path in photos]})
    parquet.write_table(table, tmp_path / "there.parquet")
    settings = Settings(cache=tmp_path / "cache", board=tmp_path / "board")

    def read(source, target):
        overrides = {"task.source": str(source), "task.target": str(target), "task.size": 8}
        asked = {"tasks": ["vision/image-folder"], "strategies": ["finetune"], "overrides": overrides}
        (pairing,) = plan_only(catalog, settings, **asked).pairings
        request = pairing.load_request
        return pairing.task.load(request), pairing.task.files(request)

    folders, _ = read(here, there)
    tables, files = read(here / "split.csv", tmp_path / "there.parquet")
    assert set(files) == {*paths, here / "split.csv", tmp_path / "there.parquet"}
    assert sorted(image.tobytes() for image in all_images(tables)) == sorted(i.tobytes() for i in all_images(folders))
    assert tables.source.labels == folders.source.labels
    table = arrow.table({"photo": [*cells[:-1], {"bytes": b"no image", "path": None}], "label": table["label"]})
    parquet.write_table(table, tmp_path / "there.parquet")
    with pytest.raises(BadInputError, match=r'there.parquet, row 20" cannot be read as an image'):
        all_images(read(here, tmp_path / "there.parquet")[0])


def all_images(data):
    return [image for side in (data.source, data.target) for half in (side.train, side.test) for image in half.inputs]


def test_a_served_image_lies_over_white_as_the_images_of_the_run_did():
    """Every colour under every alpha: what `read_image` makes of a file, `preprocess` makes of an array."""
    colour, alpha = np.meshgrid(np.arange(256, dtype=np.uint8), np.arange(256, dtype=np.uint8))
    for mode, channels in (("RGBA", 3), ("LA", 1)):
        pixels = np.stack([*[colour] * channels, alpha], 2)
        expected = as_pixels(Image.fromarray(pixels, mode), 0, grey=channels == 1)
        prepare_one = preprocess.preprocessor({"shape": [256, 256, channels]}, {}, "pooled")
        assert (prepare_one(pixels)[0] == expected.transpose(2, 0, 1)).all()
        assert (prepare_one(expected)[0] == expected.transpose(2, 0, 1)).all()


@pytest.mark.parametrize("shape", [(4, 4, 2), (4, 4, 5), (4, 4, 1), (3, 4, 4), (4, 4)])
def test_an_image_of_other_channels_is_refused(shape):
    prepare_one = preprocess.preprocessor({"shape": [4, 4, 3]}, {}, "pooled")
    with pytest.raises(ValueError, match=r"expected \(4, 4, 3\) uint8"):
        prepare_one(np.zeros(shape, np.uint8))
