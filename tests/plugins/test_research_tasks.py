"""Tasks whose data cannot be downloaded, on small files of the same form."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import soundfile
from PIL import Image

from tlbench import BadInputError, LoadRequest, MissingDataError
from tlbench.planning.catalog import load_catalog
from tlbench.planning.expand import make_plan
from tlbench.planning.selection import RunRequest
from tlbench.planning.settings import Settings
from tlbench_data.research import IMAGENET, OBJECTS, TISSUES, research_tasks

TASKS = {task.name: task for task in research_tasks()}
SENTENCE = "Anna\tB-PER\nvisits\tO\nOld\tB-LOC\nYork\tI-LOC\non\tO\nEaster\tB-MISC\n\n"


def request(name, root, **options):
    defaults = {option.name: option.default for option in TASKS[name].options}
    return LoadRequest(task=name, options={**defaults, **options}, data_root=root)


def paint(folder, count, size):
    folder.mkdir(parents=True)
    for number in range(count):
        Image.new("RGB", size, (number, 0, 0)).save(folder / f"{number}.jpg")


def speak(root, rows):
    (root / "audio").mkdir(parents=True)
    lines = ["file,condition,split,speaker,gender"]
    for number, (condition, split, speaker) in enumerate(rows):
        name = f"audio/{condition}_{number}.flac"
        soundfile.write(root / name, np.full(1600, 0.1), 16000)
        lines.append(f"{name},{condition},{split},{speaker},f")
    (root / "utterances.csv").write_text("\n".join(lines) + "\n")


ROWS = [(where, part, who) for where in ("clean", "phone") for part in ("train", "test") for who in ("0036", "0736")]


def test_photographs_keep_their_size_for_backbones_that_scale_them(tmp_path):
    for name in OBJECTS:
        paint(tmp_path / "office_caltech/amazon" / name, 5, (12, 10))
        paint(tmp_path / "office_caltech/webcam" / name, 4, (8, 9))
    task = TASKS["vision/amazon-webcam"]
    data = task.load(request(task.name, tmp_path, size=0))
    assert (data.source.labels, data.target.labels) == (OBJECTS, OBJECTS)
    splits = (data.source.train, data.source.test, data.target.train, data.target.test)
    assert [len(split.labels) for split in splits] == [40, 10, 20, 20]
    assert {np.asarray(image).shape for image in data.target.test.inputs} == {(9, 8, 3)}
    assert np.asarray(task.load(request(task.name, tmp_path)).target.test.inputs[0]).shape == (64, 64, 3)
    assert len(task.files(request(task.name, tmp_path))) == 90


def test_seven_objects_have_names_of_imagenet_and_the_target_has_all(tmp_path):
    for name in OBJECTS:
        paint(tmp_path / "office_caltech/caltech" / name, 5, (12, 10))
        paint(tmp_path / "office_caltech/webcam" / name, 4, (8, 9))
    task = TASKS["vision/imagenet-webcam"]
    data = task.load(request(task.name, tmp_path))
    assert (set(data.source.labels), data.target.labels) == (set(IMAGENET.values()), OBJECTS)
    assert [len(split.labels) for split in (data.source.train, data.source.test, data.target.test)] == [28, 7, 20]
    assert len(task.files(request(task.name, tmp_path))) == 75


def test_squamous_cells_of_the_lung_are_left_out(tmp_path):
    for place in ("lung/adenocarcinoma", "lung/benign", "lung/squamous", "colon/adenocarcinoma", "colon/benign"):
        paint(tmp_path / "lung_colon_histology" / place, 5, (10, 10))
    data = TASKS["medical/lung-colon"].load(request("medical/lung-colon", tmp_path))
    assert (data.source.labels, len(data.source.train.labels)) == (TISSUES, 8)


def test_other_names_than_those_of_the_target_count_as_no_name(tmp_path):
    folder = tmp_path / "ner_wiki_web"
    folder.mkdir()
    for name in ("wiki_train", "wiki_test", "web_train", "web_test"):
        (folder / f"{name}.conll").write_text(SENTENCE * (4100 if name == "wiki_train" else 2))
    task = TASKS["nlp/ner-wiki-web"]
    data = task.load(request(task.name, tmp_path))
    names = [data.target.labels[label] for label in data.target.train.labels[0]]
    assert names == ["B-PER", "O", "B-LOC", "I-LOC", "O", "O"]
    assert len(data.source.train.inputs) == 4000


def test_speakers_are_names_and_splits_those_of_the_table(tmp_path):
    speak(tmp_path / "speaker_id", ROWS)
    task = TASKS["speech/speakers-telephone"]
    data = task.load(request(task.name, tmp_path))
    assert (data.sample_rate, data.target.labels) == (16000, ("0036", "0736"))
    assert [len(split.inputs) for split in (data.source.train, data.source.test, data.target.test)] == [2, 2, 2]
    assert "utterances.csv" in {path.name for path in task.files(request(task.name, tmp_path))}


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ("file,condition,split,speaker\n../../secret.flac,clean,train,0036\n", "outside its folder"),
        ("file,condition,split\na.flac,clean,train\n", "speaker"),
    ],
)
def test_a_table_that_leads_elsewhere_or_lacks_a_column_is_refused(tmp_path, table, says):
    speak(tmp_path / "speaker_id", ROWS)
    (tmp_path / "speaker_id/utterances.csv").write_text(table)
    with pytest.raises(BadInputError, match=says):
        TASKS["speech/speakers-telephone"].load(request("speech/speakers-telephone", tmp_path))


def test_a_suite_skips_what_cannot_be_downloaded_and_a_named_task_is_an_error(tmp_path):
    catalog, settings = load_catalog(), Settings(data_root=tmp_path, cache=tmp_path / "cache")
    asked = RunRequest(tasks=list(TASKS), seeds=[0])
    plan = make_plan([dataclasses.replace(asked, skip_missing=True)], catalog, settings)
    assert {pairing.task.name for pairing in plan.pairings} == set(TASKS)
    assert all(str(tmp_path) in pairing.skip for pairing in plan.pairings)
    with pytest.raises(MissingDataError, match="vision/amazon-webcam"):
        make_plan([asked], catalog, settings)
