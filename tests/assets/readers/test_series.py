from __future__ import annotations

import numpy as np
import pytest

from tlbench import BadInputError
from tlbench.assets.readers.series import read_series, rising_channels, sliding_windows


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


def test_channels_are_chosen_by_name_or_left_out(series):
    path = series("time;ax; ay\n1;2,5;3\n2;3;4\n")
    assert read_series(path, columns=("ay", "ax"))[0] == ("ay", "ax")
    names, values = read_series(path, left_out=("time",))
    assert (names, values.tolist()) == (("ax", "ay"), [[2.5, 3], [3, 4]])
    for how in ({"columns": ("x",)}, {"left_out": ("x",)}):
        with pytest.raises(BadInputError, match='column "x"'):
            read_series(path, **how)
    with pytest.raises(BadInputError, match="no columns except those"):
        read_series(path, left_out=("time", "ax", "ay"))


def test_a_first_row_of_missing_numbers_or_decimal_commas_is_no_header(series):
    names, values = read_series(series("nan;2,5\n1;3\n"), missing="drop")
    assert (names, values.tolist()) == (("0", "1"), [[1, 3]])


def test_cells_without_a_number_can_be_nan(series):
    _, values = read_series(series("x,y\n1,2\n,inf\n"), missing="fill")
    assert np.isnan(values).tolist() == [[False, False], [True, True]]


def test_an_index_without_a_name_is_no_channel(series):
    with pytest.warns(UserWarning, match="index of a data frame"):
        assert read_series(series(",x\n0,5\n1,6\n"))[0] == ("x",)


def test_channels_that_tell_the_time_are_known():
    steps = np.stack([np.arange(40) / 10, np.sin(np.arange(40)), np.full(40, 1.7e9)], 1)
    assert set(rising_channels(("t", "x", "clock"), steps)) == {"t", "clock"}
