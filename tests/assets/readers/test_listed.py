from __future__ import annotations

import pytest

from tlbench import BadInputError
from tlbench.assets.readers.faults import CollectedFaults
from tlbench.assets.readers.folders import file_parts, files_read

NAMES = [f"{label}{number}.png" for label in "ab" for number in range(5)]


@pytest.fixture
def listed(tmp_path):
    """Writes a table beside files that it lists."""
    for name in NAMES:
        (tmp_path / name).touch()

    def write(rows, header="file,label,split"):
        (tmp_path / "split.csv").write_text("\n".join([header, *rows]))
        return tmp_path / "split.csv"

    return write


def rows(splits):
    return [f"{name},{name[0]},{split}" for name, split in zip(NAMES, splits, strict=True)]


def names(part):
    return [path.name for path in part.inputs]


def test_files_go_where_the_table_says(listed):
    path = listed(rows(["train", "train", "train", "val", "test"] * 2))
    parts = file_parts(path, (".png",))
    assert names(parts.train) == ["a0.png", "a1.png", "a2.png", "b0.png", "b1.png", "b2.png", "a3.png", "b3.png"]
    assert (names(parts.test), parts.test.labels) == (["a4.png", "b4.png"], ["a", "b"])
    assert files_read(parts)[0] == path
    assert len(files_read(parts)) == 11


def test_without_splits_a_part_is_held_out(listed):
    parts = file_parts(listed([f"{name},{name[0]}" for name in NAMES], "file,label"), (".png",))
    assert (len(parts.train), sorted(parts.test.labels)) == (8, ["a", "b"])


def test_validation_is_the_test_where_there_is_no_other(listed):
    parts = file_parts(listed(rows(["train"] * 4 + ["validation"] + ["train"] * 4 + ["dev"])), (".png",))
    assert names(parts.test) == ["a4.png", "b4.png"]


@pytest.mark.parametrize(
    ("lines", "header", "sentence"),
    [
        (["a0.png,a"], "where,label", 'has no column "file": rename .*filename, .*Its columns: "where", "label"'),
        (["a0.png,b0.png,a"], "Path,image,label", r'several columns of files \("Path", "image"\): rename'),
        (["a0.png,a"], "file,class", 'column "label"'),
        (["a0.png,a,train", "c.png,a,test"], "file,label,split", r'line 3: ".*c.png" does not exist'),
        (["a0.png,a,train", "a0.png,a,test"], "file,label,split", r'line 3: ".*a0.png" is listed twice'),
        (["a0.png,a,train", "a1.png,a,extra"], "file,label,split", 'line 3: invalid split "extra"'),
        (["a0.png,a,train", "a1.png,,test"], "file,label,split", 'line 3: column "label" is empty'),
        (["a0.png,a,train", "a1.png,a,train"], "file,label,split", 'must contain "train" and "test"'),
        (["a0.png,a,test", "a1.png,a,valid"], "file,label,split", 'must contain "train" and "test"'),
    ],
)
def test_a_table_that_makes_no_sense_is_named(listed, lines, header, sentence):
    with pytest.raises(BadInputError, match=sentence):
        file_parts(listed(lines, header), (".png",))


def test_splits_are_read_in_any_case(listed):
    parts = file_parts(listed(rows(["Train"] * 4 + ["VAL"] + ["TRAIN"] * 4 + ["Dev"])), (".png",))
    assert names(parts.test) == ["a4.png", "b4.png"]


@pytest.mark.parametrize("column", ["filename", "path", "Image", "IMG", "filepath", "File"])
def test_the_only_column_with_a_usual_name_lists_the_files_and_an_inspection_says_so(listed, column):
    faults = CollectedFaults()
    path = listed([f"{name},{name[0]}" for name in NAMES], f"{column},label")
    parts = file_parts(path, (".png",), faults=faults)
    assert sorted(names(parts.train) + names(parts.test)) == NAMES
    assert faults.columns == {column: ["names of files"]}


def test_the_column_file_comes_before_others(listed):
    parts = file_parts(listed([f"{name},{name[0]},x" for name in NAMES], "file,label,path"), (".png",))
    assert sorted(names(parts.train) + names(parts.test)) == NAMES
