"""Detection: boxes from maps, the loss, the backbones' cells, and one's own images from start to end."""

from __future__ import annotations

import json
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import onnx
import pytest
import torch
from PIL import Image

pytest.importorskip("pycocotools", reason="needs the extra detection")
from click.testing import CliRunner
from torchvision.ops import generalized_box_iou_loss

import tlbench
from tlbench import BadInputError, BuildRequest, FitRequest, NotApplicable, PrepareRequest
from tlbench.cli.export_command import command as export_command
from tlbench.deploy.export import check_parity
from tlbench.deploy.onnx_graph import export_graph, fill, write_model
from tlbench.learning import BatchTargets, Outputs, Targets
from tlbench.learning.data import Examples, Inputs
from tlbench.learning.model import TransferModel
from tlbench.planning.catalog import load_catalog
from tlbench_detection.backbones.pyramid import input_size
from tlbench_detection.kind import Detection
from tlbench_detection.loss import detection_loss, focal, generalised_iou, wanted_of
from tlbench_detection.peaks import KEPT, MOST, find_boxes
from tlbench_mixing.strategies import cutmix

KIND = Detection()
NAMES = ("car", "bus")


def cells(rows=8, columns=10, classes=2):
    """Return outputs of cells in which nothing is found; all distances are softplus(2)."""
    outputs = np.full((rows, columns, classes + 4), -9.0, np.float32)
    outputs[..., classes:] = 2.0
    return outputs


def found(outputs):
    return find_boxes(outputs)


def test_a_peak_becomes_a_box_in_pixels_of_the_image_as_it_was_given():
    outputs = cells()
    outputs[3, 4, 1] = 4.0
    outputs[3, 5, 1] = 3.0  # beside the peak
    distances = np.array([2.0, 1.0, 3.0, 1.5])
    outputs[3, 4, 2:] = np.log(np.expm1(distances))
    (box,) = found(outputs)
    wanted = np.array([4.5 - 2, 3.5 - 1, 4.5 + 3, 3.5 + 1.5]) / [10, 8, 10, 8]
    np.testing.assert_allclose(box, [1, 1 / (1 + np.exp(-4)), *wanted], rtol=1e-5)
    photo = np.zeros((400, 1000, 3), np.uint8)
    assert KIND.postprocess.describe(box[None], photo, NAMES) == "bus 0.982 at 250,125 to 750,250"
    assert KIND.postprocess.describe(np.zeros((0, 6)), photo, NAMES) == "nothing"


def test_peaks_of_several_classes_at_one_cell_are_several_boxes():
    outputs = cells()
    outputs[2, 2, :2] = 1.0
    assert found(outputs)[:, 0].tolist() == [0, 1]


def test_of_boxes_of_a_class_that_overlap_the_better_is_kept():
    outputs = cells()
    outputs[2, 2, 0], outputs[2, 4, 0], outputs[2, 4, 1] = 3.0, 2.0, 1.0
    outputs[..., 2:] = 9.0  # all boxes are the whole image
    assert [(int(box[0]), round(float(box[1]), 2)) for box in found(outputs)] == [(0, 0.95), (1, 0.73)]


def test_unlikely_boxes_are_left_out_and_there_are_not_too_many():
    assert found(cells()).shape == (0, 6)
    outputs = cells(50, 50)
    outputs[::2, ::2, 0] = np.random.default_rng(0).normal(1, 0.1, (25, 25))
    outputs[..., 2:] = -2.0  # boxes so small that none overlap
    boxes = found(outputs)
    assert len(boxes) == MOST
    assert (np.diff(boxes[:, 1]) <= 0).all()
    outputs[..., 0] = np.log(KEPT / (1 - KEPT)) - 0.01
    assert len(found(outputs)) == 0


def test_the_constant_finds_nothing():
    constant = KIND.constant(np.zeros((0, 6)), 6)
    outputs = np.broadcast_to(constant.astype(np.float32), (2, 4, 4, 6))
    assert [len(boxes) for boxes in KIND.postprocess.predict(Outputs(outputs.reshape(-1, 6), shape=(2, 4, 4)))] == [
        0,
        0,
    ]


