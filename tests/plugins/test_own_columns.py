"""Tables and series of users: options for their columns, from the files to what a task gives and an inspection says."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tlbench import BadInputError, FitRequest, LoadRequest, UsageError
from tlbench.cli.inspection import inspect_task
from tlbench.planning.catalog import load_catalog
from tlbench.planning.plan_parts import data_options


def request(name, **options):
    task = load_catalog().task(name)
    defaults = {option.name: option.default for option in task.options}
    return task, LoadRequest(task=name, options={**defaults, **options}, data_root=None)


@pytest.fixture
def flows(tmp_path):
    """Flows as a capture exports them: an index, spaces in names, a column twice, missing and infinite rates."""

    def write(name, more=""):
        random = np.random.default_rng(len(name))
        rows = []
        for row in range(60):
            rate = {7: "Infinity", 9: "NaN"}.get(row, f"{random.random():.3f}")
            rows.append(
                f"{row},{random.integers(99)},{rate},{row % 5},{row % 5}, {'ab'[row % 2]},"
                f"{'BENIGN' if row % 3 else 'DoS'}"
            )
        head = ", Duration, Rate, Size, Size, Proto, Label\n"
        (tmp_path / name).write_text(head + "\n".join(rows) + "\n,,,,,,\n" + more)
        return str(tmp_path / name)

    return write


def test_flows_as_a_capture_exports_them_are_examined_to_the_end(flows):
    task, asked = request(
        "anomaly/table",
        source=flows("a.csv"),
        target=flows("bb.csv", "60,many,1,1,1,a,DoS\n61,5,1,1,1,c,DoS\n"),
        label=" Label",
        normal="BENIGN",
    )
    seen = inspect_task(task, asked, 10)
    errors = " ".join(seen.refused)
    for place in (
        'line 9, column "Rate": "Infinity"',
        'line 11, column "Rate": "NaN"',
        'line 63, column "Duration": "many"',
    ):
        assert place in errors
    assert errors.count("line 9, ") == 2
    assert {record["column"]: record["read as"].partition(":")[0] for record in seen.columns} == {
        "Label": "label, group or time",
        "(no name)": "left out",
        "Duration": "number",
        "Rate": "number",
        "Size": "number",
        "Proto": "category",
    }
    notes = " ".join(seen.notes)
    for sentence in ("index of a data frame", '"Size" is there twice', '"Proto": 1 of 59 cells', "is left out"):
        assert sentence in notes
    assert seen.splits


@pytest.mark.parametrize(("missing", "size", "absent"), [("drop", 58, 0), ("fill", 60, 2)])
def test_rows_without_a_number_are_dropped_or_filled(flows, missing, size, absent):
    options = {"label": "Label", "normal": "BENIGN", "leave_out": "Size, Proto", "missing": missing}
    task, asked = request("anomaly/table", target=flows("a.csv"), **options)
    data = task.load(asked)
    rows = np.stack([*data.target.train.inputs, *data.target.test.inputs])
    assert (rows.shape, np.isnan(rows).sum()) == ((size, 2), absent)
    assert data_options(task, asked.options)["missing"] == missing


def test_columns_of_options_are_checked_before_a_run(flows):
    for options, error in (({"leave_out": "Rat"}, BadInputError), ({"missing": "mean"}, UsageError)):
        task, asked = request("anomaly/table", target=flows("a.csv"), label="Label", normal="BENIGN", **options)
        with pytest.raises(error, match=r'Did you mean "Rate"|task.missing=mean'):
            task.files(asked)


@pytest.mark.parametrize("name", ["robotics/series", "anomaly/table", "tabular/regression"])
def test_options_at_their_defaults_leave_keys_as_they_were(name):
    task, asked = request(name)
    assert not {"leave_out", "missing", "columns"} & data_options(task, asked.options).keys()


def test_numbers_filled_for_training_are_filled_where_a_model_is_served():
    """The model's own preprocessing takes NaN, and keeps the digits of seconds since 1970."""
    from tlbench_anomaly.backbones.mlp import fit
    from tlbench_anomaly.preprocess import preprocessor

    rows = [np.array([1.7e9 + second, math.nan if second % 2 else 1.0]) for second in range(60)]
    fitted = fit(FitRequest(inputs=rows, options={}))
    prepared = np.stack([preprocessor(fitted, {}, "")(row)[0] for row in rows])
    assert prepared.dtype == np.float32
    assert len(np.unique(prepared[:, 0])) == 60
    assert np.isfinite(prepared).all()


@pytest.fixture
def motions(tmp_path):
    random = np.random.default_rng(0)
    for number, motion in enumerate(("push", "turn")):
        (tmp_path / "here" / motion).mkdir(parents=True)
        for run in range(5):
            rows = [f"{1000 * number + 40 * run + step},{random.normal():.3f}" for step in range(30)]
            (tmp_path / "here" / motion / f"{run}.csv").write_text("time,x\n" + "\n".join(rows))
    return str(tmp_path / "here")


def test_a_time_column_of_series_is_noted_and_may_be_left_out(motions):
    task, asked = request("robotics/series", target=motions)
    seen = inspect_task(task, asked, 10)
    assert [record["column"] for record in seen.columns] == ["time", "x"]
    assert any('"time"' in note and "every file" in note and "task.leave_out=time" in note for note in seen.notes)
    for options in ({"leave_out": "time"}, {"columns": "x"}):
        task, asked = request("robotics/series", target=motions, **options)
        assert task.load(asked).target.train.inputs[0].shape == (20, 1)
        assert not any("time" in note for note in inspect_task(task, asked, 10).notes)


def test_rows_of_texts_without_a_label_are_noted_and_can_be_dropped(tmp_path):
    rows = [f"text {row},{'x' if row % 2 else 'y'}" for row in range(20)]
    (tmp_path / "t.csv").write_text("text,label\n" + "\n".join([*rows, "no label,", ",x"]))
    task, asked = request("nlp/text-table", target=str(tmp_path / "t.csv"))
    seen = inspect_task(task, asked, 10)
    assert any("2 of 22 rows" in note and "line 22" in note and "task.missing=drop" in note for note in seen.notes)
    task, asked = request("nlp/text-table", target=str(tmp_path / "t.csv"), missing="drop")
    data = task.load(asked)
    assert len(data.target.train.inputs) + len(data.target.test.inputs) == 20


def test_quotation_marks_of_tagged_texts_may_be_characters(tmp_path):
    rows = [f"{opening}text {row},{row % 2}" for row, opening in enumerate(["", '"', "", ""] * 5)]
    (tmp_path / "t.csv").write_text("text,label\n" + "\n".join(rows))
    task, asked = request("nlp/tag-table", target=str(tmp_path / "t.csv"), quotes=False)
    data = task.load(asked)
    assert len(data.target.train.inputs) + len(data.target.test.inputs) == 20
