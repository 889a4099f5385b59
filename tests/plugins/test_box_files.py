"""Images with boxes of one's own: COCO, Pascal VOC and YOLO, and what is wrong with them."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("pycocotools", reason="needs the extra detection")
pytest.importorskip("defusedxml", reason="needs the extra detection")
from PIL import Image

from tlbench import BadInputError, LoadRequest
from tlbench.cli.inspection.inspect import inspect_task
from tlbench.planning.catalog import load_catalog

TASK = load_catalog().task("vision/box-folder")
WIDTH, HEIGHT = 80, 60
BOXES = {
    "a": [("car", 8, 6, 40, 30), ("bus", 40, 30, 80, 60)],
    "b": [("car", 0, 0, 20, 15)],
    "c": [],
    "d": [("bus", 4, 6, 12, 36)],
}
"""Left, top, right and bottom in pixels of the boxes of four images."""


def image(path, size=(WIDTH, HEIGHT)):
    path.parent.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(sum(map(ord, str(path.stem))))
    Image.fromarray(random.integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)).save(path)


def coco(names, folder="images"):
    """Return the content of a COCO file of these images."""
    categories = {"bus": 3, "car": 7}
    images = [
        {"id": number, "file_name": f"{folder}/{name}.png".lstrip("/"), "width": WIDTH, "height": HEIGHT}
        for number, name in enumerate(names, 1)
    ]
    boxes = [(number, *box) for number, name in enumerate(names, 1) for box in BOXES[name[0]]]
    return {
        "images": images,
        "categories": [{"id": number, "name": name} for name, number in categories.items()],
        "annotations": [
            {
                "id": place,
                "image_id": number,
                "category_id": categories[label],
                "bbox": [left, top, right - left, bottom - top],
                "iscrowd": 0,
            }
            for place, (number, label, left, top, right, bottom) in enumerate(boxes, 1)
        ],
    }


def voc(name):
    objects = "".join(
        f"<object><name>{label}</name><bndbox><xmin>{left}</xmin><ymin>{top}</ymin><xmax>{right}</xmax>"
        f"<ymax>{bottom}</ymax></bndbox></object>"
        for label, left, top, right, bottom in BOXES[name[0]]
    )
    size = f"<size><width>{WIDTH}</width><height>{HEIGHT}</height><depth>3</depth></size>"
    return f"<annotation><filename>{name}.png</filename>{size}{objects}</annotation>"


def yolo(name):
    lines = [
        f"{('bus', 'car').index(label)} {(left + right) / 2 / WIDTH} {(top + bottom) / 2 / HEIGHT} "
        f"{(right - left) / WIDTH} {(bottom - top) / HEIGHT}"
        for label, left, top, right, bottom in BOXES[name[0]]
    ]
    return "\n".join(lines)


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text if isinstance(text, str) else json.dumps(text), encoding="utf-8")


def coco_files(root):
    """train.json and test.json beside images/."""
    for part in ("train", "test"):
        write(root / f"{part}.json", coco([f"{name}-{part}" for name in BOXES]))
        for name in BOXES:
            image(root / "images" / f"{name}-{part}.png")


def coco_folders(root):
    """train/ and valid/, each with images and _annotations.coco.json, as Roboflow exports them."""
    for part in ("train", "valid"):
        write(root / part / "_annotations.coco.json", coco([f"{name}-{part}" for name in BOXES], ""))
        for name in BOXES:
            image(root / part / f"{name}-{part}.png")


def coco_published(root):
    """annotations/instances_train2017.json and images in train2017/, as COCO is published."""
    for part in ("train", "val"):
        write(root / "annotations" / f"instances_{part}2017.json", coco([f"{name}-{part}" for name in BOXES], ""))
        for name in BOXES:
            image(root / f"{part}2017" / f"{name}-{part}.png")


def voc_lists(root):
    """JPEGImages/, Annotations/ and ImageSets/Main/, as Pascal VOC is published."""
    for part in ("train", "val"):
        write(root / "ImageSets" / "Main" / f"{part}.txt", "\n".join(f"{name}-{part}" for name in BOXES))
        for name in BOXES:
            image(root / "JPEGImages" / f"{name}-{part}.png")
            write(root / "Annotations" / f"{name}-{part}.xml", voc(name))


def voc_beside(root):
    """train/ and test/ with XML files beside the images."""
    for part in ("train", "test"):
        for name in BOXES:
            image(root / part / f"{name}-{part}.png")
            if BOXES[name]:  # labelImg writes no file for an image without boxes
                write(root / part / f"{name}-{part}.xml", voc(name))


def yolo_inside(root):
    """images/train beside labels/train, and data.yaml."""
    write(root / "data.yaml", "train: images/train\nval: images/val\nnames: {0: bus, 1: car}\n")
    for part in ("train", "val"):
        for name in BOXES:
            image(root / "images" / part / f"{name}-{part}.png")
            write(root / "labels" / part / f"{name}-{part}.txt", yolo(name))


def yolo_outside(root):
    """train/images and train/labels, and classes.txt."""
    write(root / "classes.txt", "bus\ncar\n")
    for part in ("train", "test"):
        for name in BOXES:
            image(root / part / "images" / f"{name}-{part}.png")
            if BOXES[name]:
                write(root / part / "labels" / f"{name}-{part}.txt", yolo(name))


def yolo_of_coco(root):
    """images/train2017 beside labels/train2017, and coco.yaml, as Ultralytics has it."""
    write(root / "coco.yaml", "train: images/train2017\nval: images/val2017\nnames: {0: bus, 1: car}\n")
    for part in ("train", "val"):
        for name in BOXES:
            image(root / "images" / f"{part}2017" / f"{name}-{part}.png")
            write(root / "labels" / f"{part}2017" / f"{name}-{part}.txt", yolo(name))


def coco_below_images(root):
    """annotations/instances_train2014.json and images/train2014/."""
    for part in ("train", "val"):
        write(root / "annotations" / f"instances_{part}2014.json", coco([f"{name}-{part}" for name in BOXES], ""))
        for name in BOXES:
            image(root / "images" / f"{part}2014" / f"{name}-{part}.png")


def coco_of_2014(root):
    """annotations/instances_train2014.json and train2014/."""
    for part in ("train", "val"):
        write(root / "annotations" / f"instances_{part}2014.json", coco([f"{name}-{part}" for name in BOXES], ""))
        for name in BOXES:
            image(root / f"{part}2014" / f"{name}-{part}.png")


def coco_beside_folders(root):
    """train.json and val.json beside train/ and val/."""
    for part in ("train", "val"):
        write(root / f"{part}.json", coco([f"{name}-{part}" for name in BOXES], ""))
        for name in BOXES:
            image(root / part / f"{name}-{part}.png")


FORMS = [
    *(coco_files, coco_folders, coco_published, voc_lists, voc_beside, yolo_inside, yolo_outside),
    *(yolo_of_coco, coco_below_images, coco_of_2014, coco_beside_folders),
]


def request(target, source="", **columns):
    options = {"target": str(target), "source": str(source), **columns}
    return LoadRequest(task=TASK.name, options=options, data_root=None)


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.__name__)
def test_all_forms_give_the_same_boxes(tmp_path, form):
    form(tmp_path)
    data = TASK.load(request(tmp_path))
    assert data.target.labels == ("bus", "car")
    for split in (data.target.train, data.target.test):
        assert [np.shape(one) for one in split.inputs] == [(HEIGHT, WIDTH, 3)] * 4
        for boxes, known in zip(split.labels, BOXES.values(), strict=True):
            wanted = [
                [("bus", "car").index(label), left / WIDTH, top / HEIGHT, right / WIDTH, bottom / HEIGHT, 0]
                for label, left, top, right, bottom in known
            ]
            np.testing.assert_allclose(boxes, np.reshape(wanted, (-1, 6)), atol=1e-6)
    assert TASK.labels(request(tmp_path)).target == data.target.labels
    images = {path for path in TASK.files(request(tmp_path)) if path.suffix == ".png"}
    assert len(images) == 8
    found = inspect_task(TASK, request(tmp_path), 2)
    assert found.refused == []
    assert any("1 of 4 images" in note and "no box" in note for note in found.notes)


def test_one_file_without_splits_is_divided_by_file_name(tmp_path):
    names = [f"{name}{number}" for number in range(5) for name in BOXES]
    write(tmp_path / "all.json", coco(names))
    for name in names:
        image(tmp_path / "images" / f"{name}.png")
    data = TASK.load(request(tmp_path / "all.json"))
    assert (len(data.target.train.labels), len(data.target.test.labels)) == (16, 4)


VIDEOS = [video for video in range(5) for _ in BOXES]
"""The video of each of twenty images, which are the later the less its number is."""


def coco_of_videos(root):
    """all.json, whose images have a video and a date."""
    names = [f"{name}{video}" for video in range(5) for name in BOXES]
    content = coco(names)
    for entry, video in zip(content["images"], VIDEOS, strict=True):
        entry |= {"video_id": video, "date_captured": f"2024-03-{20 - video:02d} 12:00:00"}
    write(root / "all.json", content)
    for name in names:
        image(root / "images" / f"{name}.png")
    return root / "all.json"


def voc_of_videos(root):
    """XML files whose <folder> is a video and whose <date> is a number."""
    for video in range(5):
        for name in BOXES:
            image(root / "JPEGImages" / f"{name}{video}.png")
            more = f"<folder>{video}</folder><date>{20 - video}</date>"
            text = voc(f"{name}{video}").replace("<annotation>", f"<annotation>{more}")
            write(root / "Annotations" / f"{name}{video}.xml", text)
    return root


@pytest.mark.filterwarnings("ignore:The test split of")
@pytest.mark.parametrize(
    ("form", "group", "time"), [(coco_of_videos, "video_id", "date_captured"), (voc_of_videos, "folder", "date")]
)
def test_images_are_divided_by_fields_of_theirs(tmp_path, form, group, time):
    place = form(tmp_path)
    groups = TASK.load(request(place, group=group)).target
    assert len(groups.test.labels) == 4
    assert len(set(groups.test.groups)) == 1
    assert not set(groups.test.groups) & set(groups.train.groups)
    latest = TASK.load(request(place, group=group, time=time)).target
    assert set(latest.test.groups) == {"0"}
    assert len(TASK.load(request(place, time=time)).target.test.labels) == 4
    assert len(TASK.files(request(place, group=group))) == len(TASK.files(request(place)))
    with pytest.raises(BadInputError, match='Unknown field "vidoe"'):
        TASK.load(request(place, group="vidoe"))


def test_an_image_without_the_field_is_refused_with_its_place(tmp_path):
    place = coco_of_videos(tmp_path)
    content = json.loads(place.read_text())
    del content["images"][1]["video_id"]
    content["images"][2]["video_id"] = [1]
    write(place, content)
    found = inspect_task(TASK, request(place, group="video_id"), 2)
    assert any('image 2: "video_id" is empty or missing: give every record a group' in one for one in found.refused)
    assert any('image 3: "video_id" is [1]; expected a text or a number' in one for one in found.refused)


def test_an_image_without_annotations_has_no_fields(tmp_path):
    voc_of_videos(tmp_path)
    (tmp_path / "Annotations" / "c3.xml").unlink()
    found = inspect_task(TASK, request(tmp_path, group="folder"), 2)
    assert any('c3.png", which has no annotations: "folder" is empty or missing' in one for one in found.refused)


def test_missing_images_of_coco_are_no_matter_of_fields(tmp_path):
    place = coco_of_videos(tmp_path)
    shutil.rmtree(tmp_path / "images")
    found = inspect_task(TASK, request(place, group="video_id"), 2)
    assert any("does not exist" in one for one in found.refused)
    assert not any("YOLO" in one for one in found.refused)


def test_files_of_yolo_have_no_fields(tmp_path):
    yolo_inside(tmp_path)
    with pytest.raises(BadInputError, match="text files of YOLO hold boxes alone"):
        TASK.load(request(tmp_path, group="video_id"))


def test_a_source_with_other_classes_is_noted(tmp_path):
    coco_files(tmp_path / "target")
    coco_files(tmp_path / "source")
    for part in ("train", "test"):
        path = tmp_path / "source" / f"{part}.json"
        write(path, path.read_text().replace('"bus"', '"tram"'))
    both = request(tmp_path / "target", tmp_path / "source")
    labels = TASK.labels(both)
    assert (labels.source, labels.target) == (("car", "tram"), ("bus", "car"))
    found = inspect_task(TASK, both, 2)
    assert (found.setting, found.refused) == ("inductive", [])
    assert any('"bus", "tram"' in note for note in found.notes)


def broken_coco(change):
    def make(root):
        coco_files(root)
        content = json.loads((root / "train.json").read_text())
        change(content)
        write(root / "train.json", content)

    return make


def set_box(*values):
    def change(content):
        content["annotations"][1]["bbox"] = list(values)

    return change


def repeat(key):
    def change(content):
        content[key].append(dict(content[key][0]))

    return change


def set_first(key, **values):
    def change(content):
        content[key][0].update(values)

    return change


def broken_voc(old, new):
    def make(root):
        voc_beside(root)
        path = root / "train" / "a-train.xml"
        assert old in path.read_text()
        write(path, path.read_text().replace(old, new))

    return make


def broken_yolo(line):
    def make(root):
        yolo_outside(root)
        write(root / "train" / "labels" / "a-train.txt", f"0 0.5 0.5 0.1 0.1\n{line}\n")

    return make


def broken_names(text, name="classes.txt"):
    def make(root):
        yolo_outside(root)
        (root / "classes.txt").unlink()
        write(root / name, text)

    return make


BOMB = '<!DOCTYPE a [<!ENTITY b "bbbb"><!ENTITY c "&b;&b;">]><annotation>'
FAULTS = {
    "outside": (broken_coco(set_box(60, 30, 40, 20)), 'train.json", entry 2', "60, 30, 100, 50", "80 x 60"),
    "negative size": (broken_coco(set_box(40, 30, -5, 20)), 'train.json", entry 2', "no area"),
    "empty": (broken_coco(set_box(40, 30, 0, 20)), 'train.json", entry 2', "no area"),
    "not finite": (broken_coco(set_box(float("nan"), 30, 4, 20)), 'train.json", entry 2', "not finite"),
    "text": (broken_coco(set_box("x", 30, 4, 20)), 'train.json", entry 2', '"x" is no number'),
    "three numbers": (broken_coco(set_box(1, 2, 3)), 'train.json", entry 2', "[left, top, width, height]"),
    "unknown category": (broken_coco(set_first("annotations", category_id=9)), 'train.json", entry 1', "category 9"),
    "unknown image": (broken_coco(set_first("annotations", image_id=77)), 'train.json", entry 1', "image 77"),
    "image twice": (broken_coco(repeat("images")), 'train.json", entry 5 of "images"', "twice"),
    "box twice": (broken_coco(repeat("annotations")), 'entry 5 of "annotations"', "twice"),
    "category twice": (broken_coco(repeat("categories")), 'entry 3 of "categories"', "twice"),
    "no file": (broken_coco(set_first("images", file_name="images/none.png")), "image 1", "images/none.png"),
    "leads out": (broken_coco(set_first("images", file_name="../../a.png")), "image 1", "leads out"),
    "other size": (broken_coco(set_first("images", width=60, height=80)), "image 1", "80 x 60", "60 x 80"),
    "crowd as text": (broken_coco(set_first("annotations", iscrowd="0")), 'train.json", entry 1', "\"iscrowd\" '0'"),
    "crowd of two": (broken_coco(set_first("annotations", iscrowd=2)), 'train.json", entry 1', '"iscrowd" 2'),
    "long name": (broken_coco(set_first("images", file_name="a" * 300)), "image 1", '"aaa', "rename it"),
    "voc size": (broken_voc("<width>80<", "<width>\u00b2<"), 'a-train.xml"', '<width> is "\u00b2"'),
    "voc long size": (broken_voc("<width>80<", f"<width>{'8' * 5000}<"), 'a-train.xml"', "whole number of pixels"),
    "voc difficult": (
        broken_voc("<name>car<", "<difficult>2</difficult><name>car<"),
        'a-train.xml", object 1',
        "<difficult> '2'",
    ),
    "voc without a number": (broken_voc("<xmin>8<", "<xmin>left<"), 'a-train.xml", object 1', "xmin", '"left"'),
    "voc without a name": (broken_voc("<name>car</name>", ""), 'a-train.xml", object 1', "<name>"),
    "voc without a side": (broken_voc("<ymax>30</ymax>", ""), 'a-train.xml", object 1', "<ymax>"),
    "voc cut off": (broken_voc("</annotation>", ""), 'a-train.xml"', "no XML"),
    "voc with entities": (broken_voc("<annotation>", BOMB), 'a-train.xml"', "entities"),
    "yolo class": (broken_yolo("5 0.5 0.5 0.1 0.1"), 'a-train.txt", line 2', "unknown class 5", "2 classes"),
    "yolo outside": (broken_yolo("1 0.95 0.5 0.5 0.1"), 'a-train.txt", line 2', "0 to 1"),
    "yolo speck": (broken_yolo("1 0.5 0.5 1e-9 0.1"), 'a-train.txt", line 2', "no area"),
    "yolo pixels": (broken_yolo("1 40 30 10 10"), 'a-train.txt", line 2', "0 to 1"),
    "yolo outline": (broken_yolo("1 0.1 0.1 0.2 0.1 0.2 0.2"), 'a-train.txt", line 2', "outline"),
    "yolo words": (broken_yolo("car 0.1 0.1 0.2 0.1"), 'a-train.txt", line 2', '"car" is no number'),
}


@pytest.mark.parametrize("name", FAULTS)
def test_faults_are_named_with_their_places(tmp_path, name):
    make, *words = FAULTS[name]
    make(tmp_path)
    with pytest.raises(BadInputError) as raised:
        TASK.load(request(tmp_path))
    assert all(word in str(raised.value) for word in words), raised.value
    found = inspect_task(TASK, request(tmp_path), 2)
    assert [all(word in message for word in words) for message in found.refused] == [True], found.refused
    assert found.splits, "the other images are still examined"


NAMES_OF_YOLO = {
    "blank line": (broken_names("bus\n\ncar\n"), 'classes.txt", line 2', "empty"),
    "twice": (broken_names("bus\ncar\nbus\n"), "two classes of one name", '"bus"'),
    "nothing": (broken_names("\n"), "classes.txt", "no names"),
    "yaml twice": (broken_names("names: [bus, 1, '1']", "data.yaml"), "two classes of one name", '"1"'),
    "yaml blank": (broken_names("names: [bus, ' ']", "data.yaml"), 'class 1 of "names"', "empty"),
    "yaml bool": (broken_names("names: [bus, no]", "data.yaml"), "data.yaml", "False", "quotes"),
    "yaml bool numbers": (broken_names("names: {off: bus, on: car}", "data.yaml"), "data.yaml", 'no list "names"'),
}


@pytest.mark.parametrize("name", NAMES_OF_YOLO)
def test_names_of_classes_that_make_no_sense_are_refused(tmp_path, name):
    make, *words = NAMES_OF_YOLO[name]
    make(tmp_path)
    with pytest.raises(BadInputError) as raised:
        TASK.load(request(tmp_path))
    assert all(word in str(raised.value) for word in words), raised.value
    assert inspect_task(TASK, request(tmp_path), 2).refused


def test_blank_lines_behind_the_names_of_classes_are_nothing(tmp_path):
    yolo_outside(tmp_path)
    write(tmp_path / "classes.txt", "bus\ncar\n\n  \n")
    assert TASK.load(request(tmp_path)).target.labels == ("bus", "car")


@pytest.mark.parametrize("stem", ["train", "val", "Readme", "notes", "classes"])
def test_an_image_may_have_the_name_of_another_file(tmp_path, stem):
    """Its boxes are read, while a text of that name without an image is passed over."""
    yolo_outside(tmp_path)
    labels = tmp_path / "train" / "labels"
    write(labels / "licence.txt", "MIT")
    image(tmp_path / "train" / "images" / f"{stem}.png")
    write(labels / f"{stem}.txt", "1 0.5 0.5 0.25 0.5\n")
    read = dict(zip(sorted(["a", "b", "c", "d", stem]), TASK.load(request(tmp_path)).target.train.labels, strict=True))
    np.testing.assert_allclose(read[stem], [[1, 0.375, 0.25, 0.625, 0.75, 0]], atol=1e-6)


@pytest.mark.parametrize(
    ("form", "first", "second"),
    [
        (coco_folders, "valid", "val"),
        (voc_beside, "train", "Train"),
        (yolo_inside, "images/val", "images/valid"),
        (coco_files, "test.json", "instances_test.json"),
    ],
)
def test_two_names_of_one_split_are_refused(tmp_path, form, first, second):
    form(tmp_path)
    place = tmp_path / first
    (shutil.copytree if place.is_dir() else shutil.copy)(place, tmp_path / second)
    with pytest.raises(BadInputError, match="are both the split"):
        TASK.load(request(tmp_path))
    assert inspect_task(TASK, request(tmp_path), 2).refused


def test_what_lies_beside_the_boxes_of_coco_is_noted(tmp_path):
    yolo_of_coco(tmp_path)
    image(tmp_path / "images" / "test2017" / "e.png")
    write(tmp_path / "annotations" / "instances_val2017.json", coco([f"{name}-val" for name in BOXES], ""))
    found = inspect_task(TASK, request(tmp_path), 2)
    assert found.refused == []
    unread = [note for note in found.notes if note.startswith("Not read")]
    assert sorted("test2017" in note for note in unread) == [False, True]
    assert any("instances_val2017.json" in note for note in unread)
    assert [split["examples"] for split in found.splits] == [4, 4]


def test_captions_and_key_points_of_coco_are_noted(tmp_path):
    coco_published(tmp_path)
    for name in ("captions", "person_keypoints"):
        for part in ("train", "val"):
            write(tmp_path / "annotations" / f"{name}_{part}2017.json", coco([], ""))
    found = inspect_task(TASK, request(tmp_path), 2)
    assert (found.refused, [split["examples"] for split in found.splits]) == ([], [4, 4])
    assert any('"captions_train2017.json", "captions_val2017.json"' in note for note in found.notes)


def test_a_single_split_is_named(tmp_path):
    yolo_of_coco(tmp_path)
    shutil.rmtree(tmp_path / "images" / "val2017")
    with pytest.raises(BadInputError, match=r'images" has a single split, "train2017": add another one'):
        TASK.load(request(tmp_path))


def test_splits_without_any_boxes_are_named(tmp_path):
    yolo_of_coco(tmp_path)
    shutil.rmtree(tmp_path / "labels")
    with pytest.raises(BadInputError, match=r'images/(train|val)2017" has no boxes'):
        TASK.load(request(tmp_path))


def test_json_files_of_another_form_are_no_splits_and_are_noted(tmp_path):
    coco_files(tmp_path)
    write(tmp_path / "train_log.json", {"loss": [1, 2]})
    write(tmp_path / "val.json", "{")
    found = inspect_task(TASK, request(tmp_path), 2)
    assert found.refused == []
    assert any(note.startswith("Not read") and '"train_log.json", "val.json"' in note for note in found.notes)
    assert len(TASK.load(request(tmp_path)).target.train.labels) == 4


def test_a_file_of_coco_is_parsed_once(tmp_path, monkeypatch):
    coco_files(tmp_path)
    parsed, loads = [], json.loads
    monkeypatch.setattr(json, "loads", lambda text: parsed.append(text) or loads(text))
    TASK.load(request(tmp_path))
    assert len(parsed) == 2


def test_names_of_classes_above_the_folder_are_not_read(tmp_path):
    """Images and boxes lie in the folder that the user names; what is beside it is not part of the data."""
    root = tmp_path / "photos"
    for name in BOXES:
        image(root / f"{name}.png")
        write(root / f"{name}.txt", yolo(name))
    write(tmp_path / "classes.txt", "cat\ndog\n")
    with pytest.raises(BadInputError, match="no names of classes"):
        TASK.load(request(root))
    write(root / "classes.txt", "bus\ncar\n")
    assert TASK.load(request(root)).target.labels == ("bus", "car")
    assert root / "classes.txt" in TASK.files(request(root))


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.__name__)
def test_files_are_those_that_were_read(tmp_path, form):
    form(tmp_path / "photos")
    (tmp_path / "linked").mkdir()
    for path in (tmp_path / "photos").iterdir():  # Folders behind links are read, and so are their files.
        (tmp_path / "linked" / path.name).symlink_to(path)
    written = {path.relative_to(tmp_path / "photos") for path in (tmp_path / "photos").rglob("*") if path.is_file()}
    for root in (tmp_path / "photos", tmp_path / "linked"):
        write(root / "readme.txt", "Boxes.")
        assert {Path(os.path.relpath(path, root)) for path in TASK.files(request(root))} == written


@pytest.mark.parametrize(
    ("names", "train", "test", "unread"),
    [
        (("trainval", "test"), ("a", "b"), ("c", "d"), ""),
        (("trainval", "val", "test"), ("a", "b"), ("c", "d"), '"val.txt"'),
        (("train", "val", "trainval", "car_train"), ("a", "b"), ("b",), '"trainval.txt"'),
    ],
)
def test_lists_of_pascal_voc(tmp_path, names, train, test, unread):
    listed = {"train": "ab", "trainval": "ab", "val": "b", "test": "cd", "car_train": "a"}
    for name in names:
        write(tmp_path / "ImageSets" / "Main" / f"{name}.txt", "\n".join(listed[name]))
    for name in BOXES:
        image(tmp_path / "JPEGImages" / f"{name}.png")
        write(tmp_path / "Annotations" / f"{name}.xml", voc(name))
    found = inspect_task(TASK, request(tmp_path), 2)
    notes = [note for note in found.notes if note.startswith("Not read")]
    assert [unread in note and "car_train" not in note for note in notes] == [True] * bool(unread)
    target = TASK.load(request(tmp_path)).target
    sizes = [len(target.train.labels), len(target.test.labels)]
    assert sizes == [len(train), len(test)]


def test_faults_in_a_folder_with_lists_are_given_once(tmp_path):
    voc_lists(tmp_path)
    write(tmp_path / "Annotations" / "e-train.xml", voc("a"))
    write(tmp_path / "Annotations" / "b-val.xml", "<annotation>")
    found = inspect_task(TASK, request(tmp_path), 2)
    assert ["e-train" in found.refused[0], "no XML" in found.refused[1], len(found.refused)] == [True, True, 2]


def test_a_name_that_is_twice_in_a_list_is_refused(tmp_path):
    voc_lists(tmp_path)
    write(tmp_path / "ImageSets" / "Main" / "train.txt", "a-train\nb-train\na-train\n")
    (message,) = inspect_task(TASK, request(tmp_path), 2).refused
    assert all(word in message for word in ('train.txt"', '"a-train" 2 times'))


def test_difficult_objects_of_pascal_voc_are_crowds(tmp_path):
    broken_voc("</bndbox>", "</bndbox><difficult>1</difficult>")(tmp_path)
    path = tmp_path / "train" / "b-train.xml"
    write(path, path.read_text().replace("</bndbox>", "</bndbox><difficult>0</difficult>"))
    first, second, *_ = TASK.load(request(tmp_path)).target.train.labels
    assert (first[:, 5].tolist(), second[:, 5].tolist()) == ([1, 1], [0])


def test_crowds_of_a_class_without_training_boxes_are_left_out_with_a_note(tmp_path):
    coco_files(tmp_path)
    path = tmp_path / "test.json"
    content = json.loads(path.read_text().replace('"bus"', '"tram"'))
    for box in content["annotations"]:
        box["iscrowd"] = int(box["category_id"] == 3)
    write(path, content)
    with pytest.warns(UserWarning, match='Crowds of the class "tram" are left out'):
        data = TASK.load(request(tmp_path))
    assert [len(boxes) for boxes in data.target.test.labels] == [1, 1, 0, 0]
    found = inspect_task(TASK, request(tmp_path), 2)
    assert found.refused == []
    assert any("tram" in note for note in found.notes)
    content["annotations"][1]["bbox"] = [60, 30, 40, 20]
    write(path, content)
    (message,) = inspect_task(TASK, request(tmp_path), 2).refused
    assert "outside" in message


def test_a_class_without_training_boxes_is_refused(tmp_path):
    coco_files(tmp_path)
    path = tmp_path / "test.json"
    write(path, path.read_text().replace('"bus"', '"tram"'))
    with pytest.raises(BadInputError, match=r'test.json", entry 2.*unknown class "tram"'):
        TASK.load(request(tmp_path))


def test_a_box_may_end_a_pixel_outside(tmp_path):
    broken_coco(set_box(41, 31, 40, 30))(tmp_path)
    boxes = TASK.load(request(tmp_path)).target.train.labels[0]
    np.testing.assert_allclose(boxes[1], [0, 41 / WIDTH, 31 / HEIGHT, 1, 1, 0], atol=1e-6)


def test_crowds_are_kept_and_are_no_class(tmp_path):
    broken_coco(set_first("annotations", iscrowd=1))(tmp_path)
    data = TASK.load(request(tmp_path))
    assert data.target.train.labels[0][:, 5].tolist() == [1, 0]
    assert TASK.kind.create().classes(data.target.train.labels[0]).tolist() == [0]


@pytest.mark.parametrize(
    ("content", "words"),
    [("{", "no JSON file of COCO"), ("[]", "no JSON file of COCO"), ("[" * 100_000, "no JSON file of COCO")],
    ids=["cut off", "a list", "deep"],
)
def test_other_json_is_no_coco(tmp_path, content, words):
    write(tmp_path / "boxes.json", content)
    with pytest.raises(BadInputError, match=words):
        TASK.load(request(tmp_path / "boxes.json"))


def test_an_empty_folder_says_what_was_expected(tmp_path):
    (tmp_path / "images").mkdir()
    found = inspect_task(TASK, request(tmp_path), 2)
    (message,) = found.refused
    assert all(word in message for word in ("no images", "COCO", "Pascal VOC", "YOLO"))


def test_names_of_yolo_are_needed(tmp_path):
    yolo_outside(tmp_path)
    (tmp_path / "classes.txt").unlink()
    with pytest.raises(BadInputError, match="no names of classes"):
        TASK.load(request(tmp_path))


def test_images_turned_by_exif_are_refused(tmp_path):
    coco_files(tmp_path)
    path = tmp_path / "images" / "a-train.png"
    with Image.open(path) as picture:
        exif = picture.getexif()
        exif[0x0112] = 6
        picture.save(path, exif=exif)
    with pytest.raises(BadInputError, match="EXIF"):
        TASK.load(request(tmp_path))
