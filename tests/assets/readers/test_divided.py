from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import numpy as np
import pytest

from tlbench import BadInputError
from tlbench.assets import SplitColumns, divide, file_parts, read_records, table_parts, with_fields
from tlbench.assets.readers.divided import by_file, check_no_columns
from tlbench.assets.readers.faults import CollectedFaults
from tlbench.assets.readers.labelled import Labelled


def table(folder, times, groups=None):
    """Write a table whose row numbers are its examples."""
    groups = groups or range(len(times))
    rows = [f"{i},a,{time},{group}" for i, (time, group) in enumerate(zip(times, groups, strict=True))]
    (folder / "t.csv").write_text("\n".join(["x,label,when,who", *rows]))
    return folder / "t.csv"


def parts(files, columns, faults=None):
    faults = faults or CollectedFaults()
    read = table_parts(
        files, lambda path: read_records(path, label="label", divided_by=columns, faults=faults), lambda record: ""
    )
    assert faults.errors == []
    return [[int(record.table.rows[record.row][0]) for record in half.inputs] for half in (read.train, read.test)]


@pytest.mark.parametrize(
    ("times", "test"),
    [
        ([5, 1, 4, 2, 3, 0, 9, 8, 7, 6], [6, 7]),
        (["2024-01-02", "2023-12-31", "2024-01-01", "2020-02-29", "2021-01-01"], [0]),
        (["2024-01-01T12:00:00+02:00", "2024-01-01T11:30:00Z", "2024-01-01T10:30:00Z"], [1]),
        ([0, 0, 0, 1, 1, 1], [3, 4, 5]),  # Equal times stay together.
        ([0, 1, 1, 1, 1], [1, 2, 3, 4]),  # Something is left to train on.
        ([-1e300, 3, 1.5], [1]),
    ],
)
def test_the_latest_fifth_is_the_test_split(tmp_path, times, test):
    train = sorted(set(range(len(times))) - set(test))
    faults = CollectedFaults()
    assert parts({"all": [table(tmp_path, times)]}, SplitColumns(time="when"), faults) == [train, test]
    assert f"latest {len(test)} of {len(times)} examples" in faults.notes[0]
    assert len(faults.notes) == 1


def test_times_may_have_decimal_commas_as_features_may(tmp_path):
    rows = "".join(f"{i};a;{time}\n" for i, time in enumerate(["9,5", "10,5", "2,5", "1,5", "3,5"]))
    (tmp_path / "t.csv").write_text(f"x;label;when\n{rows}")
    faults = CollectedFaults()
    assert parts({"all": [tmp_path / "t.csv"]}, SplitColumns(time="when"), faults) == [[0, 2, 3, 4], [1]]
    assert "Decimal commas" in faults.notes[0]
    (tmp_path / "t.csv").write_text(f"x;label;when\n{rows.replace('2,5', '2.5')}")
    with pytest.raises(BadInputError, match=r'"2\.5" has a point and "9,5" a comma'):
        read_records(tmp_path / "t.csv", label="label", divided_by=SplitColumns(time="when"))


def test_a_group_is_as_late_as_its_last_example(tmp_path):
    """Group b lasts from 1 to 9, group c from 4 to 5: nothing from after the last training example is trained on."""
    path = table(tmp_path, [0, 1, 9, 4, 5, 6], "abbccd")
    assert parts({"all": [path]}, SplitColumns("who", "when")) == [[0, 3, 4, 5], [1, 2]]


def test_the_cut_is_the_one_nearest_to_a_fifth(tmp_path):
    """Of 20 examples, the latest group has 1 and the one before 9."""
    times, groups = [*range(10), *range(20, 29), 40], ["a"] * 10 + ["b"] * 9 + ["c"]
    assert parts({"all": [table(tmp_path, times, groups)]}, SplitColumns("who", "when"))[1] == [19]


def test_groups_that_overlap_in_time_are_noted(tmp_path):
    faults = CollectedFaults()
    parts({"all": [table(tmp_path, [0, 1, 9, 4, 5, 6], "abbccd")]}, SplitColumns("who", "when"), faults)
    assert "1 of 2 test examples" in faults.notes[1]


def test_published_splits_that_are_not_in_order_of_time_are_noted(tmp_path):
    for name, times in (("train", [1, 5, 3]), ("test", [4, 6, 7])):
        (tmp_path / name).mkdir()
        table(tmp_path / name, times)
    faults = CollectedFaults()
    files = {name: [tmp_path / name / "t.csv"] for name in ("train", "test")}
    assert parts(files, SplitColumns(time="when"), faults) == [[0, 1, 2], [0, 1, 2]]
    assert "1 of 3 test examples" in faults.notes[0]
    assert parts(files, SplitColumns()) == [[0, 1, 2], [0, 1, 2]]


