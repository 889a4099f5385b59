from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tlbench import BadInputError, LoadRequest, MissingDataError, TaskLabels, UsageError
from tlbench.planning.catalog import load_catalog
from tlbench.planning.expand import make_plan
from tlbench.planning.selection import RunRequest
from tlbench.planning.settings import Settings
from tlbench_data.own import own_tasks
from tlbench_data.public import public_tasks

TASKS = {task.name: task for task in (*own_tasks(), *public_tasks())}
real_data = pytest.mark.skipif("TLBENCH_DATA" not in os.environ, reason="TLBENCH_DATA is not set: reads real data")


def request(name, **options):
    root = os.environ.get("TLBENCH_DATA")
    defaults = {option.name: option.default for option in TASKS[name].options}
    return LoadRequest(task=name, options={**defaults, **options}, data_root=Path(root) if root else None)


def load(name, **options):
    return TASKS[name].load(request(name, **options))


def files(name, **options):
    return list(TASKS[name].files(request(name, **options)))


def sizes(side):
    return [np.bincount(split.labels, minlength=len(side.labels)).tolist() for split in (side.train, side.test)]


def test_every_task_is_in_the_catalog():
    catalog = load_catalog()
    assert catalog.problems == ()
    assert set(TASKS) <= set(catalog.tasks)


@pytest.mark.parametrize("task", own_tasks(), ids=lambda task: task.name)
def test_a_task_for_own_data_asks_for_it(task):
    with pytest.raises(MissingDataError, match=f'"{task.name}" .*--set task.target'):
        files(task.name)


@pytest.fixture
def recordings(tmp_path):
    """Two sides of two words, five takes of each."""
    for side in ("here", "there"):
        for pitch, word in enumerate(("no", "yes"), start=1):
            (tmp_path / side / word).mkdir(parents=True)
            for take in range(5):
                wave = np.sin(np.arange(400 + take) * pitch / 10) / 2
                soundfile.write(tmp_path / side / word / f"{take}.wav", wave, 8000)
    return {"source": str(tmp_path / "here"), "target": str(tmp_path / "there")}


def test_each_task_for_own_data_has_labels_of_the_target_alone(recordings):
    task, place = {one.name: one for one in own_tasks()}["speech/wav-folder"], {**recordings, "source": ""}
    request = LoadRequest(task=task.name, options=place, data_root=None)
    assert task.labels(request) == TaskLabels(source=None, target=("no", "yes"))
    assert task.load(request).source is None


def test_recordings_in_class_folders_are_read(recordings):
    data = load("speech/wav-folder", **recordings)
    assert data.sample_rate == 8000
    assert data.source.labels == data.target.labels == ("no", "yes")
    assert sizes(data.source) == [[4, 4], [1, 1]]
    assert {len(wave) for wave in data.source.train.inputs} <= {400, 401, 402, 403, 404}
    assert len(files("speech/wav-folder", **recordings)) == 20


def test_recordings_of_another_rate_are_resampled(recordings):
    for path in Path(recordings["source"]).rglob("*.wav"):
        soundfile.write(path, np.sin(np.arange(800) / 20), 16000)
    with pytest.warns(UserWarning, match=r"8000 Hz \(10, .*16000 Hz \(10, "):
        data = load("speech/wav-folder", **recordings)
    assert data.sample_rate == 8000
    assert {len(wave) for wave in data.source.train.inputs} == {400}


def test_one_broken_recording_is_named(recordings):
    (Path(recordings["target"]) / "no/2.wav").write_bytes(b"RIFF")
    with pytest.raises(BadInputError, match=r'there/no/2.wav" cannot be read as sound'):
        load("speech/wav-folder", **recordings)


@pytest.fixture
def flows(tmp_path):
    """Writes a table of forty records, every fourth an attack, with further lines at its end."""

    def write(name, more="", attacks=("scan", "flood")):
        rows = [f"{i},{'tcp' if i % 3 else 'udp'},{attacks[i % 8 // 4] if i % 4 == 0 else 'normal'}" for i in range(40)]
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("\n".join(["bytes,protocol,label", *rows, more]))
        return str(path)

    return write