@pytest.mark.parametrize(
    ("box", "words"),
    [
        ([2, 0.1, 0.1, 0.2, 0.2, 0], "outside the 2 labels"),
        ([0.5, 0.1, 0.1, 0.2, 0.2, 0], "whole number"),
        ([0, 0.3, 0.1, 0.2, 0.2, 0], "no area"),
        ([0, 0.3, 0.1, 0.4, 1.2, 0], "outside its image"),
        ([0, float("nan"), 0.1, 0.4, 0.5, 0], "not finite"),
        ([0, 0.1, 0.1, 0.2], r"\(k, 6\)"),
    ],
)
def test_boxes_that_make_no_sense_are_refused(box, words):
    with pytest.raises(BadInputError, match=words):
        KIND.targets([[box]], NAMES)


def test_images_without_boxes_are_legal():
    targets = KIND.targets([[], [[1, 0, 0, 0.5, 0.5, 0], [0, 0, 0, 1, 1, 1]], np.zeros((0, 6))], NAMES)
    assert targets.counts.tolist() == [0, 2, 0]
    assert KIND.strata(targets)[[0, 2]].tolist() == [0, 0]
    assert KIND.classes([[1, 0, 0, 0.5, 0.5, 0], [0, 0, 0, 1, 1, 1]]).tolist() == [1]
    outputs = torch.tensor(np.stack([cells()] * 3), requires_grad=True)
    empty = BatchTargets(torch.zeros(0, 6), torch.zeros(3, dtype=torch.int64))
    loss = detection_loss(outputs, empty)
    loss.backward()
    assert torch.isfinite(loss)
    assert bool(torch.isfinite(outputs.grad).all())


def batch(*images):
    return KIND.targets(list(images), NAMES).batch()


def test_the_rarest_class_decides_the_stratum():
    car, bus = [0, 0, 0, 1, 1, 0], [1, 0, 0, 1, 1, 0]
    assert KIND.strata(KIND.targets([[car], [car, bus], [], [car]], NAMES)).tolist() == [1, 2, 0, 1]


def test_a_crowd_is_not_in_the_stratum_of_its_class():
    car, crowd_of_buses = [0, 0, 0, 1, 1, 0], [1, 0, 0, 1, 1, 1]
    assert KIND.strata(KIND.targets([[car, crowd_of_buses], [crowd_of_buses], [car]], NAMES)).tolist() == [1, 0, 1]


def test_cells_learn_the_box_around_them_and_the_smallest_of_several():
    large, small = [0, 0.0, 0.0, 1.0, 1.0, 0], [1, 0.35, 0.4, 0.65, 0.7, 0]
    wanted = wanted_of(batch([small, large], []), torch.Size([2, 10, 10, 2]))
    assert wanted.heat[0, 5, 5].tolist() == [1.0, 1.0]
    assert wanted.heat[0].amax((0, 1)).tolist() == [1.0, 1.0]
    torch.testing.assert_close(wanted.distances[0, 5, 5], torch.tensor([2.0, 1.5, 1.0, 1.5]))
    torch.testing.assert_close(wanted.distances[0, 3, 5], torch.tensor([5.5, 3.5, 4.5, 6.5]))
    assert (wanted.heat[1].any(), wanted.weights[1].any()) == (False, False)


def test_nothing_is_learnt_from_a_crowd():
    outputs = torch.zeros(1, 10, 10, 6, requires_grad=True)
    detection_loss(outputs, batch([[0, 0.0, 0.0, 0.5, 1.0, 1]])).backward()
    assert not outputs.grad[0, :, :5].any()
    assert outputs.grad[0, :, 5:, :2].all()


def test_right_outputs_have_less_loss_than_wrong_ones_and_training_finds_them():
    targets = batch([[1, 0.2, 0.3, 0.7, 0.6, 0]], [[0, 0.5, 0.1, 0.9, 0.9, 0]])
    outputs = torch.tensor(np.stack([cells()] * 2), requires_grad=True)
    optimizer = torch.optim.Adam([outputs], 0.3)
    start = float(detection_loss(outputs.detach(), targets))
    for _ in range(150):
        optimizer.zero_grad()
        detection_loss(outputs, targets).backward()
        optimizer.step()
    assert float(detection_loss(outputs.detach(), targets)) < 0.05 * start
    first, second = KIND.postprocess.predict(Outputs(outputs.detach().reshape(-1, 6).numpy(), shape=(2, 8, 10)))
    np.testing.assert_allclose(first[0, [0, 2, 3, 4, 5]], [1, 0.2, 0.3, 0.7, 0.6], atol=0.02)
    np.testing.assert_allclose(second[0, [0, 2, 3, 4, 5]], [0, 0.5, 0.1, 0.9, 0.9], atol=0.02)


