from __future__ import annotations

import dataclasses
import json
import math
import shutil

import numpy as np
import pytest
from PIL import Image
from support import SOURCES

from tlbench.assets.readers.faults import CollectedFaults
from tlbench.cli.inspection import inspect_task
from tlbench.contract.kind_specs import LANGUAGE_MODELLING
from tlbench.contract.requests import LoadRequest
from tlbench.errors import BadInputError
from tlbench.planning.catalog import load_catalog
from tlbench.testing.toy import toy_candidate


@pytest.fixture
def folders(tmp_path):
    """Two folders of images of the classes `cat` and `dog`, 10 for training and 4 for the test a class."""
    random = np.random.default_rng(0)
    for side in ("old", "new"):
        for part, count in (("train", 10), ("test", 4)):
            for label in ("cat", "dog"):
                folder = tmp_path / side / part / label
                folder.mkdir(parents=True)
                for number in range(count):
                    pixels = random.integers(0, 200, (12, 12, 3), np.uint8) + (50 if side == "new" else 0)
                    Image.fromarray(pixels.astype(np.uint8)).save(folder / f"{number}.png")
    return tmp_path


WORDS = ("inspect", "vision/image-folder", "--set", "task.source=old", "--set", "task.target=new")


def found(tlbench, *words):
    status, output, errors = tlbench(*words, "--json")
    assert output, errors
    return status, json.loads(output)


def test_data_without_a_fault_is_described_and_may_be_used(tlbench, folders):
    status, seen = found(tlbench, *WORDS)
    assert (status, seen["refused"], seen["duplicates"]) == (0, [], [])
    sizes = {split["split"]: (split["examples"], split["size"]) for split in seen["splits"]}
    assert sizes["source train"] == (20, "32 x 32 x 3 uint8")
    assert seen["classes"][0] == {
        "class": "cat",
        "source train": 10,
        "source test": 4,
        "target train": 10,
        "target test": 4,
    }
    assert seen["images"] == {"in their files": [[12, 12], [12, 12]], "as loaded": [[32, 32, 3], [32, 32, 3]]}
    assert 1 < seen["shift"]["proxy A-distance"] <= 2
    assert seen["notes"] == ["The label budget of 50 covers all 20 examples of the target train split."]
    assert seen["labels"] == "all of 20 labels"
    shown = tlbench(*WORDS)[1]
    assert "Data OK: 0 errors, 1 warning." in shown
    assert "12x12 -> 32x32 by the task" in shown
    assert "tlbench run --task vision/image-folder --set task.source=old --set task.target=new --dry-run" in shown


ELSEWHERE = '''
"""A task whose default backbone needs a package that is not installed."""
from dataclasses import replace

from tlbench import BackboneFamily, deferred, hookimpl
from tlbench_vision.plugin import tlbench_tasks as shipped

TLBENCH_API = 2


@hookimpl
def tlbench_backbone_families():
    find = deferred("nowhere", "find")
    words = {"modality": "image", "title": "Nowhere", "summary": "None."}
    return [BackboneFamily(name="nowhere", find=find, requires=("no_such_package",), **words)]


@hookimpl
def tlbench_tasks():
    (task,) = [task for task in shipped() if task.name == "vision/image-folder"]
    return [replace(task, name="vision/elsewhere", backbone="nowhere/net")]
'''


def test_data_is_inspected_without_the_packages_of_the_default_backbone(tlbench, folders):
    (folders / "elsewhere.py").write_text(ELSEWHERE)
    status, seen = found(tlbench, "inspect", "vision/elsewhere", "--plugin", "elsewhere.py", *WORDS[2:])
    assert (status, seen["refused"]) == (0, [])