def test_records_of_own_tables_are_read(flows):
    data = load("anomaly/table", source=flows("a.csv"), target=flows("b.csv", more="99,icmp,worm\n"))
    assert data.source.labels == ("normal", "anomaly")
    assert sizes(data.source) == [[24, 8], [6, 2]]
    assert data.source.train.inputs[0].tolist() in ([0, 0, 1], [1, 1, 0])
    target = [*data.target.train.inputs, *data.target.test.inputs]
    assert [99, 0, 0] in [row.tolist() for row in target]


def test_published_parts_of_own_records_are_kept(flows, tmp_path):
    flows("set/train.csv"), flows("set/test.csv")
    data = load("anomaly/table", source=str(tmp_path / "set"), target=flows("b.csv"))
    assert sizes(data.source) == [[30, 10], [30, 10]]


def test_a_group_of_own_records_is_held_out_as_a_whole_and_is_no_feature(tmp_path):
    """Ten patients of each kind with four records each: a fifth of them is held out."""
    rows = [f"{i},{'well' if i < 40 else 'sick'}, p{i // 4} " for i in range(80)]
    (tmp_path / "a.csv").write_text("\n".join(["pulse,label,patient", *rows]))
    path, options = str(tmp_path / "a.csv"), {"normal": "well", "group": "patient"}
    data = load("anomaly/table", source=path, target=path, **options)
    assert sizes(data.target) == [[32, 32], [8, 8]]
    assert {row.shape for row in data.target.train.inputs} == {(1,)}
    for split in (data.target.train, data.target.test):
        assert [f"p{int(row[0]) // 4}" for row in split.inputs] == split.groups
    assert not set(data.target.train.groups) & set(data.target.test.groups)
    assert load("anomaly/table", source=path, target=path, normal="well", label="label").target.test.groups is None


def test_records_without_a_group_or_its_column_are_refused(tmp_path, flows):
    with pytest.raises(BadInputError, match=r'column "patient" in ".*a.csv"'):
        files("anomaly/table", source=flows("a.csv"), target=flows("b.csv"), group="patient")
    source, target = flows("a.csv"), flows("b.csv", more=" ,udp,scan")
    with pytest.raises(BadInputError, match=r'b.csv", line 42: column "bytes" is empty: give every row a group'):
        load("anomaly/table", source=source, target=target, group="bytes")


def test_without_a_group_own_records_keep_the_keys_that_they_had(flows):
    catalog, settings = load_catalog(), Settings()
    places = {"task.source": flows("a.csv"), "task.target": flows("b.csv")}
    (plain, grouped) = (
        make_plan(
            [RunRequest(tasks=["anomaly/table"], strategies=["finetune"], seeds=(0,), overrides={**places, **more})],
            catalog,
            settings,
        ).pairings[0]
        for more in ({}, {"task.group": "protocol"})
    )
    assert plain.data_options() == {"label": "label", "normal": "normal", "log": False}
    assert grouped.data_options() == {**plain.data_options(), "group": "protocol"}
    assert plain.key() != grouped.key()


def test_a_missing_label_column_is_met_before_anything_runs(flows):
    with pytest.raises(BadInputError, match=r'column "kind" in ".*a.csv"'):
        files("anomaly/table", source=flows("a.csv"), target=flows("b.csv"), label="kind")


def test_a_table_without_normal_records_is_refused(flows):
    with pytest.raises(BadInputError, match=r'must contain "benign" .* only "flood", "normal", "scan"'):
        load("anomaly/table", source=flows("a.csv"), target=flows("b.csv"), normal="benign")


def test_another_spelling_of_the_normal_label_is_noted(flows):
    with pytest.warns(UserWarning, match='"Normal" beside "normal"'):
        load("anomaly/table", target=flows("b.csv", more="3,tcp,Normal\n"))


def test_a_bad_number_is_named_by_line_and_column(flows):
    with pytest.raises(BadInputError, match=r'b.csv", line 42, column "bytes": "many" is not a finite number'):
        load("anomaly/table", source=flows("a.csv"), target=flows("b.csv", more="many,tcp,scan\n"))