def test_generalised_iou_is_that_of_torchvision():
    found, wanted = torch.rand(2, 50, 4, generator=torch.Generator().manual_seed(0)) * 4 + 0.1
    signs = torch.tensor([-1.0, -1, 1, 1])
    theirs = 1 - generalized_box_iou_loss(signs * found, signs * wanted)
    torch.testing.assert_close(generalised_iou(found, wanted), theirs, atol=1e-5, rtol=0)


def test_the_focal_loss_is_equation_1_of_centernet():
    random = np.random.default_rng(0)
    logits, heat = random.normal(0, 2, (1, 4, 5, 2)), random.uniform(0, 0.99, (1, 4, 5, 2))
    heat[0, 1, 2, 0] = heat[0, 3, 3, 1] = 1
    total = 0.0
    for place in np.ndindex(heat.shape):
        probability = 1 / (1 + np.exp(-logits[place]))
        if heat[place] == 1:
            total -= (1 - probability) ** 2 * np.log(probability)
        else:
            total -= (1 - heat[place]) ** 4 * probability**2 * np.log(1 - probability)
    ours = focal(torch.tensor(logits), torch.tensor(heat), torch.ones(1, 4, 5, dtype=torch.float64))
    assert float(ours) == pytest.approx(total, rel=1e-9)


@pytest.mark.parametrize(
    ("sides", "size", "expected"),
    [
        ([(64, 64)], 0, (64, 64)),
        ([(240, 320)] * 3, 0, (112, 144)),
        ([(240, 320)], 256, (224, 288)),
        ([(320, 240), (180, 320), (320, 240)], 0, (144, 112)),
        ([(8, 8)], 0, (16, 16)),
    ],
)
def test_inputs_have_the_shape_of_the_images_in_multiples_of_16(sides, size, expected):
    assert input_size(np.array(sides), size) == expected


def photos(count=3, height=60, width=90):
    return list(np.random.default_rng(0).integers(0, 256, (count, height, width, 3), np.uint8))


