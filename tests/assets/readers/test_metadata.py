from __future__ import annotations

import json

import pytest

from tlbench import BadInputError
from tlbench.assets.readers.faults import CollectedFaults
from tlbench.assets.readers.folders import file_parts, files_read

FILES = [f"{number}.png" for number in range(10)]


def fill(root, rows, name="metadata.csv", label="label", more=()):
    """Write files, and a table that lists them with their labels."""
    for file in [file for file, _ in rows] + list(more):
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).touch()
    records = [{"file_name": file, label: value} for file, value in rows]
    lines = [json.dumps(record) for record in records] if name.endswith("jsonl") else []
    lines = lines or [f"file_name,{label}", *(f"{file},{value}" for file, value in rows)]
    (root / name).write_text("\n".join(lines), encoding="utf-8")


def rows(files=FILES):
    return [(file, ("cat", "dog")[number % 2]) for number, file in enumerate(files)]


def names(half):
    return sorted(path.name for path in half.inputs)


@pytest.mark.parametrize("name", ["metadata.csv", "metadata.jsonl"])
def test_labels_of_a_folder_come_from_its_metadata(tmp_path, name):
    fill(tmp_path, rows(), name)
    parts = file_parts(tmp_path, (".png",))
    assert (len(parts.train), sorted(parts.test.labels)) == (8, ["cat", "dog"])
    assert files_read(parts)[0] == tmp_path / name


def test_each_split_may_have_its_metadata_and_all_of_it_counts_as_data(tmp_path):
    for split in ("train", "val", "test"):
        fill(tmp_path / split, rows([f"{split}{file}" for file in FILES[:4]]))
    parts = file_parts(tmp_path, (".png",))
    assert (len(parts.train), names(parts.test)) == (8, ["test0.png", "test1.png", "test2.png", "test3.png"])
    assert sorted(files_read(parts)[:3]) == sorted(tmp_path.rglob("metadata.csv"))


def test_one_table_may_list_the_files_of_all_splits(tmp_path):
    fill(tmp_path, rows(["train/a.png", "train/b.png", "test/c.png", "test/d.png"]), more=["test/e.png"])
    with pytest.warns(UserWarning, match="1 file not read in .*: 1 is not listed in the metadata of a split"):
        parts = file_parts(tmp_path, (".png",))
    assert (names(parts.train), names(parts.test)) == (["a.png", "b.png"], ["c.png", "d.png"])


def test_another_column_may_have_the_labels(tmp_path):
    fill(tmp_path, rows(), label="species")
    assert sorted(set(file_parts(tmp_path, (".png",), label="species").train.labels)) == ["cat", "dog"]
    with pytest.raises(BadInputError, match=r'column "label".*species'):
        file_parts(tmp_path, (".png",))


def test_metadata_without_labels_leaves_them_to_the_class_folders(tmp_path):
    files = [f"{label}/{file}" for label in ("cat", "dog") for file in FILES[:5]]
    fill(tmp_path, [(file, "a caption") for file in files], label="text")
    with pytest.warns(UserWarning, match=r'has no column "label": the folders are the labels'):
        parts = file_parts(tmp_path, (".png",))
    assert sorted(parts.test.labels) == ["cat", "dog"]


def test_files_that_the_metadata_does_not_list_are_counted(tmp_path):
    fill(tmp_path, rows(), more=["more/1.png", "11.png", "12.png"])
    faults = CollectedFaults()
    file_parts(tmp_path, (".png",), faults=faults)
    (note,) = faults.notes
    assert "3 files not read in" in note
    assert '2 are not listed in the metadata, 1 in "more/"' in note


@pytest.mark.parametrize("file", ["../secret.png", "/etc/secret.png", "a/../../secret.png"])
def test_metadata_names_no_file_outside_its_folder(tmp_path, file):
    fill(tmp_path, rows())
    (tmp_path / "metadata.csv").write_text(f"file_name,label\n{file},cat\n", encoding="utf-8")
    with pytest.raises(BadInputError, match=r'line 2: ".*secret.png" is outside'):
        file_parts(tmp_path, (".png",))


def test_metadata_of_one_split_alone_and_two_tables_are_refused(tmp_path):
    fill(tmp_path / "train", rows())
    (tmp_path / "test").mkdir()
    with pytest.raises(BadInputError, match=r'test" has no metadata.csv'):
        file_parts(tmp_path, (".png",))
    fill(tmp_path / "train", rows(), "metadata.jsonl")
    with pytest.raises(BadInputError, match="keep one of them"):
        file_parts(tmp_path, (".png",))