def test_every_broken_file_is_named_and_the_rest_is_described(tlbench, folders):
    whole = (folders / "old/train/cat/0.png").read_bytes()
    (folders / "old/train/cat/0.png").write_bytes(whole[:150])
    (folders / "new/test/dog/empty.png").touch()
    (folders / "new/test/dog/note.jpg").write_text("no image")
    status, seen = found(tlbench, *WORDS)
    assert status == 2
    assert [message.partition('"')[2].partition('"')[0] for message in seen["refused"]] == [
        "old/train/cat/0.png",
        "new/test/dog/empty.png",
        "new/test/dog/note.jpg",
    ]
    assert {split["split"]: split["examples"] for split in seen["splits"]}["source train"] == 19


def test_labels_of_one_side_only_are_named_and_counted(tlbench, folders):
    shutil.rmtree(folders / "new/train/dog")
    shutil.rmtree(folders / "new/test/dog")
    (folders / "new/train/fox").mkdir()
    shutil.copy(folders / "new/train/cat/0.png", folders / "new/train/fox")
    status, seen = found(tlbench, *WORDS)
    assert (status, seen["setting"]) == (0, "inductive")
    assert any('only in source "dog", only in target "fox"' in note for note in seen["notes"])
    counts = {line["class"]: line["target train"] for line in seen["classes"]}
    assert counts == {"cat": 10, "dog": None, "fox": 1}


def test_data_without_a_source_is_described_alone(tlbench, folders):
    status, seen = found(tlbench, "inspect", "vision/image-folder", "--set", "task.target=new")
    assert (status, seen["setting"], seen["shift"]) == (0, "target-only", {})
    assert [split["split"] for split in seen["splits"]] == ["target train", "target test"]


def test_copies_are_found_by_content_with_their_files(tlbench, folders):
    image = Image.open(folders / "new/train/cat/3.png")
    image.save(folders / "new/test/cat/other-name.bmp")
    image.save(folders / "new/train/dog/other-label.bmp")
    status, seen = found(tlbench, *WORDS)
    assert status == 0
    assert {line["where"]: (line["copies"], line["of"]) for line in seen["duplicates"]} == {
        "within target train": (1, 21),
        "target test in target train": (1, 9),
    }
    assert seen["duplicates"][0]["such as"] == ["new/train/dog/other-label.bmp = new/train/cat/3.png"]
    notes = " ".join(seen["notes"])
    assert "1 of 9 target test examples are also in target train" in notes
    assert "new/train/cat/3.png (cat), new/train/dog/other-label.bmp (dog)" in notes


def test_near_copies_are_warned_of_unless_groups_are_named(tlbench, tmp_path):
    random, rows = np.random.default_rng(0), ["file,label,who"]
    for number in range(40):
        image = Image.fromarray(random.integers(0, 256, (6, 6, 3), np.uint8)).resize((48, 48))
        for name, size in (("a", 48), ("b", 32)):
            image.resize((size, size)).save(tmp_path / f"{name}{number}.png")
            rows.append(f"{name}{number}.png,{'xy'[number % 2]},p{number}")
    (tmp_path / "list.csv").write_text("\n".join(rows))
    words = ("inspect", "vision/image-folder", "--set", f"task.target={tmp_path / 'list.csv'}")
    _, seen = found(tlbench, *words)
    assert any("test examples are nearly equal to training examples, such as" in note for note in seen["notes"])
    _, seen = found(tlbench, *words, "--set", "task.group=who")
    assert seen["notes"] == ["The test interval is over only 8 groups: it is often too narrow below 10 groups."]


def test_a_budget_below_the_number_of_classes_is_told(tlbench):
    _, seen = found(tlbench, "inspect", "toy/blobs", "--set", "task.label_budget=2")
    assert seen["notes"] == ["2 labels cannot cover the 3 target classes: increase task.label_budget."]


def test_sides_with_labels_of_their_own_and_words_with_tags(tlbench):
    status, seen = found(tlbench, "inspect", "toy/shapes")
    assert (status, seen["classes"][0]["target train"], seen["classes"][-1]["source train"]) == (0, None, None)
    status, seen = found(tlbench, "inspect", "toy/names")
    assert (status, [line["class"] for line in seen["classes"]]) == (0, ["O", "B-PER", "I-PER"])
    assert seen["splits"][0]["size"].endswith(" words")


