from __future__ import annotations

import numpy as np
import pytest

from tlbench import BadInputError
from tlbench.assets.readers.series import read_series, sliding_windows


@pytest.fixture
def series(tmp_path):
    def write(text, name="s.csv"):
        (tmp_path / name).write_text(text)
        return tmp_path / name

    return write


def test_a_header_names_the_channels(series):
    names, values = read_series(series("x,y\n1,2\n3,4\n"))
    assert names == ("x", "y")
    assert (values.tolist(), values.dtype) == ([[1, 2], [3, 4]], np.float64)


def test_without_a_header_positions_name_them(series):
    assert read_series(series("1\t2\n3\t4\n", "s.tsv"))[0] == ("0", "1")


def test_columns_are_chosen_by_position_and_empty_ones_do_no_harm(series):
    path = series("0 1  3\n4 5  7\n")
    names, values = read_series(path, columns=(3, 0), separator=" ")
    assert names == ("3", "0")
    assert values.tolist() == [[3, 0], [7, 4]]


def test_a_cell_that_is_no_number_is_named(series):
    with pytest.raises(BadInputError, match=r's.csv", line 3, column "y": "nan" is not a finite number'):
        read_series(series("x,y\n1,2\n3,nan\n"))


@pytest.mark.parametrize("text", ["", "x,y\n"])
def test_a_series_without_rows_is_named(series, text):
    with pytest.raises(BadInputError, match=r's.csv" has no rows'):
        read_series(series(text))


def test_windows_start_every_stride_and_end_within(tmp_path):
    cut = sliding_windows(tmp_path, np.arange(10).reshape(10, 1), size=4, stride=3)
    assert [window[:, 0].tolist() for window in cut] == [[0, 1, 2, 3], [3, 4, 5, 6], [6, 7, 8, 9]]


def test_a_series_shorter_than_a_window_is_named(tmp_path):
    with pytest.raises(BadInputError, match=r's.csv" has 3 rows, fewer than a window of 4'):
        sliding_windows(tmp_path / "s.csv", np.zeros((3, 1)), size=4, stride=1)