@pytest.mark.parametrize(
    ("times", "sentence"),
    [
        ([1, 1, 1], "all examples at the same time"),
        ([1, 2, "nan"], 't.csv", line 4, column "when": "nan" is not a time'),
        (["2024-01-01", "01/02/2024"], 'line 3, column "when": "01/02/2024" is not a time'),
        (["2024-01-01", 5], 'line 3, column "when": "5" is not a time'),
        (["2024-01-01T12:00", "2024-01-01T12:00Z"], "line 3"),
        ([1, ""], 'line 3: column "when" is empty: give every row a time'),
    ],
)
def test_what_is_no_time_is_refused(tmp_path, times, sentence):
    path = table(tmp_path, times)
    with pytest.raises(BadInputError, match=sentence):
        table_parts(
            {"all": [path]},
            lambda path: read_records(path, label="label", divided_by=SplitColumns(time="when")),
            lambda record: "",
        )


def test_listed_files_are_divided_by_the_columns_of_the_table(tmp_path):
    rows = [f"{take}.png,{'ab'[take % 2]},s{take // 4},{take}" for take in range(40)]
    for take in range(40):
        (tmp_path / f"{take}.png").write_bytes(b"")
    (tmp_path / "list.csv").write_text("\n".join(["file,label,speaker,when", *rows]))
    parts = file_parts(tmp_path / "list.csv", (".png",), columns=SplitColumns("speaker"))
    assert (len(parts.test), set(parts.train.groups) & set(parts.test.groups)) == (8, set())
    parts = file_parts(tmp_path / "list.csv", (".png",), columns=SplitColumns("speaker", "when"))
    assert set(parts.test.groups) == {"s8", "s9"}


def test_a_folder_has_no_columns(tmp_path):
    with pytest.raises(BadInputError, match='is a folder, which has no column "speaker": list its files in a table'):
        file_parts(tmp_path, (".png",), columns=SplitColumns("speaker"))
    with pytest.raises(BadInputError, match='is a folder, which has no column "label"'):
        file_parts(tmp_path, (".png",), columns=SplitColumns("label"))
    check_no_columns(tmp_path, SplitColumns())


def test_parts_of_a_file_belong_to_it_unless_they_have_groups():
    def files(folder, **more):
        paths = [Path(folder) / name for name in ("up/1.csv", "down/1.csv")]
        return Labelled(where=Path(folder), inputs=paths, labels=["up", "down"], **more)

    assert by_file(files("data/train")).groups == ["train/up/1.csv", "train/down/1.csv"]
    assert by_file(files("data/test", groups=["p", "q"])).groups == ["p", "q"]


def of_records(records, columns, **more):
    faults = CollectedFaults()
    labels = [""] * len(records)
    examples = Labelled(where=Path("a.json"), inputs=labels, labels=labels, faults=faults, **more)
    places = [f"record {number}" for number in range(len(records))]
    return with_fields(examples, records, places, columns), [str(error) for error in faults.errors]


def test_fields_of_records_are_texts_numbers_and_dates():
    records = [{"who": name, "when": datetime(2024, 1, 1 + day)} for day, name in enumerate(["a", 2, 2.5, True])]
    found, errors = of_records(records, SplitColumns("who", "when"))
    assert (found.groups, errors) == (["a", "2", "2.5", "True"], [])
    assert np.diff(found.times).tolist() == [86400.0] * 3
    dates, errors = of_records([{"when": date(2024, 1, 1)}, {"when": "2024-01-02"}], SplitColumns(time="when"))
    assert (np.diff(dates.times).tolist(), errors) == ([86400.0], [])


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (float("nan"), 'record 1: "who" is empty or missing: give every record a group.'),
        (None, 'record 1: "who" is empty or missing: give every record a group.'),
        ("  ", 'record 1: "who" is empty or missing: give every record a group.'),
        ([1], 'record 1: "who" is [1]; expected a text or a number as the group.'),
        ("\ud83d", 'record 1: "who" has half a character: write the whole character.'),
    ],
)
def test_a_record_without_a_group_is_refused_with_its_place(value, sentence):
    _, errors = of_records([{"who": "a"}, {"who": value}], SplitColumns("who"))
    assert errors == [sentence]


def test_groups_stay_without_a_field_and_unknown_fields_are_named():
    found, errors = of_records([{"when": 1}, {"when": 2}], SplitColumns(time="when"), groups=["a", "b"])
    assert (found.groups, found.times, errors) == (["a", "b"], [1.0, 2.0], [])
    with pytest.raises(BadInputError, match=r'Unknown field "wen" in "a.json"\. Did you mean "when"'):
        of_records([{"when": 1}], SplitColumns(time="wen"))


def test_one_group_cannot_be_divided_and_that_is_noted():
    faults = CollectedFaults()
    parts_of = divide(
        Labelled(where=Path("a.json"), inputs=[1, 2], labels=["", ""], groups=["a", "a"], faults=faults), ["x", "y"]
    )
    assert (len(parts_of.test), faults.notes) == (
        0,
        ['All examples of "a.json" are of one group: none can be held out (task.group).'],
    )