def test_texts_that_are_their_own_labels_have_no_classes():
    task = dataclasses.replace(load_catalog().task("nlp/reviews"), kind=LANGUAGE_MODELLING)
    found = inspect_task(task, LoadRequest(task=task.name, options={}, data_root=None), label_budget=5)
    assert (found.refused, found.classes) == ([], [])
    assert "total variation of label frequencies" not in found.shift


def test_every_fault_of_a_table_is_named_by_its_line(tlbench, tmp_path):
    good = ["text,label", *(f"text {number},{'yes' if number % 2 else 'no'}" for number in range(20))]
    (tmp_path / "old.csv").write_text("\n".join(good))
    (tmp_path / "new.csv").write_text("\n".join([*good, "a,b,c", "unlabelled,", "text 3,no"]))
    words = ("inspect", "nlp/text-table", "--set", "task.source=old.csv", "--set", "task.target=new.csv")
    status, seen = found(tlbench, *words)
    assert (status, [message.partition(":")[0] for message in seen["refused"]]) == (
        2,
        ['"new.csv", line 22', '"new.csv", line 23'],
    )
    assert any("new.csv, line 24 (no)" in note for note in seen["notes"])


def test_a_terminal_shows_the_first_of_many_lines_with_the_same_fault(tlbench, tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    rows = [f"text {number},{('yes', 'no', '')[number % 3]}" for number in range(60)]
    (tmp_path / "new.csv").write_text("\n".join(["text,label", *rows, f"longer,{'x' * 90}", f"longest,{'x' * 90}"]))
    status, output, _ = tlbench("inspect", "nlp/text-table", "--set", "task.target=new.csv")
    assert status == 2
    assert [number for number in range(62) if f'line {number}: column "label" is empty' in output] == [4, 7, 10]
    assert "... and 17 more like this: see --json" in output
    assert "Data invalid: 20 errors" in output
    assert [line for line in output.splitlines() if len(line) > 80 and "tlbench run" not in line] == []


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (("toy/blob",), 2, '"toy/blobs"'),
        (("toy/blobs", "--set", "task.nois=1"), 2, '"task.noise"'),
        (("vision/image-folder",), 2, "--set task.target=PATH"),
    ],
)
def test_what_cannot_be_looked_at_is_one_sentence(tlbench, words, status, message):
    found, output, errors = tlbench("inspect", *words)
    assert (found, message in output + errors) == (status, True)


def test_who_collects_faults_is_passed_with_the_request(folders, monkeypatch):
    """Two readers may work at the same time: a run raises what an inspection collects."""
    (folders / "old/train/cat/0.png").write_text("no image")
    task = load_catalog().task("vision/image-folder")
    options = {"source": "old", "target": "new", "size": 8, "grey": False, "label": "label"}
    monkeypatch.chdir(folders)
    collected, run = CollectedFaults(), LoadRequest(task=task.name, options=options, data_root=None)
    inspected = task.load(dataclasses.replace(run, faults=collected))
    data = task.load(run)
    with pytest.raises(BadInputError, match=r"old/train/cat/0\.png"):
        list(data.source.train.inputs)
    assert len(inspected.source.train.inputs) == len(data.source.train.inputs) - 1
    assert ["old/train/cat/0.png" in str(error) for error in collected.errors] == [True]


def test_what_is_left_out_is_told_with_its_number(tlbench, folders):
    for number in range(3):
        (folders / f"old/train/cat/{number}.heic").touch()
    status, seen = found(tlbench, *WORDS)
    assert status == 0
    assert all(word in seen["notes"][0] for word in ('3 files not read in "old"', "3 end in .heic"))
    for number in range(2):
        (folders / "old/train/cat/more").mkdir(exist_ok=True)
        shutil.copy(folders / "old/train/cat/0.png", folders / f"old/train/cat/more/{number}.png")
    status, seen = found(tlbench, *WORDS)
    assert (status, seen["splits"][0]["examples"]) == (0, 22)
    assert any('2 files in "old/train" are in subfolders' in note for note in seen["notes"])