@pytest.mark.parametrize(
    ("name", "options", "cell"),
    [
        ("image/pyramid-small", {"width": 4}, 4),
        ("timm/test_resnet", {"weights": "random", "size": 64}, 16),
        ("timm/test_vit", {"weights": "random"}, 16),
    ],
)
def test_backbones_give_cells_of_images_of_any_size_and_are_exported(tmp_path, name, options, cell):
    spec = load_catalog().backbone(name)
    options = {**{option.name: option.default for option in spec.options}, **options}
    fitted = spec.fit(FitRequest(inputs=photos(), options=options, layout="cells"))
    raw = [*photos(), np.zeros((31, 17, 3), np.uint8)]
    columns = spec.prepare(PrepareRequest(inputs=raw, fitted=fitted, layout="cells", options=options))
    torch.manual_seed(0)
    encoder = spec.build(BuildRequest(fitted=fitted, layout="cells", options=options)).eval()
    height, width = columns[0].shape[2:]
    inputs = Inputs(columns)
    with torch.no_grad():
        assert encoder(*inputs.batch(np.arange(2))).shape == (2, height // cell, width // cell, encoder.feature_dim)
    model = TransferModel(encoder, {"target": KIND.head(encoder.feature_dim, NAMES)}).eval()
    export_graph(model, inputs, tmp_path / "graph.onnx")
    write_model(fill(onnx.load(tmp_path / "graph.onnx"), model, inputs), tmp_path / "model.onnx")
    examples = Examples(inputs, Targets(np.zeros((0, 6), np.float32), np.zeros(4, np.int64)))
    assert check_parity(model, tmp_path / "model.onnx", examples, KIND, "cpu", 1).relative < 1e-5


def test_timm_scales_whole_images_for_cells():
    spec = load_catalog().backbone("timm/test_resnet")
    options = {option.name: option.default for option in spec.options} | {"size": 64}
    fitted = spec.fit(FitRequest(inputs=photos(), options=options, layout="cells"))
    image = np.zeros((100, 200, 3), np.uint8)
    image[:, :10], image[:, -10:] = 255, 255
    seen = [
        spec.prepare(PrepareRequest(inputs=[image], fitted=fitted, layout=layout, options=options))[0]
        for layout in ("cells", "pooled")
    ]
    assert [part[0, 0, 32, 0] > 200 for part in seen] == [True, False]


def test_examples_with_boxes_are_not_mixed():
    box = [0, 0.1, 0.1, 0.6, 0.6, 0]
    images = torch.zeros(2, 3, 8, 8, dtype=torch.uint8)

    def model(images):
        return Outputs(torch.zeros(2 * 4, 6), shape=(2, 2, 2))

    model.encoder, model.heads = None, {"target": None}
    request = SimpleNamespace(
        model=model,
        options={"alpha": 1.0},
        generator=torch.Generator().manual_seed(0),
        target=SimpleNamespace(kind=KIND, train=None),
        batches=lambda examples: iter([((images,), batch([box], [box]), None)]),
        train=lambda modules, loss: loss(0.0),
    )
    with pytest.raises(NotApplicable, match="target for each unit"):
        cutmix(request)


def draw_photos(folder, count, random):
    """Bright rectangles on a dark ground, of two sizes of image, in the form of YOLO."""
    (folder / "images").mkdir(parents=True)
    (folder / "labels").mkdir()
    for number in range(count):
        height, width = ((48, 64), (64, 64))[number % 2]
        image = random.integers(0, 60, (height, width, 3))
        left, top = random.integers(0, width - 24), random.integers(0, height - 24)
        image[top : top + 20, left : left + 20] += 160
        Image.fromarray(image.astype(np.uint8)).save(folder / "images" / f"{number}.png")
        box = [(left + 10) / width, (top + 10) / height, 20 / width, 20 / height]
        (folder / "labels" / f"{number}.txt").write_text(" ".join(map(str, [0, *box])))


def test_own_photos_from_start_to_end(tmp_path, session_cache):
    """Without a source and with one class: training, scores, export, and boxes drawn into a photo."""
    random = np.random.default_rng(0)
    for part, count in (("train", 40), ("test", 12)):
        draw_photos(tmp_path / "photos" / part, count, random)
    (tmp_path / "photos" / "classes.txt").write_text("square\n")
    board = tmp_path / "board"
    rows = tlbench.run(
        "vision/box-folder",
        target=tmp_path / "photos",
        strategies=["finetune"],
        references=["constant"],
        seeds=1,
        board=board,
        device="cpu",
        label_budgets=36,
        options={"finetune.steps": 150, "finetune.learning_rate": 5e-3, "image/pyramid-small.width": 8},
    )
    best, constant = (next(row for row in rows if row.strategy == name) for name in ("finetune", "constant"))
    assert (constant.status, constant.score) == ("ok", 0.0)
    assert best.scores["map-50"] > 0.8
    assert best.score_low <= best.score <= best.score_high
    words = [best.key, "-o", str(tmp_path / "out"), "--board", str(board)]
    done = CliRunner().invoke(export_command, words, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    photo = tmp_path / "photos" / "test" / "images" / "0.png"
    said = predict(tmp_path / "out", str(photo), "--draw", str(tmp_path / "drawn"))
    assert said.returncode == 0, said.stderr
    label, score, _, first, _, second = said.stdout.removeprefix(f"{photo}: ").partition(";")[0].split()
    assert (label, float(score) > 0.3) == ("square", True)
    x, y = map(float, (tmp_path / "photos/test/labels/0.txt").read_text().split()[1:3])
    corners = np.array([*map(int, first.split(",")), *map(int, second.split(","))])
    np.testing.assert_allclose(corners, [64 * x - 10, 48 * y - 10, 64 * x + 10, 48 * y + 10], atol=5)
    with Image.open(tmp_path / "drawn" / "0.png") as drawn:
        assert drawn.size == (64, 48)
        assert (255, 0, 0) in {drawn.getpixel((int(corners[0]), int(y))) for y in range(corners[1], corners[3])}


def predict(folder, *words):
    command = [sys.executable, "-P", "-B", "-c", PREDICT.format(folder=json.dumps(str(folder))), *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


PREDICT = (
    "import runpy, sys; sys.path.insert(0, {folder}); runpy.run_path({folder} + '/predict.py', run_name='__main__')"
)
