from __future__ import annotations

import json
import re

import pytest

from tlbench import BadInputError
from tlbench.assets.readers.faults import CollectedFaults
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
    table = read_table(lines('{"a": 1, "b": true}\n\n{"a": 1.5, "c": "x"}\n{"a": null}\n{"a": NaN, "b": 2}'))
    assert (table.columns, table.lines) == (("a", "b", "c"), [1, 3, 5])
    assert table.rows == [["1", "true", ""], ["1.5", "", "x"], ["", "2", ""]]


def test_columns_of_lists_and_objects_are_left_out(lines, columns):
    assert read_table(lines('{"a": 1, "b": [1]}\n{"a": {"c": 1}, "d": 2}')).columns == ("d",)
    assert read_table(columns(a=[[1]], b=[{"c": 1}], d=[2], e=[b"x"])).columns == ("d",)


@pytest.mark.parametrize(
    ("text", "name", "sentence"),
    [
        ('{"a": 1}\n{"a": ', "t.jsonl", r't.jsonl", line 2 is not JSON .* one object per line'),
        ('{"a": 1}\n[1]', "t.jsonl", "record 2 is not an object"),
        ('[{"a": 1}, 2]', "t.json", "record 2 is not an object"),
        ('{\n "a": 1\n}\n{\n "a": \n}', "t.json", "line 6 is not JSON"),
        ('{"a": [1, 2], "b": [3]}', "t.json", "columns of different lengths"),
        ('{"columns": ["a", "b"], "data": [[1]]}', "t.json", "lengths differ from its 2 columns"),
        ('{"images": [{"a": 1}], "boxes": [{"b": 1}]}', "t.json", 'several arrays of objects, "images", "boxes"'),
        ('{"a": {"0": 1}, "b": {"1": 2}}', "t.json", "members have different names"),
        ('{"0": {"0": 1}, "1": {"0": 2}}', "t.json", "numbers for names of rows and of columns"),
        ('[{"a": [1]}]', "t.json", "only columns of lists"),
        ("", "t.jsonl", "has no rows"),
        ("[]", "t.json", "has no rows"),
        ("no table", "t.parquet", r't.parquet" cannot be read as a parquet table'),
        ("no table", "t.arrow", r't.arrow" cannot be read as a arrow table'),
    ],
)
def test_what_holds_no_records_is_named(lines, text, name, sentence):
    with pytest.raises(BadInputError, match=sentence):
        read_table(lines(text, name))


AS_PANDAS_WRITES = {
    "columns": {"text": {"3": "a", "7": "b"}, "label": {"3": 1, "7": 0}},
    "list": {"text": ["a", "b"], "label": [1, 0]},
    "split": {"columns": ["text", "label"], "index": [3, 7], "data": [["a", 1], ["b", 0]]},
    "index": {"3": {"text": "a", "label": 1}, "7": {"text": "b", "label": 0}},
    "table": {"schema": {"fields": []}, "data": [{"text": "a", "label": 1}, {"text": "b", "label": 0}]},
}


@pytest.mark.parametrize("indent", [None, 1])
@pytest.mark.parametrize("form", AS_PANDAS_WRITES)
def test_the_forms_of_a_data_frame_are_rows(lines, form, indent):
    table = read_table(lines(json.dumps(AS_PANDAS_WRITES[form], indent=indent), "t.json"))
    assert (table.columns, table.rows) == (("text", "label"), [["a", "1"], ["b", "0"]])


def test_records_may_take_several_lines(lines):
    table = read_table(lines('{\n "text": "a"\n}\n\n{\n "text": "b"\n}\n', "t.jsonl"))
    assert (table.rows, table.lines) == ([["a"], ["b"]], [1, 5])


def test_json_has_the_encoding_of_its_mark(tmp_path):
    (tmp_path / "t.json").write_text('[{"text": "\u00fc"}]', encoding="utf-16")
    assert read_table(tmp_path / "t.json").rows == [["\u00fc"]]


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


@pytest.mark.parametrize(
    ("text", "name", "faulty", "kept"),
    [
        ('{"a": 1}\n{"a": \n[1]\n2\n{"a": 3}\n{', "t.jsonl", [2, 3, 4, 6], [["1"], ["3"]]),
        ('{"a": \n{"a": 2}\n{"b"}\n}', "t.jsonl", [1, 3, 4], [["2"]]),
        ('{"a": \n{"a": 2}\n{"a": 3}', "t.json", [1], [["2"], ["3"]]),
        ('[{"a": 1}, 2, "x", {"a": 4}]', "t.json", [2, 3], [["1"], ["4"]]),
        # One line is left, which is not read as an object of columns.
        ('{"a": [1, 2], "b": "x"}\n{', "t.jsonl", [2], [["x"]]),
    ],
)
def test_every_line_and_record_that_is_no_object_is_refused(lines, text, name, faulty, kept):
    faults = CollectedFaults()
    table = read_table(lines(text, name), faults=faults)
    assert sorted(int(re.search(r"(?:line|record) (\d+)", str(error))[1]) for error in faults.errors) == faulty
    assert table.rows == kept


def test_one_fault_in_a_value_of_several_lines_is_one_error(lines):
    faults = CollectedFaults()
    text = json.dumps([{"a": 1, "b": [{"c": 1}, {"c": 2}]}] * 3, indent=1).replace('"b"', '"b', 1)
    with pytest.raises(BadInputError, match="line 4"):
        read_table(lines(text, "t.jsonl"), faults=faults)
    assert not faults.errors


def test_a_file_of_faulty_lines_alone_has_no_other_fault(lines):
    faults = CollectedFaults()
    with pytest.raises(BadInputError, match="record 1 is not an object"):
        read_table(lines("1\n2"), faults=faults)
    assert len(faults.errors) == 2
