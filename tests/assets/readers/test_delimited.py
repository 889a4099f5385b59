"""Separators, encodings and formats of tables as people save them."""

from __future__ import annotations

import gzip
import io
import zipfile

import numpy as np
import pytest

from tlbench import BadInputError
from tlbench.assets.readers.faults import CollectedFaults
from tlbench.assets.readers.tables import check_columns, read_table
from tlbench.contract.faults import RAISE


def table(tmp_path, text, name="t.csv", encoding="utf-8", faults=RAISE, **how):
    (tmp_path / name).write_text(text, encoding=encoding, newline="")
    return read_table(tmp_path / name, faults=faults, **how)


@pytest.mark.parametrize("name", ["t.csv", "t.tsv", "t.txt"])
@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_the_separator_is_the_one_that_gives_equal_rows(tmp_path, separator, name):
    rows = [["a", "b", "label"], ["1", "2", "x"], ["3", "4", "y"]]
    read = table(tmp_path, "\n".join(separator.join(row) for row in rows), name)
    assert [list(read.columns), *read.rows] == rows
    check_columns(tmp_path / name, "label")


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("text,label\na; b,x\nc; d,y\n", [["a; b", "x"], ["c; d", "y"]]),
        ("text;label\na, b;x\nc;y\n", [["a, b", "x"], ["c", "y"]]),
        ("a,x;label\n1,5;2\n3,5;4\n", [["1,5", "2"], ["3,5", "4"]]),
        ('text\tlabel\n"a, b\nc"\tx\n', [["a, b\nc", "x"]]),
        ("sep=;\r\na;b\r\n1;2\r\n", [["1", "2"]]),
        ("text\nno separator\n", [["no separator"]]),
        ("a;b\n" + "1;2\n" * 30 + "1;2;3\n", None),
    ],
)
def test_the_other_marks_are_part_of_cells(tmp_path, text, rows):
    faults = CollectedFaults()
    assert table(tmp_path, text, faults=faults).rows == (rows or [["1", "2"]] * 30)
    assert len(faults.errors) == (rows is None)


def test_a_column_that_is_missing_for_want_of_a_separator_gets_a_hint(tmp_path):
    with pytest.raises(BadInputError, match="separated by a comma, semicolon, tab"):
        table(tmp_path, "text label\na b\n").column("label")


def test_blank_rows_are_no_rows_and_lines_are_still_counted(tmp_path):
    read = table(tmp_path, "\n,,\na,b,label\n , ,\n1,2,x\n,,\n\n3,4,y,,\n,,\n")
    assert (read.columns, read.rows, read.lines) == (("a", "b", "label"), [["1", "2", "x"], ["3", "4", "y"]], [5, 8])


def test_names_of_columns_have_no_spaces_around_them(tmp_path):
    read = table(tmp_path, " a, b\t, Label \n1,2,x\n")
    assert (read.columns, read.column(" Label")) == (("a", "b", "Label"), ["x"])
    check_columns(tmp_path / "t.csv", "Label", " Label")


def test_a_column_that_is_there_twice_is_used_once_if_its_cells_are_equal(tmp_path):
    faults = CollectedFaults()
    read = table(tmp_path, "a,b, a,,\n1,2,1,,\n3,4,3,,\n", faults=faults)
    assert (read.columns, read.rows) == (("a", "b"), [["1", "2"], ["3", "4"]])
    assert '"a" is there twice' in faults.notes[0]
    with pytest.raises(BadInputError, match='several columns "a"'):
        table(tmp_path, "a,a\n1,2\n").column("a")


def test_row_names_of_r_have_no_column_name(tmp_path):
    with pytest.raises(BadInputError, match="line 2: 3 cells for 2 columns"):
        table(tmp_path, "text,label\nwell, then,x\n")
    assert table(tmp_path, '"a","label"\n"1",5,x\n"2",6,y\n').columns == ("", "a", "label")


def test_a_cell_may_be_as_long_as_a_document(tmp_path):
    text = "a long document " * 10_000
    assert table(tmp_path, f'text,label\n"{text}",x\n').column("text") == [text]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_an_encoding_is_utf8_or_that_of_the_mark(tmp_path, encoding):
    read = table(tmp_path, "text\tlabel\n\u00fc\tx\n" * 2, "t.tsv", encoding)
    assert (read.columns, read.rows[0]) == (("text", "label"), ["\u00fc", "x"])


def test_other_encodings_are_named_with_line_and_character(tmp_path):
    with pytest.raises(BadInputError, match=r't.csv" is not UTF-8: line 3 has the byte 0x96, which is "\u2013"'):
        table(tmp_path, "a,label\n1,x\n2,Web Attack \u2013 XSS\n", encoding="cp1252")
    with pytest.raises(BadInputError, match="null bytes"):
        table(tmp_path, "a,label\n1,x\n", encoding="utf-16-le")


def test_a_file_in_another_encoding_is_examined_to_the_end_if_faults_are_collected(tmp_path):
    faults = CollectedFaults()
    (tmp_path / "t.csv").write_bytes(b"text,label\n\x96 \x81,x\na\n")
    read = read_table(tmp_path / "t.csv", faults=faults)
    assert read.rows == [["\u2013 \ufffd", "x"]]
    assert ["is not UTF-8" in str(faults.errors[0]), "line 3" in str(faults.errors[1])] == [True, True]


def array():
    stream = io.BytesIO()
    np.save(stream, np.zeros(3))
    return stream.getvalue()


def archive():
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as writer:
        writer.writestr("xl/workbook.xml", "<workbook/>")
    return stream.getvalue()


@pytest.mark.parametrize(
    ("name", "contents", "sentence"),
    [
        ("t.csv", archive(), "a ZIP archive, as workbooks"),
        ("t.xlsx", archive(), "an Excel workbook .*: save it as CSV UTF-8"),
        ("t.xlsx", b"text,label\n", 'an Excel workbook by its ending ".xlsx": save it as CSV UTF-8'),
        ("t.XLS", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(99), "an Excel workbook"),
        ("t.ods", b"", "an OpenDocument workbook"),
        ("t.csv.gz", gzip.compress(b"text,label\n", mtime=0), "a gzip archive: unpack it"),
        ("t.jsonl", gzip.compress(b"{}", mtime=0), "a gzip archive: unpack it"),
        ("t.zip", b"", "an archive"),
        ("t.npz", archive(), "a NumPy file"),
        ("t.npy", array(), "a NumPy array"),
        ("t.pkl", b"\x80\x04", "a pickle, which can run code"),
        ("t.csv", b"PAR1" + bytes(20), "a Parquet table: name it FILE.parquet"),
        ("t.arrow", b"ARROW1" + bytes(20), "an Arrow or Feather file: save it as Parquet"),
        ("t.parquet", b"<!DOCTYPE html><p>not found", "a web page: download the file itself"),
        ("t.csv", b"\n <html><p>not found", "a web page"),
        ("t.csv", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "git lfs pull"),
    ],
)
def test_a_file_that_is_no_table_is_named_as_what_it_is(tmp_path, name, contents, sentence):
    (tmp_path / name).write_bytes(contents)
    for read in (read_table, check_columns):
        with pytest.raises(BadInputError, match=sentence):
            read(tmp_path / name)
