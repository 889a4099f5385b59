"""The small U-Net, and one's own images with masks from start to end."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
import torch
from PIL import Image

from tlbench import SEGMENTATION, BadInputError, BuildRequest, FitRequest, LoadRequest, PrepareRequest
from tlbench.assets.readers.faults import CollectedFaults
from tlbench.deploy.export import check_parity
from tlbench.deploy.onnx_graph import export_graph, fill, write_model
from tlbench.learning.data import Examples, Inputs
from tlbench.learning.model import TransferModel
from tlbench.learning.targets import Targets
from tlbench.planning.catalog import load_catalog
from tlbench_vision.segmentation import segmentation_backbones

(UNET,) = segmentation_backbones()
OPTIONS = {"width": 4}


def images(size, height, width):
    return np.random.default_rng(0).integers(0, 256, (size, height, width, 3), np.uint8)


@pytest.fixture(scope="module")
def fitted():
    return UNET.fit(FitRequest(inputs=images(4, 16, 16), options=OPTIONS))


def prepared(fitted, raw):
    return Inputs(UNET.prepare(PrepareRequest(inputs=raw, fitted=fitted, layout="map", options=OPTIONS)))


def test_one_exported_graph_serves_images_of_any_size(fitted, tmp_path):
    torch.manual_seed(0)
    encoder = UNET.build(BuildRequest(fitted=fitted, layout="map", options=OPTIONS))
    kind = SEGMENTATION.create()
    model = TransferModel(encoder, {"source": kind.head(4, "ab"), "target": kind.head(4, "ab")}).eval()
    inputs = prepared(fitted, images(3, 16, 16))
    export_graph(model, inputs, tmp_path / "graph.onnx")
    write_model(fill(onnx.load(tmp_path / "graph.onnx"), model, inputs), tmp_path / "model.onnx")
    for size, height, width in ((3, 16, 16), (2, 33, 21), (1, 64, 48)):
        targets = Targets(np.zeros(size * height * width, int), np.full(size, height * width))
        examples = Examples(prepared(fitted, images(size, height, width)), targets)
        parity = check_parity(model, tmp_path / "model.onnx", examples, kind, "cpu", 1)
        assert parity.relative < 1e-5
        assert parity.predictions.values.shape == (size * height * width,)


def test_an_image_with_other_channels_is_refused(fitted):
    with pytest.raises(BadInputError, match=r"expected .* uint8"):
        prepared(fitted, images(1, 16, 16)[..., :1])


def scene(folder, count, offset, random):
    """Bright squares on a dark ground, labels 0 and 200."""
    for name in ("images", "masks"):
        (folder / name).mkdir(parents=True)
    for number in range(count):
        row, column = random.integers(0, 6, 2)
        mask = np.zeros((12, 12), np.uint8)
        mask[row : row + 6, column : column + 6] = 200
        noise = random.integers(0, 20, mask.shape)
        Image.fromarray((mask // 3 + offset + noise).astype(np.uint8)).save(folder / "images" / f"{number}.png")
        Image.fromarray(mask).save(folder / "masks" / f"{number}.png")


@pytest.fixture
def places(tmp_path):
    random = np.random.default_rng(0)
    scene(tmp_path / "source", 40, 20, random)
    scene(tmp_path / "target", 40, 60, random)
    found = {f"task.{side}": str(tmp_path / side) for side in ("source", "target")}
    return {**found, "task.size": 12, "task.grey": True, "task.label_budget": 6, "backbone.width": 4}


def test_one_s_own_masks_run_through_every_strategy(places, run_pairings):
    steps = {f"{owner}.steps": 60 for owner in ("source", "finetune", "scratch", "all-labels", "adversarial")}
    rows = run_pairings(load_catalog(), tasks=["vision/mask-folder"], overrides={**places, **steps}).rows
    found = {row.strategy: row for row in rows}
    assert {row.status for row in rows} == {"ok"}, [row.reason for row in rows if row.reason]
    assert set(found) >= {
        "adabn",
        "adversarial",
        "finetune",
        "frozen",
        "constant",
        "all-labels",
        "scratch",
        "source-only",
    }
    assert set(found["all-labels"].scores) == {"mean-iou", "dice", "pixel-accuracy", "hausdorff-95"}
    assert found["all-labels"].score > 0.9 > found["constant"].score
    assert all(row.parity < 1e-4 and row.score == pytest.approx(row.eager_score, abs=1e-3) for row in rows)
    assert found["all-labels"].shapes == ((1, 1, 12, 12),)


def test_a_value_that_the_source_lacks_is_named(places, tmp_path):
    mask = next((tmp_path / "target" / "masks").glob("*.png"))
    Image.fromarray(np.full((12, 12), 77, np.uint8)).save(mask)
    task = load_catalog().task("vision/mask-folder")
    options = {"source": places["task.source"], "target": places["task.target"], "size": 12, "grey": True}
    with pytest.raises(BadInputError, match="has the value 77"):
        task.load(LoadRequest(task=task.name, options=options, data_root=None))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda mask: mask * 0, "single value, 0"),
        (lambda mask: np.arange(144, dtype=np.uint8).reshape(12, 12), "144 different values"),
    ],
)
def test_masks_that_were_not_drawn_so_are_said(places, tmp_path, change, says):
    """One value would score 1 whatever a model does; a mask that was smoothed has classes that nobody drew."""
    for mask in (tmp_path / "target" / "masks").glob("*.png"):
        Image.fromarray(change(np.asarray(Image.open(mask)))).save(mask)
    task, faults = load_catalog().task("vision/mask-folder"), CollectedFaults()
    options = {"source": "", "target": places["task.target"], "size": 12, "grey": True}
    task.load(LoadRequest(task=task.name, options=options, data_root=None, faults=faults))
    assert any(says in message for message in (*faults.notes, *map(str, faults.errors)))