def test_lines_that_quotation_marks_join_are_told(tlbench, tmp_path):
    rows = [f"{chr(34) * (number in (4, 9))}text {number}\t{number % 2}" for number in range(40)]
    rows[9] = 'text 9"\t1'
    for side in ("old", "new"):
        (tmp_path / f"{side}.tsv").write_text("text\tlabel\n" + "\n".join(rows))
    words = ("inspect", "nlp/text-table", "--set", "task.source=old.tsv", "--set", "task.target=new.tsv")
    notes = found(tlbench, *words)[1]["notes"]
    assert any("6 lines were read as 1 rows" in note for note in notes)
    notes = found(tlbench, *words, "--set", "task.quotes=false")[1]["notes"]
    assert not any("quotation" in note for note in notes)


def test_groups_of_each_split_are_counted_and_few_of_them_are_a_warning(tlbench):
    words = ("inspect", "toy/speakers", "--plugin", str(SOURCES / "speakers.py"))
    status, seen = found(tlbench, *words)
    assert (status, seen["refused"], "too narrow" in str(seen["notes"])) == (0, [], False)
    assert {split["split"]: split["groups"] for split in seen["splits"]} == {
        "source train": "10 of 25 examples",
        "source test": "13 of 5-25 examples",
        "target train": "10 of 25 examples",
        "target test": "13 of 5-25 examples",
    }
    assert "13 of 5-25 examples" in tlbench(*words)[1]
    notes = found(tlbench, "inspect", "toy/one-speaker", *words[2:])[1]["notes"]
    assert "The test interval is over only one group: it is often too narrow below 10 groups." in notes


def test_a_group_in_both_splits_is_an_error(tlbench):
    status, seen = found(tlbench, "inspect", "toy/mixed-speakers", "--plugin", str(SOURCES / "speakers.py"))
    assert status == 2
    assert seen["refused"] == [
        "Target side: the training and the test split have groups in common, 'new a 3': put all examples of a group "
        "into one of them."
    ]


def inspected(task):
    options = {option.name: option.default for option in task.options}
    return inspect_task(task, LoadRequest(task=task.name, options=options, data_root=None), 10)


def with_source(data, **train):
    source = dataclasses.replace(data.source, train=dataclasses.replace(data.source.train, **train))
    return dataclasses.replace(data, source=source)


@pytest.mark.parametrize("fault", ["loaded: ZeroDivisionError", "examined: TypeError"])
def test_what_a_library_raises_is_an_error_of_the_data(fault):
    task = load_catalog(also=[toy_candidate()]).task("toy/blobs")

    def load(request):
        if "loaded" in fault:
            raise ZeroDivisionError
        data = task.load(request)
        return with_source(data, labels=[None] * len(data.source.train.labels))

    seen = inspected(dataclasses.replace(task, load=load))
    assert [word in seen.refused[0] for word in (fault, ".py, line ")] == [True, True], seen.refused


SIZES = np.array([math.inf, 1e308, -1e308, 1e200, math.nan, 1.0])


@pytest.mark.parametrize("even", [True, False])
def test_a_shift_that_a_library_cannot_measure_costs_no_other_finding(even):
    """Rows of numbers of every size; and rows of other lengths, which are no matrix."""
    task = load_catalog(also=[toy_candidate()]).task("toy/blobs")

    def load(request):
        data = task.load(request)
        width, count = len(data.source.train.inputs[0]), len(data.source.train.inputs)
        return with_source(
            data, inputs=[np.resize(np.roll(SIZES, i), width + (i % 2) * (not even)) for i in range(count)]
        )

    seen = inspected(dataclasses.replace(task, load=load, modality="tabular"))
    assert (bool(seen.splits), "not measured" in seen.shift) == (True, not even), seen.shift


def test_an_option_that_a_task_lacks_is_one_of_tasks(tlbench):
    status, _, errors = tlbench("inspect", "medical/medmnist", "--set", "task.group=patient")
    assert (status, 'Unknown option "task.group" for the selected tasks' in errors) == (2, True)
