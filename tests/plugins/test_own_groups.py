"""Groups and times in each task on a user's own data: held out together, given to intervals, never a feature."""

from __future__ import annotations

import json

import numpy as np
import pytest
import soundfile
from PIL import Image

from tlbench import LoadRequest
from tlbench.engine.groups import group_faults
from tlbench.planning.catalog import load_catalog

SIZE, IN_GROUP = 60, 3


def write_table(folder, cells, name="t.csv"):
    """Write rows with a group of three examples each, and a time that rises with the group."""
    rows = [f"{cell},p{i // IN_GROUP},{i}" for i, cell in enumerate(cells)]
    (folder / name).write_text("\n".join(["file,label,patient,when", *rows]))
    return folder / name


def images(folder):
    for i in range(SIZE):
        Image.fromarray(np.full((8, 8, 3), i, np.uint8)).save(folder / f"{i}.png")
    return write_table(folder, (f"{i}.png,{'ab'[i % 2]}" for i in range(SIZE)))


def sounds(folder):
    for i in range(SIZE):
        soundfile.write(folder / f"{i}.wav", np.sin(np.arange(400) * i), 8000)
    return write_table(folder, (f"{i}.wav,{'ab'[i % 2]}" for i in range(SIZE)))


def series(folder):
    for i in range(SIZE):
        (folder / f"{i}.csv").write_text("x,y\n" + f"{i},1\n" * 30)
    return write_table(folder, (f"{i}.csv,{'ab'[i % 2]}" for i in range(SIZE)), "list.csv")


def records(folder):
    return write_table(folder, (f"{i},{'ab'[i % 2]}" for i in range(SIZE)))


def masks(folder):
    for i in range(SIZE):
        Image.fromarray(np.full((8, 8, 3), i, np.uint8)).save(folder / f"{i}.png")
        Image.fromarray(np.eye(8, dtype=np.uint8)).save(folder / f"{i}_mask.png")
    path = write_table(folder, (f"{i}.png,{i}_mask.png" for i in range(SIZE)))
    path.write_text(path.read_text().replace("label", "mask", 1))
    return path


def entities(folder):
    records = [
        {"text": f"Mr {i}", "spans": [{"start": 3, "end": 4, "label": "N"}], "patient": f"p{i // IN_GROUP}", "when": i}
        for i in range(SIZE)
    ]
    (folder / "t.jsonl").write_text("\n".join(map(json.dumps, records)))
    return folder / "t.jsonl"


def numbers(folder):
    return write_table(folder, (f"{i},{i % 2}" for i in range(SIZE)))


TASKS = {
    "vision/image-folder": (images, {}),
    "speech/wav-folder": (sounds, {}),
    "robotics/series": (series, {}),
    "anomaly/table": (records, {"normal": "a"}),
    "nlp/text-table": (records, {"text": "file"}),
    "nlp/tag-table": (numbers, {"text": "file"}),
    "tabular/regression": (numbers, {}),
    "vision/mask-folder": (masks, {}),
    "nlp/ner-table": (entities, {}),
}


@pytest.mark.parametrize("columns", [{"group": "patient"}, {"time": "when"}, {"group": "patient", "time": "when"}])
@pytest.mark.parametrize("name", TASKS)
def test_groups_and_times_decide_what_is_held_out(tmp_path, name, columns):
    write, options = TASKS[name]
    task = load_catalog().task(name)
    given = {option.name: option.default for option in task.options} | options | columns
    request = LoadRequest(task=name, options={**given, "target": str(write(tmp_path))}, data_root=None)
    assert list(task.files(request))
    if "time" in columns:
        with pytest.warns(UserWarning, match="latest 12 of 60 examples"):
            data = task.load(request)
    else:
        data = task.load(request)
    assert list(group_faults(data)) == []
    train, test = (split.groups for split in (data.target.train, data.target.test))
    if "group" in columns:
        assert set(map(str, [*train, *test])) == {f"p{i}" for i in range(SIZE // IN_GROUP)}
        held = {"p16", "p17", "p18", "p19"}
        assert set(test) == held if "time" in columns else len(set(test)) == 4
    elif name == "robotics/series":
        assert len(set(test)) == 12  # Files.
    else:
        assert (train, test) == (None, None)
    if task.modality == "tabular":  # Text columns become one feature for each text of the training split.
        features = 1 if len(columns) == 2 else 2 if "group" in columns else 1 + 16
        assert {row.shape for row in (*data.target.train.inputs, *data.target.test.inputs)} == {(features,)}
