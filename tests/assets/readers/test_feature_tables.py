"""Columns and rows of users' tables: which are features, and which numbers they hold."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tlbench import BadInputError, LoadRequest, UsageError
from tlbench.assets.readers.faults import CollectedFaults
from tlbench.assets.readers.feature_tables import TableUse, missing_option, names_option, read_features
from tlbench.assets.readers.features import FeatureEncoding, all_rows
from tlbench.assets.readers.roles import number_role, role
from tlbench.contract.faults import RAISE

ROWS = 12


@pytest.fixture
def table(tmp_path):
    def read(text, faults=RAISE, **use):
        (tmp_path / "t.csv").write_text(text)
        return read_features(tmp_path / "t.csv", TableUse(**{"texts": ("label",), **use}), faults)

    return read


def written(**columns):
    """Return a table of columns of `ROWS` cells, and a column of labels."""
    names = [*columns, "label"]
    cells = [*columns.values(), ["n", "a"] * (ROWS // 2)]
    return "\n".join(";".join(map(str, row)) for row in [names, *zip(*cells, strict=True)])


NOISE = [3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8]


@pytest.mark.parametrize("name", ["", "Unnamed: 0", "__index_level_0__", " "])
def test_an_index_without_a_name_is_no_feature(table, name):
    faults = CollectedFaults()
    read = table(written(**{name: range(ROWS), "a": NOISE}), faults)
    assert read.columns == ("a", "label")
    assert "index of a data frame" in faults.notes[0]
    assert faults.columns[name.strip() or "(no name)"] == ["left out: index"]


@pytest.mark.parametrize(
    ("cells", "what"),
    [
        (range(100, 100 + ROWS), "numbers the rows"),
        ([7, 3, 9, 1, 0, 2, 8, 5, 4, 6, 11, 10], "numbers the rows"),
        ([i**2 / 7 for i in range(ROWS)], "steadily"),
        ([-i - i % 2 / 2 for i in range(ROWS)], "steadily"),
        ([1_700_000_000 + x for x in NOISE], "seconds since 1970"),
        ([1_700_000_000_000 + x for x in NOISE], "milliseconds since 1970"),
        ([f"2024-01-0{x} 10:00" for x in NOISE], "dates"),
        ([f"{x}/2/24" for x in NOISE], "dates"),
        ([f"2024010{x}" for x in NOISE], "dates"),
        ([f"10:0{x}:01" for x in NOISE], "dates"),
        (NOISE, ""),
        ([0] * 6 + [1] * 6, ""),
        (["tcp", "udp"] * 6, ""),
        ([20] * ROWS, ""),
    ],
)
def test_columns_of_places_and_times_are_named(table, cells, what):
    faults = CollectedFaults()
    table(written(a=NOISE, b=cells), faults)
    assert [("task.leave_out=b" in note, what in note) for note in faults.notes] == [(True, True)] * bool(what)


def test_the_role_of_a_channel_is_that_of_its_numbers():
    assert number_role(np.linspace(5, 3, 40)) == "rises or falls steadily from row to row"
    assert number_role(np.sin(np.arange(40))) == number_role([]) == role([]) == role(["", "nan"]) == ""


@pytest.mark.parametrize("first", [0, 1])
def test_the_index_of_tables_that_were_joined_numbers_their_rows(first):
    assert number_role([*range(first, 30), *range(first, 25), *range(40, 60)]) == "numbers the rows in 3 runs"
    assert number_role([*range(first, 30), *np.random.default_rng(0).integers(0, 99, 30)]) == ""
    assert number_role([*range(first, 6)] * 9) == "", "numbers that come again soon are no index"


@pytest.mark.parametrize("name", ["index", "ID", "Row", "row_number", "unnamed", "id_2", "Index 1"])
def test_a_column_with_the_name_of_an_index_is_named(table, name):
    faults = CollectedFaults()
    table(written(a=NOISE, **{name: NOISE[::-1]}), faults)
    assert [(f'Column "{name}" is named as an index' in note, "task.leave_out" in note) for note in faults.notes] == [
        (True, True)
    ]


def test_other_names_are_no_indices(table):
    faults = CollectedFaults()
    table(written(a=NOISE, rowing=NOISE[::-1], idle=NOISE, width=NOISE), faults)
    assert faults.notes == []


def test_columns_that_are_left_out_are_not_looked_at(table):
    text = written(id=[f"row {i}" for i in range(ROWS)], time=["never"] * ROWS, a=NOISE)
    assert table(text, left_out=("id", " time ")).columns == ("a", "label")
    with pytest.raises(BadInputError, match='column "hour"'):
        table(text, left_out=("hour",))


def test_names_in_an_option_are_separated_by_commas():
    def names(value):
        return names_option(LoadRequest(task="a/b", options={"leave_out": value}, data_root=None), "leave_out")

    assert (names(""), names("a, b c,"), names('"a,b",c')) == ((), ("a", "b c"), ("a,b", "c"))


def test_what_to_do_without_a_number_is_one_of_three():
    request = LoadRequest(task="a/b", options={"missing": "mean"}, data_root=None)
    with pytest.raises(UsageError, match=r"task.missing=mean.* refuse, drop, fill"):
        missing_option(request)
    fill = LoadRequest(task="a/b", options={"missing": "fill"}, data_root=None)
    with pytest.raises(UsageError, match=r"task\.missing=fill"):
        missing_option(fill, ("refuse", "drop"))


HOLES = "a,b,c,label\n1,Infinity,x,n\n2,3,,a\n3,NaN,y,n\n4,1e39,z,n\n5,6,x,a\n6,#DIV/0!,x,n\n7,8,x,\n"


def test_cells_without_a_number_are_refused_all_at_once(table):
    with pytest.raises(BadInputError) as error:
        table(HOLES.replace("5,6", "many,6"))
    for place in (
        'line 2, column "b": "Infinity"',
        'line 4, column "b": "NaN"',
        "beyond float32",
        'column "a": "many"',
    ):
        assert place in str(error.value)
    faults = CollectedFaults()
    read = table(HOLES.replace("4,1e39", "few,1e39"), faults)
    listed = " ".join(map(str, faults.errors))
    assert [line for line in range(2, 9) if f"line {line}, column" in listed] == [2, 4, 5, 7]
    assert 'line 5, column "a": "few", column "b": "1e39" (beyond float32' in listed
    assert read.lines == [3, 6, 8]


def test_rows_without_a_number_can_be_dropped(table):
    faults = CollectedFaults()
    read = table(HOLES, faults, missing="drop")
    assert (read.column("a"), read.lines) == (["2", "5"], [3, 6])
    assert "5 of 7 rows are dropped" in faults.notes[0]
    with pytest.raises(BadInputError, match=r'line 9, column "a": "many" is not a finite number'):
        table(HOLES + "many,1,x,n\n", missing="drop")
    with pytest.raises(BadInputError, match="has no row"):
        table("a,label\n,n\n2,\n", missing="drop")


def test_a_missing_number_can_be_filled_but_not_that_of_a_label(table):
    records = all_rows(table(HOLES.replace(",\n", ",a\n"), missing="fill"))
    features = FeatureEncoding.learn(records, without=("label",), fill=True, log=True).features(records)
    assert np.isnan(features[:, 1]).tolist() == [True, False, True, True, False, True, False]
    assert features[1, 1] == math.log(4)
    with pytest.raises(BadInputError, match='column "b": "NaN"'):
        table(HOLES, texts=("label",), numbers=("b",), missing="fill")


def test_decimal_commas_are_points(table):
    faults = CollectedFaults()
    text = 'a;b;c;label\n"3,14";1.234,5;0,5;n\n2;7;-1,25e2;a\n;1.200;2,125;n\n'
    read = table(text, faults, missing="fill")
    assert read.rows == [["3.14", "1234.5", "0.5", "n"], ["2", "7", "-1.25e2", "a"], ["", "1200.0", "2.125", "n"]]
    assert '"a", "b", "c"' in faults.notes[0]
    assert table("a;label\n1;2,5\n", texts=(), numbers=("label",)).rows == [["1", "2.5"]]


@pytest.mark.parametrize("cell", ["1,234", "12,000", "1,234.5", "1,234,567"])
def test_commas_that_may_be_between_thousands_are_refused(table, cell):
    with pytest.raises(BadInputError, match=f'column "a": "{cell}" .*thousands'):
        table(f"a;label\n{cell};n\n7;a\n")


@pytest.mark.parametrize("cell", ["1.234", "0.123", "12.5", "-3.25e1", "1.234.567;1.5"])
def test_points_that_may_be_decimal_beside_decimal_commas_are_refused(table, cell):
    """1.234 beside 2,5 is 1234 if the point is between thousands, and 1.234 if the rows come from two programs."""
    rows = "".join(f"{part};n\n" for part in cell.split(";"))
    with pytest.raises(BadInputError, match=f'column "a": "{cell.split(";")[-1]}" has a point and "2,5" a comma'):
        table(f"a;label\n2,5;a\n{rows}")


def test_points_are_between_thousands_if_one_number_says_so(table):
    assert table("a;label\n2,5;a\n1.234;n\n1.234.567;n\n").column("a") == ["2.5", "1234.0", "1234567.0"]


def test_a_list_of_numbers_in_words_is_still_text(table):
    assert table("a;label\n3,14;n\n2,5 or so;a\n").column("a") == ["3,14", "2,5 or so"]


def test_a_decimal_comma_among_other_texts_gets_a_hint(table):
    with pytest.raises(BadInputError, match=r'line 3, column "a": "2,5" \(decimal comma\?\); line 4, .* "many"'):
        table("a;label\n3.5;n\n2,5;a\nmany;n\n")


def test_columns_are_described(table):
    faults = CollectedFaults()
    read = table("a,b,c,d,label\n1,x,,2,n\n3,y,nan,0,a\n", faults, left_out=("d",))
    encoding = FeatureEncoding.learn(all_rows(read), without=("label",))
    assert (encoding.columns, list(encoding.categories)) == (("a", "b"), ["b"])
    assert {name: readings[0] for name, readings in faults.columns.items()} == {
        "label": "label, group or time",
        "d": "left out",
        "a": "number: 1 to 3",
        "b": "category: 2 values",
        "c": "left out: empty",
    }


def test_texts_that_training_lacks_and_columns_of_many_texts_are_noted(table):
    faults = CollectedFaults()
    texts = [f"{i} %" for i in range(30)]
    rows = all_rows(table("a,label\n" + "".join(f"{text},n\n" for text in texts), faults))
    FeatureEncoding.learn(rows[:25], without=("label",)).note_unseen(rows)
    many, unseen = faults.notes
    assert ("25 different texts in 25 training rows" in many, "5 of 30 cells" in unseen, '"25 %"' in unseen) == (
        True,
    ) * 3


def test_spaces_around_a_text_do_not_count(table):
    records = all_rows(table("a, b, label\n1, tcp, n\n2,udp ,a\n4,tcp,n\n"))
    encoding = FeatureEncoding.learn(records, without=("label",))
    assert encoding.categories == {"b": ["tcp", "udp"]}
    assert encoding.features(records)[:, 1].tolist() == [1, 0, 1]


def test_a_column_of_text_with_missing_cells_is_one_of_categories(table):
    records = all_rows(table("a,label\ntcp,n\nnan,a\nudp,n\n"))
    assert FeatureEncoding.learn(records, without=("label",)).categories == {"a": ["nan", "tcp", "udp"]}
