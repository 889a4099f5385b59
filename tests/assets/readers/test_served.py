"""What an export reads of files as a task's reader does, and what it says of them."""

from __future__ import annotations

import numpy as np
import pytest

from tlbench.assets.readers.served import record_reader, series_reader

READING = {"columns": ["flag", "kind", "x"], "categories": {"flag": ["false", "true"], "kind": ["a", "b"]}}


@pytest.fixture
def read(tmp_path):
    reading = record_reader(**READING, log=False, fill=False)

    def rows(text, name="t.csv"):
        (tmp_path / name).write_text(text)
        return np.array(reading(tmp_path / name))

    return rows


def test_booleans_are_the_same_in_every_format(read, capsys):
    rows = read("flag,kind,x\nTrue,a,1\nFALSE,b,2\n")
    lines = '{"flag": true, "kind": "a", "x": 1}\n{"flag": false, "kind": "b", "x": 2}\n'
    assert np.array_equal(rows, read(lines, "t.jsonl"))
    assert rows[:, :2].tolist() == [[0, 1], [1, 0]]
    assert capsys.readouterr() == ("", "")


def test_categories_that_training_did_not_have_are_told_on_standard_error(read, capsys):
    assert read("flag,kind,x\ntrue,a,1\nfalse,c,2\n")[1, 2:4].tolist() == [0, 0]
    output, errors = capsys.readouterr()
    assert output == ""
    assert 'Warning: "' in errors
    assert 't.csv", column "kind": 1 of 2 cells have a text that no training row has' in errors
    assert '"c"' in errors


@pytest.mark.parametrize(
    ("missing", "said"),
    [("refuse", "window 3 (rows 5 to 8)"), ("drop", "window 3 (rows 5 to 8 of those without missing numbers)")],
)
def test_a_window_of_a_series_is_named_with_its_rows(tmp_path, missing, said):
    (tmp_path / "s.csv").write_text("a,b\n" + "\n".join(f"{row},{row}" for row in range(1, 11)))
    read = series_reader(["a", "b"], 4, 2, False, missing=missing)
    assert read(tmp_path / "s.csv")[2][0].tolist() == [5, 5]
    assert read.place(3) == said