@pytest.fixture
def motions(tmp_path):
    for side in ("here", "there"):
        for motion in ("push", "turn"):
            (tmp_path / side / motion).mkdir(parents=True)
            for run in range(5):
                rows = "".join(f"{run},{step}\n" for step in range(30))
                (tmp_path / side / motion / f"{run}.csv").write_text("x,y\n" + rows)
    return {"source": str(tmp_path / "here"), "target": str(tmp_path / "there")}


def test_series_are_cut_into_windows_and_split_by_file(motions):
    data = load("robotics/series", **motions, window=10, stride=5)
    assert sizes(data.source) == [[20, 20], [5, 5]]
    assert data.source.train.inputs[0].shape == (10, 2)
    train, test = (
        {(window[0, 0], label) for window, label in zip(split.inputs, split.labels, strict=True)}
        for split in (data.source.train, data.source.test)
    )
    assert not train & test


def test_series_with_other_columns_are_refused(motions):
    (Path(motions["target"]) / "turn/3.csv").write_text("x,z\n" + "1,2\n" * 30)
    with pytest.raises(BadInputError, match=r'turn/3.csv" has the columns x, z, but ".*csv" has x, y'):
        load("robotics/series", **motions)


def test_a_window_must_be_a_window(motions):
    with pytest.raises(UsageError, match=r"task.window=1.*at least 2"):
        load("robotics/series", **motions, window=1)


def medmnist(path, labels=3, shape=(30, 28, 28), **other):
    random = np.random.default_rng(len(path.name))
    arrays = {}
    for part, size in (("train", 30), ("val", 6), ("test", 9)):
        arrays[f"{part}_images"] = random.integers(0, 255, (size, *shape[1:]), np.uint8)
        arrays[f"{part}_labels"] = (np.arange(size) % labels)[:, None]
    np.savez(path, **{name: array for name, array in {**arrays, **other}.items() if array is not None})
    return str(path)


def test_two_files_of_medmnist_are_two_sides(tmp_path):
    places = {
        "source": medmnist(tmp_path / "organa.npz"),
        "target": medmnist(tmp_path / "organc_64.npz", shape=(30, 64, 64, 3)),
    }
    data = load("medical/medmnist", **places)
    assert data.source.labels == data.target.labels == ("0", "1", "2")
    assert (sizes(data.source), sizes(data.target)) == ([[12, 12, 12], [3, 3, 3]], [[12, 12, 12], [3, 3, 3]])
    assert {image.shape for side in (data.source, data.target) for image in side.train.inputs} == {(28, 28, 3)}
    with np.load(places["source"]) as arrays:
        first = arrays["train_images"][0]
    assert np.array_equal(data.source.train.inputs[0], np.repeat(first[..., None], 3, 2))
    assert load("medical/medmnist", **places, size=16, grey=True).target.test.inputs[0].shape == (16, 16, 1)
    assert [path.name for path in files("medical/medmnist", **places)] == ["organa.npz", "organc_64.npz"]


@pytest.mark.parametrize(
    ("other", "sentence"),
    [
        ({"val_images": None}, 'b.npz" has no array "val_images"'),
        ({"train_labels": np.zeros((30, 14), int)}, "one whole number or text"),
        ({"train_labels": np.array([{}] * 30, object)}, "save plain arrays with numpy.savez"),
        ({"test_images": np.zeros((9, 28, 28))}, "expected uint8"),
    ],
)
def test_a_file_that_is_no_medmnist_is_named(tmp_path, other, sentence):
    places = {"source": medmnist(tmp_path / "a.npz"), "target": medmnist(tmp_path / "b.npz", **other)}
    with pytest.raises(BadInputError, match=sentence):
        load("medical/medmnist", **places)


