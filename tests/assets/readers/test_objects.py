from __future__ import annotations

import json

import pytest

from tlbench import BadInputError
from tlbench.assets.readers.tables import read_table

pyarrow = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")


@pytest.fixture
def lines(tmp_path):
    def write(text, name="t.jsonl"):
        (tmp_path / name).write_text(text)
        return tmp_path / name

    return write


@pytest.fixture
def columns(tmp_path):
    """Writes a Parquet table, and what a Hugging Face data set says of its columns."""

    def write(features=None, **values):
        written = pyarrow.table(values)
        if features:
            said = json.dumps({"info": {"features": features}})
            written = written.replace_schema_metadata({"huggingface": said})
        parquet.write_table(written, tmp_path / "t.parquet")
        return tmp_path / "t.parquet"

    return write


def test_values_become_cells_and_absent_ones_are_empty(lines):
    table = read_table(lines('{"a": 1, "b": true}\n\n{"a": 1.5, "c": "x"}\n{"a": null}'))
    assert (table.columns, table.lines) == (("a", "b", "c"), [1, 3, 4])
    assert table.rows == [["1", "true", ""], ["1.5", "", "x"], ["", "", ""]]


def test_columns_of_lists_and_objects_are_left_out(lines, columns):
    assert read_table(lines('{"a": 1, "b": [1]}\n{"a": {"c": 1}, "d": 2}')).columns == ("d",)
    assert read_table(columns(a=[[1]], b=[{"c": 1}], d=[2], e=[b"x"])).columns == ("d",)


@pytest.mark.parametrize(
    ("text", "name", "sentence"),
    [
        ('{"a": 1}\n{"a": ', "t.jsonl", r't.jsonl", line 2 is not JSON .* one object per line'),
        ('{"a": 1}\n[1]', "t.jsonl", "record 2 is not an object"),
        ('[{"a": 1}, 2]', "t.json", "record 2 is not an object"),
        ('{\n "a": 1\n}', "t.json", "line 1 is not JSON"),
        ("", "t.jsonl", "has no rows"),
        ("[]", "t.json", "has no rows"),
        ("no table", "t.parquet", r't.parquet" cannot be read as a parquet table'),
        ("no table", "t.arrow", r't.arrow" cannot be read as a arrow table'),
    ],
)
def test_what_holds_no_records_is_named(lines, text, name, sentence):
    with pytest.raises(BadInputError, match=sentence):
        read_table(lines(text, name))


def test_what_is_not_utf8_is_named(tmp_path):
    (tmp_path / "t.jsonl").write_bytes(b'{"a": "\xff"}')
    with pytest.raises(BadInputError, match="save it as UTF-8"):
        read_table(tmp_path / "t.jsonl")


def test_a_missing_label_is_named_by_its_line(lines):
    with pytest.raises(BadInputError, match='line 2: column "label" is empty'):
        read_table(lines('{"label": "a"}\n{"text": "b"}')).labels("label")


def test_class_numbers_become_names(columns):
    features = {"label": {"names": ["bad", "good"], "_type": "ClassLabel"}, "text": {"dtype": "string"}}
    table = read_table(columns(features, label=[1, 0, None], text=["a", "b", "c"]))
    assert table.column("label") == ["good", "bad", ""]
    with pytest.raises(BadInputError, match=r"class number 2, .* 2 classes"):
        read_table(columns(features, label=[2]))


def test_a_cut_off_table_is_named(columns):
    path = columns(a=list(range(1000)))
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(BadInputError, match=r't.parquet" cannot be read'):
        read_table(path)
