from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from tlbench import BadInputError
from tlbench.assets.readers.faults import CollectedFaults
from tlbench.assets.readers.features import FeatureEncoding, read_records
from tlbench.assets.readers.labelled import join_examples


@pytest.fixture
def records(tmp_path):
    def read(text, name="t.csv"):
        (tmp_path / name).write_text(text)
        return read_records(tmp_path / name, label="label")

    return read


def learn(records, **how):
    return FeatureEncoding.learn(records.inputs, without=("label",), **how)


TRAIN = "bytes,service,label\n1,http,n\n3,ssh,a\n"


def test_numbers_stay_and_texts_become_one_hot(records):
    train = records(TRAIN)
    features = learn(train).features(train.inputs)
    assert features.dtype == np.float64
    assert features.tolist() == [[1, 1, 0], [3, 0, 1]]
    assert learn(train).names == ("bytes", "service=http", "service=ssh")


def test_a_text_that_training_did_not_have_is_all_zeros(records):
    encoding = learn(records(TRAIN))
    other = records("service,bytes,label\ntftp,7,n\n", "u.csv")
    assert encoding.features(other.inputs).tolist() == [[7, 0, 0]]


def test_booleans_of_two_formats_are_the_same_categories(records):
    train, test = records("b,label\nTrue,x\nfalse,y\n"), records("b,label\ntrue,x\nFALSE,y\n", "other.csv")
    encoding = learn(train)
    assert encoding.names == ("b=false", "b=true")
    assert encoding.features(test.inputs).tolist() == encoding.features(train.inputs).tolist() == [[0, 1], [1, 0]]


def test_records_of_two_tables_keep_their_order(records):
    both = join_examples(records(TRAIN), records("service,bytes,label\nssh,5,n\n", "u.csv"))
    assert learn(both).features(both.inputs).tolist() == [[1, 1, 0], [3, 0, 1], [5, 0, 1]]


def test_numbers_can_go_through_a_logarithm(records):
    train = records("bytes,label\n0,n\n9,a\n")
    assert learn(train, log=True).features(train.inputs)[:, 0] == pytest.approx([0, math.log(10)])


@pytest.mark.parametrize("cell", ["", "nan", "NaN", "inf", "?", "1e999", "1e39", "1_000"])
def test_what_is_not_a_finite_number_is_named_by_line_and_column(records, cell):
    train = records(f"bytes,label\n1,n\n{cell},a\n")
    with pytest.raises(BadInputError, match=r't.csv", line 3, column "bytes": ".*is not a finite number'):
        learn(train).features(train.inputs)


def test_a_negative_number_has_no_logarithm(records):
    train = records("bytes,label\n1,n\n-2,a\n")
    with pytest.raises(BadInputError, match=r'line 3, column "bytes": -2.0 .*task.log=false'):
        learn(train, log=True).features(train.inputs)


def test_a_column_that_names_rows_is_refused(records):
    train = records("name,bytes,label\n" + "".join(f"row {i},1,n\n" for i in range(300)))
    with pytest.raises(BadInputError, match=r'column "name".*300'):
        learn(train)


def test_a_column_that_the_other_table_lacks_is_named(records):
    encoding = learn(records(TRAIN))
    with pytest.raises(BadInputError, match=r'column "service" in ".*u.csv"'):
        encoding.features(records("bytes,label\n1,n\n", "u.csv").inputs)


def test_a_table_of_labels_alone_is_refused(records):
    with pytest.raises(BadInputError, match=r't.csv" has only label columns'):
        learn(records("label\nn\na\n"))


def test_numbers_beyond_float64_s_whole_numbers_are_refused_where_they_would_be_equal(records):
    ids = [2**53 + 1, 2**53]
    train = records("id,label\n" + "".join(f"{number},n\n" for number in ids))
    with pytest.raises(BadInputError, match='column "id": "9007199254740993" and "9007199254740992"'):
        learn(train).features(train.inputs)


@pytest.mark.parametrize("cells", [("9007199254740992", "9007199254740992.0"), ("1e30", "1E30"), ("1e17", "2e17")])
def test_equal_and_distant_numbers_beyond_them_are_not(records, cells):
    train = records("id,label\n" + "".join(f"{number},n\n" for number in cells))
    assert learn(train).features(train.inputs)[:, 0].tolist() == [float(cell) for cell in cells]


@pytest.mark.parametrize(
    ("cells", "reading"),
    [
        ((1700000000, 1700086400), "1700000000 to 1700086400"),
        ((0.5, 2), "0.5 to 2"),
        ((1700000000, 1700000000.25), "1700000000 to 1700000000.25"),
        ((0.12345678, 0.12345679), "0.12345678 to 0.12345679"),
        ((1e30, 2e30), "1e+30 to 2e+30"),
        ((3, 3), "3 to 3"),
    ],
)
def test_the_range_of_numbers_is_shown_with_the_digits_that_tell_its_ends_apart(records, cells, reading):
    faults = CollectedFaults()
    with_faults = records("a,label\n" + "".join(f"{cell!r},x\n" for cell in cells)).inputs
    table = replace(with_faults[0].table, faults=faults)
    FeatureEncoding.learn([record._replace(table=table) for record in with_faults], without=("label",))
    assert faults.columns["a"] == [f"number: {reading}"]