def test_recordings_may_be_listed_by_a_table(recordings):
    for side in recordings.values():
        lines = [
            f"{word}/{take}.wav,{word},{'train' if take else 'test'}" for word in ("no", "yes") for take in range(5)
        ]
        (Path(side) / "split.csv").write_text("\n".join(["file,label,split", *lines]))
    listed = {name: f"{side}/split.csv" for name, side in recordings.items()}
    data = load("speech/wav-folder", **listed)
    assert (data.source.labels, sizes(data.target)) == (("no", "yes"), [[4, 4], [1, 1]])
    assert [path.name for path in files("speech/wav-folder", **listed)[:2]] == ["split.csv", "split.csv"]


def test_records_may_be_json_lines(flows, tmp_path):
    rows = [{"bytes": i, "protocol": "tcp", "label": "normal" if i % 3 else "scan"} for i in range(40)]
    (tmp_path / "a.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    data = load("anomaly/table", source=str(tmp_path / "a.jsonl"), target=flows("b.csv"))
    assert data.source.train.inputs[0].shape == (2,)


@real_data
def test_fsdd_is_split_by_the_published_rule():
    data = load("speech/fsdd")
    assert sizes(data.source) == [[30] * 10, [10] * 10]
    assert sizes(data.target) == [[60] * 10, [20] * 10]
    lengths = [len(w) for side in (data.source, data.target) for s in (side.train, side.test) for w in s.inputs]
    assert (min(lengths), max(lengths), data.sample_rate) == (1148, 18262, 8000)


@real_data
def test_nsl_kdd_counts():
    data = load("anomaly/nsl-kdd")
    assert np.sum(sizes(data.source), 0).tolist() == [13449, 11743]
    assert np.sum(sizes(data.target), 0).tolist() == [9711, 12833]
    assert len(data.source.test.inputs) / 25192 == pytest.approx(0.2, abs=0.001)
    assert len(data.target.test.inputs) / 22544 == pytest.approx(0.5, abs=0.001)
    assert data.target.test.inputs[0].shape == (38 + 3 + 66 + 11,)


@real_data
def test_equal_records_of_nsl_kdd_are_on_one_side():
    from tlbench.assets.readers.features import read_records
    from tlbench.assets.readers.labelled import hold_out
    from tlbench_data.tasks.records import ATTACK, NSL_KDD, _features

    records = read_records(files("anomaly/nsl-kdd")[1], label=ATTACK, columns=NSL_KDD)
    groups = [_features(record) for record in records.inputs]
    assert len(set(groups)) == len(groups) - 57
    parts = hold_out(records, groups, 0.5)
    assert not {_features(r) for r in parts.train.inputs} & {_features(r) for r in parts.test.inputs}


@real_data
def test_reality_gap_counts():
    paths = files("robotics/reality-gap")
    assert sum(path.suffix == ".csv" for path in paths) == 38 - 19
    assert sum(path.suffix == ".tsv" for path in paths) == 16
    data = load("robotics/reality-gap")
    assert data.source.labels == ("one joint", "push", "two joints")
    assert (sizes(data.source), sizes(data.target)) == (
        [[55, 156, 156], [22, 78, 78]],
        [[40, 117, 124], [41, 78, 86]],
    )


@real_data
def test_the_arm_moves_within_its_reach_on_both_sides():
    data = load("robotics/reality-gap")
    for side in (data.source, data.target):
        windows = np.stack([*side.train.inputs, *side.test.inputs])
        assert windows.shape[1:] == (20, 3)
        assert np.abs(windows[:, 0]).max() == 0
        assert 0.2 < np.abs(windows).max() < 0.6  # metres in a second


@real_data
def test_white_blood_cell_counts():
    data = load("medical/wbc")
    assert data.source.labels == ("eosinophil", "lymphocyte", "monocyte", "neutrophil")
    assert np.sum(sizes(data.source), 0).tolist() == [22, 53, 48, 176]
    assert np.sum(sizes(data.target), 0).tolist() == [12, 37, 15, 33]
    assert sizes(data.target)[1] == [6, 18, 8, 16]
    assert (data.source.train.inputs[0].shape, data.source.train.inputs[0].dtype) == ((32, 32, 3), np.uint8)
