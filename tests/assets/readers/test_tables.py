from __future__ import annotations

import json

import pytest

from tlbench import BadInputError, LoadRequest
from tlbench.assets.readers.faults import CollectedFaults
from tlbench.assets.readers.tables import check_columns, read_table, read_texts, table_files, table_parts


@pytest.fixture
def table(tmp_path):
    def write(text, name="t.csv", encoding="utf-8"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(text.encode(encoding))
        return path

    return write


def test_the_first_row_names_the_columns(table):
    read = read_table(table('text,label\r\n"a, b\nc",x\r\n\r\nd,y\r\n'))
    assert read.column("text") == ["a, b\nc", "d"]
    assert read.lines == [3, 5]


def test_a_byte_order_mark_is_no_part_of_a_name(table):
    assert read_table(table("text,label\na,b\n", encoding="utf-8-sig")).columns == ("text", "label")


def test_tabs_part_a_tsv(table):
    assert read_table(table("text\tlabel\na, b\tx\n", "t.tsv")).column("text") == ["a, b"]


def test_quotation_marks_can_be_characters(table):
    path = table('text\tlabel\n"a" and "b\tx\n', "t.tsv")
    assert read_table(path, quotes=False).column("text") == ['"a" and "b']
    with pytest.raises(BadInputError, match=r"line 2, is not a valid table .*task.quotes=false"):
        read_table(path)


def test_a_quote_that_is_never_closed_swallows_no_rows(table):
    with pytest.raises(BadInputError, match=r"\(unexpected end of data\)"):
        read_table(table('text,label\na,x\n"b,y\nc,x\n'))


def test_a_headless_table_is_given_its_names(table):
    assert read_table(table("1,2\n"), columns=("a", "b")).column("b") == ["2"]


@pytest.mark.parametrize("text", ["", "text,label\n", "\n\n"])
def test_a_table_without_rows_is_named(table, text):
    with pytest.raises(BadInputError, match=r't.csv" has no rows'):
        read_table(table(text))


def test_a_short_row_is_named_by_its_line(table):
    with pytest.raises(BadInputError, match=r'"[^"]*t.csv", line 3: 1 cells for 2 columns'):
        read_table(table("text,label\na,x\nb\n"))


def test_what_is_not_utf8_is_named(table):
    with pytest.raises(BadInputError, match=r't.csv" is not UTF-8: line 2 .* 0xFC, .*"ü".*iconv'):
        read_table(table("text,label\nü,x\n", encoding="latin-1"))


def test_a_table_that_is_not_there_is_named(tmp_path):
    with pytest.raises(BadInputError, match=r"cannot be read \(No such file"):
        read_table(tmp_path / "t.csv")


def test_a_missing_column_is_named_with_what_is_near(table):
    path = table("Text,label\na,x\n")
    for find in (read_table(path).column, lambda name: check_columns(path, "label", name)):
        with pytest.raises(BadInputError, match=r'column "text" in .*"Text"'):
            find("text")
    with pytest.raises(BadInputError, match=r"task\.label=NAME"):
        check_columns(path, "text")


def test_a_column_that_is_there_twice_is_refused(table):
    with pytest.raises(BadInputError, match='several columns "a"'):
        check_columns(table("a,a\n1,2\n"), "a")


def test_columns_are_checked_without_the_rest(table):
    check_columns(table("text,label\nthis row is too short\n"), "text", "label")
    with pytest.raises(BadInputError, match="has no rows"):
        check_columns(table(""), "text")


def test_an_empty_label_is_named_by_its_line(table):
    with pytest.raises(BadInputError, match='line 3: column "label" is empty'):
        read_texts(table("text,label\na,x\nb, \n"), text="text", label="label")


def tables(place):
    return table_files(LoadRequest(task="nlp/texts", options={"source": str(place)}, data_root=None), "source")


def texts(path):
    return read_texts(path, text="text", label="label")


def test_equal_texts_are_held_out_together(table):
    rows = "".join(f"text {i % 30},{'ab'[i % 2]}\n" for i in range(60))
    parts = table_parts(tables(table("text,label\n" + rows)), texts, group=str)
    assert len(parts.test) == 12
    assert not set(parts.train.inputs) & set(parts.test.inputs)


def test_a_folder_of_tables_has_published_parts(table, tmp_path):
    for name in ("train", "valid", "test"):
        table(f"text,label\n{name},x\n", f"set/{name}.csv")
    parts = table_parts(tables(tmp_path / "set"), texts, group=str)
    assert (parts.train.inputs, parts.test.inputs) == (["train", "valid"], ["test"])
    (tmp_path / "set/test.csv").unlink()
    parts = table_parts(tables(tmp_path / "set"), texts, group=str)
    assert (parts.train.inputs, parts.test.inputs) == (["train"], ["valid"])


def test_a_folder_without_the_two_tables_is_refused(table, tmp_path):
    table("text,label\n", "set/train.csv")
    with pytest.raises(BadInputError, match='lacks the tables "train" and "test"'):
        tables(tmp_path / "set")


RECORDS = [{"text": "a, b", "label": "x"}, {"text": "c\nd", "label": "y"}]


def test_the_formats_of_tables_say_the_same(table, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    import pyarrow

    parquet.write_table(pyarrow.Table.from_pylist(RECORDS), tmp_path / "t.parquet")
    lines = "\n".join(json.dumps(record) for record in RECORDS)
    paths = [
        table('text,label\n"a, b",x\n"c\nd",y\n'),
        table(lines, "t.jsonl"),
        table(lines, "lines.json"),
        table(json.dumps(RECORDS, indent=1), "array.json"),
        tmp_path / "t.parquet",
    ]
    for path in paths:
        check_columns(path, "text", "label")
        read = texts(path)
        assert (list(read.inputs), list(read.labels)) == (["a, b", "c\nd"], ["x", "y"])


def test_published_parts_may_be_json_lines(table, tmp_path):
    for name in ("train", "test"):
        table(json.dumps({"text": name, "label": "x"}), f"set/{name}.jsonl")
    parts = table_parts(tables(tmp_path / "set"), texts, group=str)
    assert (parts.train.inputs, parts.test.inputs) == (["train"], ["test"])


@pytest.mark.parametrize("name", ["val", "Validation", "DEV"])
def test_tables_beside_each_other_are_parts_by_any_of_their_names(table, tmp_path, name):
    for part in ("Train", name):
        table(f"text,label\n{part},x\n", f"set/{part}.csv")
    parts = table_parts(tables(tmp_path / "set"), texts, group=str)
    assert (parts.train.inputs, parts.test.inputs) == (["Train"], [name])


@pytest.mark.parametrize("other", ["val.csv", "valid.jsonl"])
def test_two_tables_of_one_part_are_refused(table, tmp_path, other):
    for name in ("train.csv", "valid.csv", other):
        table("text,label\na,x\n", f"set/{name}")
    with pytest.raises(BadInputError, match='both the split "valid"'):
        tables(tmp_path / "set")


def test_a_table_that_is_no_part_is_named(table, tmp_path):
    for name in ("train", "test", "extra"):
        table("text,label\na,x\n", f"set/{name}.csv")
    with pytest.warns(UserWarning, match=r'"extra.csv"'):
        assert len(tables(tmp_path / "set")) == 2


@pytest.mark.parametrize(
    ("names", "unread"),
    [
        (("train-v2.0", "dev-v2.0"), 0),
        (("my_train2", "my_test2", "notes"), 1),
        (("x.train", "x.val", "train_and_test"), 1),
        # Names that are exactly those of splits come first.
        (("train", "dev", "train-v2.0", "dev-v2.0"), 2),
    ],
)
def test_splits_are_found_by_the_words_in_names(table, tmp_path, names, unread):
    for name in names:
        table(json.dumps({"text": name, "label": "x"}), f"set/{name}.json")
    faults = CollectedFaults()
    request = LoadRequest(task="nlp/x", options={"target": str(tmp_path / "set")}, data_root=None, faults=faults)
    files = table_files(request, "target")
    assert [path.stem for paths in files.values() for path in paths] == list(names[:2])
    assert list(files) == ["train", "test" if "test" in names[1] else "valid"]
    assert sum(note.count(".json") for note in faults.notes) == unread


def test_two_versions_of_a_split_are_refused(table, tmp_path):
    for name in ("train-v1.1", "dev-v1.1", "train-v2.0", "dev-v2.0"):
        table("{}", f"set/{name}.json")
    with pytest.raises(BadInputError, match=r'dev-v1.1.json" and .*dev-v2.0.json" are both the split "valid"'):
        tables(tmp_path / "set")


def test_the_pieces_of_a_table_are_read_together(table, tmp_path):
    for name in ("train-00000-of-00002", "train-00001-of-00002", "test-00000-of-00001"):
        table(json.dumps({"text": name, "label": "x"}), f"set/{name}.jsonl")
    parts = table_parts(tables(tmp_path / "set"), texts, group=str)
    assert (parts.train.inputs, len(parts.test)) == (["train-00000-of-00002", "train-00001-of-00002"], 1)
    (tmp_path / "set/train-00000-of-00002.jsonl").unlink()
    with pytest.raises(BadInputError, match="one of 2 files of a table, of which 1 are there"):
        tables(tmp_path / "set")


OPENS, CLOSES = {3: '"'}, {7: '"'}
STRAY = "text\tlabel\n" + "".join(
    f"{OPENS.get(row, '')}row {row}{CLOSES.get(row, '')}\t{row % 2}\n" for row in range(10)
)
"""A mark opens in row 3 and closes in row 7."""


def test_quotation_marks_that_swallow_lines_are_named_with_the_lines(table):
    path = table(STRAY, "t.tsv")
    with pytest.warns(UserWarning, match=r"5 lines .* 1 rows.*--set task.quotes=false"):
        assert len(read_table(path).rows) == 6
    assert len(read_table(path, quotes=False).rows) == 10


def test_rows_of_a_line_each_give_no_warning(table, recwarn):
    read_table(table('text,label\r\n"a, b",x\r\n\r\nc,y'))
    read_table(table("text,label\na,x\nb,y"), quotes=False)
    assert not recwarn.list
