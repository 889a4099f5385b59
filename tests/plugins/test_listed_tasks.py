"""Tasks whose tables name every example: on small files of the same form, and on the published ones."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tlbench import BadInputError, LoadRequest, MissingDataError, UsageError
from tlbench.api import run
from tlbench.learning import Predictions
from tlbench_data.listed import TILE, listed_tasks

TASKS = {task.name: task for task in listed_tasks()}
LABELS = ("background", "vessel")
VESSELS, FLOWS = "medical/retina-vessels", "anomaly/zeek-flows"
DATA = Path(os.environ.get("TLBENCH_DATA", "/nowhere"))
HEADER = (
    "capture,split,t,proto,service,duration,orig_bytes,resp_bytes,conn_state,missed_bytes,history,orig_pkts,"
    "orig_ip_bytes,resp_pkts,resp_ip_bytes,n,label,detail"
)


def request(name, root, **options):
    defaults = {option.name: option.default for option in TASKS[name].options}
    return LoadRequest(task=name, options={**defaults, **options}, data_root=root)


def published(name):
    folder = DATA / {VESSELS: "retina_vessels", FLOWS: "zeek_flows"}[name]
    if not folder.is_dir():
        pytest.skip(f"TLBENCH_DATA has no {folder.name}")
    return DATA


# Vessels


@pytest.fixture
def photographs(tmp_path):
    """Two patients for each camera and split, one tile each; a vessel is the upper third of a tile."""
    root, lines = tmp_path / "retina_vessels", ["image,mask,side,image_id,patient,split,vessel_fraction"]
    mask = np.zeros((TILE, TILE), np.uint8)
    mask[: TILE // 3] = 255
    for camera in ("hrf", "chase"):
        for folder in ("images", "masks"):
            (root / camera / folder).mkdir(parents=True)
        for number in range(4):
            name = f"{camera}/images/{number}.png", f"{camera}/masks/{number}.png"
            Image.new("RGB", (TILE, TILE), (50 * number, 0, 0)).save(root / name[0])
            Image.fromarray(mask).save(root / name[1])
            lines.append(f"{name[0]},{name[1]},{camera},{number},p{number},{'train' if number < 2 else 'test'},0.33")
    (root / "index.csv").write_text("\n".join(lines) + "\n")
    return root


@pytest.mark.parametrize("size", [96, TILE])
def test_tiles_have_their_masks_patients_and_the_size_of_their_pixels(photographs, size):
    data = TASKS[VESSELS].load(request(VESSELS, photographs.parent, size=size))
    test = data.target.test
    assert data.source.labels == data.target.labels == LABELS
    assert (np.shape(test.inputs), np.shape(test.labels)) == ((2, size, size, 3), (2, size, size))
    assert [image[0, 0, 0] for image in test.inputs] == [100, 150]
    assert np.unique(test.labels[:, : size // 3]) == 1
    assert np.unique(test.labels[:, size // 3 :]) == 0
    assert (list(test.groups), list(data.source.train.groups)) == (["p2", "p3"], ["p0", "p1"])
    assert test.references[0] == [size, size, TILE / size, TILE / size]


def test_distances_are_in_pixels_of_the_files_whatever_the_size(photographs):
    found = []
    for size in (96, TILE):
        test = TASKS[VESSELS].load(request(VESSELS, photographs.parent, size=size)).target.test
        kind = TASKS[VESSELS].kind.create()
        targets = replace(kind.targets(test.labels, LABELS), references=list(test.references))
        lower = np.roll(np.asarray(test.labels), size // 16, axis=1)  # 12 pixels of the file
        lower[:, : size // 16] = 1
        predictions = Predictions(lower.reshape(-1), targets.counts)
        found.append(kind.metrics(LABELS)["hausdorff-95"](predictions, targets)(np.ones(len(targets))))
    assert found == pytest.approx([12, 12], abs=2)  # a pixel of the smaller size


def test_a_vessel_of_one_pixel_stays_if_tiles_are_scaled(photographs):
    thin = np.zeros((TILE, TILE), np.uint8)
    thin[::8] = 255
    Image.fromarray(thin).save(photographs / "chase/masks/2.png")
    data = TASKS[VESSELS].load(request(VESSELS, photographs.parent, size=96))
    assert data.target.test.labels[0].mean() == 0.25  # half of a scaled pixel is vessel


def test_the_index_and_all_tiles_and_masks_identify_the_data(photographs):
    names = [path.name for path in TASKS[VESSELS].files(request(VESSELS, photographs.parent))]
    assert (len(names), names.count("index.csv")) == (17, 1)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("hrf/images/1.png", "../../secret.png", r'index.csv", line 3: "../../secret.png" is not a file below'),
        ("hrf/images/1.png", "hrf/images/9.png", r'line 3: "hrf/images/9.png" is not a file below its folder'),
        (",chase,", ",other,", 'no row with the side "chase"'),
        (",p2,test", ",p1,test", 'has the patient "p1" in both splits'),
        (",train,", ",practice,", 'invalid split "practice"'),
        ("patient", "person", "patient"),
    ],
)
def test_faults_of_the_index_are_named(photographs, old, new, says):
    index = photographs / "index.csv"
    index.write_text(index.read_text().replace(old, new))
    with pytest.raises(BadInputError, match=says):
        TASKS[VESSELS].load(request(VESSELS, photographs.parent))


@pytest.mark.parametrize(
    ("folder", "image", "says"),
    [
        ("images", Image.new("RGB", (TILE, TILE + 1)), "use the same size"),
        ("masks", Image.new("L", (TILE, TILE), 7), "has the value 7: masks of vessels have 0 and 255 alone"),
        ("masks", Image.new("RGB", (TILE, TILE)), "is a colour image"),
    ],
)
def test_faults_of_tiles_and_masks_are_named(photographs, folder, image, says):
    image.save(photographs / "chase" / folder / "0.png")
    with pytest.raises(BadInputError, match=says):
        TASKS[VESSELS].load(request(VESSELS, photographs.parent))


def test_tiles_of_another_size_are_refused(photographs):
    for folder, mode in (("images", "RGB"), ("masks", "L")):
        Image.new(mode, (64, 64)).save(photographs / "hrf" / folder / "0.png")
    with pytest.raises(BadInputError, match="has 64 x 64 pixels, expected 192 x 192"):
        TASKS[VESSELS].load(request(VESSELS, photographs.parent))


def test_a_size_below_32_is_refused_and_a_folder_that_is_not_there_is_named(photographs, tmp_path):
    with pytest.raises(UsageError, match="size"):
        TASKS[VESSELS].files(request(VESSELS, photographs.parent, size=8))
    with pytest.raises(MissingDataError, match="retina_vessels"):
        TASKS[VESSELS].files(request(VESSELS, tmp_path / "nowhere"))


def test_the_published_tiles_are_those_that_the_spec_counts():
    data = TASKS[VESSELS].load(request(VESSELS, published(VESSELS), size=32))
    splits = data.source.train, data.source.test, data.target.train, data.target.test
    assert [len(split.inputs) for split in splits] == [48, 42, 48, 36]
    assert [len(set(split.groups)) for split in splits] == [24, 21, 8, 6]


# Flows


def flow(split, label, *, service="dns", duration="0.5", history="Dd", state="SF"):
    return f"c1,{split},0.0,udp,{service},{duration},10,20,{state},0,{history},1,38,1,48,3,{label},-"


def log_flows(root, source, target, name="pc_target.csv"):
    (root / "zeek_flows").mkdir(parents=True, exist_ok=True)
    for file, rows in (("iot_source.csv", source), (name, target)):
        (root / "zeek_flows" / file).write_text("\n".join([HEADER, *rows]) + "\n")


EACH = [flow(split, label) for split in ("train", "test") for label in ("benign", "malicious")]


def test_numbers_are_logarithms_texts_one_hot_and_histories_counts(tmp_path):
    source = [flow("train", "benign", history="ShADDd", duration=""), *EACH]
    log_flows(tmp_path, source, [flow("test", "malicious", service="sip", history="DDDH"), *EACH])
    data = TASKS[FLOWS].load(request(FLOWS, tmp_path))
    first = dict(zip(data.columns, data.source.train.inputs[0], strict=True))
    assert np.isnan(first["duration"])
    assert (first["orig_bytes"], first["service=dns"], first["history D"]) == (np.log1p(10), 1, np.log1p(2))
    assert {name for name in data.columns if name.startswith("history")} == {f"history {sign}" for sign in "AdDhS"}
    assert not {"capture", "split", "t", "n", "label", "detail"} & {name.partition("=")[0] for name in data.columns}
    of_target = dict(zip(data.columns, data.target.test.inputs[0], strict=True))
    assert (of_target["service=dns"], of_target["history D"]) == (0, np.log1p(3))
    assert (data.target.labels, list(data.target.test.labels)) == (("normal", "anomaly"), [1, 0, 1])
    assert data.target.test.groups is None


def test_the_near_target_is_other_home_devices(tmp_path):
    log_flows(tmp_path, EACH, [*EACH, flow("test", "benign")], "iot_target.csv")
    chosen = request(FLOWS, tmp_path, devices="home")
    assert [path.name for path in TASKS[FLOWS].files(chosen)] == ["iot_source.csv", "iot_target.csv"]
    assert len(TASKS[FLOWS].load(chosen).target.test.inputs) == 3
    with pytest.raises(UsageError, match=re.escape('Invalid task.devices="pc": use one of computers, home.')):
        TASKS[FLOWS].files(request(FLOWS, tmp_path, devices="pc"))


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([*EACH, flow("train", "benign", duration="long")], r'line 6, column "duration" "long" is not a finite|"long"'),
        (EACH[::2], 'must contain "benign" and another text in every split.*download the table again'),
        ([row.replace("train", "today") for row in EACH], 'invalid split "today"'),
        (EACH[:2], 'must contain "train" and "test"'),
    ],
)
def test_faults_of_a_table_of_flows_are_named(tmp_path, rows, says):
    log_flows(tmp_path, rows, EACH)
    with pytest.raises(BadInputError, match=says):
        TASKS[FLOWS].load(request(FLOWS, tmp_path))


@pytest.mark.parametrize("column", ["history", "service", "split", "label"])
def test_a_column_that_is_not_there_is_named(tmp_path, column):
    log_flows(tmp_path, EACH, EACH)
    table = tmp_path / "zeek_flows/pc_target.csv"
    table.write_text(table.read_text().replace(column, "other", 1))
    with pytest.raises(BadInputError, match=f'unknown column "{column}"|column "{column}"'):
        TASKS[FLOWS].load(request(FLOWS, tmp_path))


def test_the_published_flows_tell_attacks_apart_as_their_authors_saw():
    """Balanced accuracy of a logistic regression on the source, as the README of the data has it: 0.953."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import balanced_accuracy_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    data = TASKS[FLOWS].load(request(FLOWS, published(FLOWS)))
    splits = data.source.train, data.source.test, data.target.train, data.target.test
    assert [len(split.labels) for split in splits] == [5657, 2425, 7410, 3175]
    train, test, _, far = (np.nan_to_num(np.stack(list(split.inputs))) for split in splits)
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=500)).fit(train, splits[0].labels)
    near = balanced_accuracy_score(splits[1].labels, model.predict(test))
    assert near == pytest.approx(0.953, abs=0.01)
    assert balanced_accuracy_score(splits[3].labels, model.predict(far)) < near - 0.1


# Both


@pytest.mark.parametrize(("name", "options"), [(VESSELS, {"task.size": 32}), (FLOWS, {})])
def test_the_published_data_gives_a_result(name, options, tmp_path, monkeypatch):
    monkeypatch.setenv("TLBENCH_DATA", str(published(name)))
    results = run(
        task=name,
        strategies=["finetune"],
        references=["none"],
        seeds=1,
        quick=True,
        options={**options, "source.steps": 8, "finetune.steps": 8},
        board=tmp_path / "board",
    )
    (row,) = results
    assert row.status == "ok"
    assert 0 <= row.score <= 1
    assert row.groups == (6 if name == VESSELS else None)
