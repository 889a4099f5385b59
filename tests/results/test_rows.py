from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from tlbench import results
from tlbench.errors import StoreError
from tlbench.results.row import SCHEMA, Row, write_row
from tlbench.results.row_files import read_rows


@pytest.fixture
def row(blobs, settings):
    """An ok row with values of every type."""
    return Row(
        **blobs.row_fields(settings),
        status="ok",
        score=0.1 + 0.2,
        scores={"accuracy": 0.3, "nll": 1e-9},
        score_matrix=((0.9, None), (0.8, 0.7)),
        shapes=((1, 6),),
        contended=False,
        onnx_bytes=2**40,
        versions={"python": "3.11.0"},
    )


def test_a_row_survives_its_file(row, tmp_path):
    path = write_row(tmp_path, row)
    assert list(read_rows(tmp_path)) == [row]
    assert path == tmp_path / "rows" / row.file_name


def test_a_row_made_of_json_is_the_row_made_of_values(row):
    """Stages leave JSON, in which a tuple is a list."""
    as_lists = json.loads(json.dumps(row.to_json()))
    assert isinstance(as_lists["access"], list)
    assert Row(**as_lists) == row
    assert hash(Row(**as_lists).access) == hash(row.access)


def test_the_file_holds_every_field_that_the_published_schema_names(row, tmp_path):
    """Also those that are unknown: null."""
    written = json.loads(write_row(tmp_path, row).read_text())
    published = json.loads(Path(results.__file__).with_name("row.schema.json").read_text())
    assert written.keys() == published["properties"].keys()
    assert (written["score"], written["score_matrix"], written["latency"]) == (
        0.1 + 0.2,
        [[0.9, None], [0.8, 0.7]],
        None,
    )


def test_the_file_is_named_by_pairing_and_machine(row):
    assert row.file_name.startswith(f"toy/blobs--toy-mlp--finetune--s0--{row.key}-")
    others = [{"machine": "other"}, {"device": "cuda"}, {"threads": 2}, {"key": "0" * 12}, {"seed": 1}]
    others += [{"precision": "bf16"}, {"accumulation_steps": 2}]
    names = {dataclasses.replace(row, **changes).file_name for changes in [{}, {"score": 0.5}, *others]}
    assert len(names) == 1 + len(others)


def test_a_later_result_of_one_pairing_replaces_the_earlier(row, tmp_path):
    write_row(tmp_path, row)
    write_row(tmp_path, dataclasses.replace(row, score=0.5, scores={}))
    assert [found.score for found in read_rows(tmp_path)] == [0.5]


def test_rows_come_in_the_order_of_their_names(row, tmp_path):
    for strategy in ("frozen", "adversarial", "finetune"):
        write_row(tmp_path, dataclasses.replace(row, strategy=strategy))
    assert [found.strategy for found in read_rows(tmp_path)] == ["adversarial", "finetune", "frozen"]
    assert list(read_rows(tmp_path / "nowhere")) == []


@pytest.mark.parametrize("schema", [None, 0, SCHEMA + 1, str(SCHEMA), True, 2.0])
def test_a_record_of_another_layout_is_refused(row, schema):
    with pytest.raises(StoreError, match=f"its schema is {schema!r}, expected 1 or {SCHEMA}"):
        Row.from_json({**row.to_json(), "schema": schema})


def test_a_record_with_a_field_too_few_or_too_many_is_refused(row):
    record = row.to_json()
    with pytest.raises(StoreError, match="unexpected keyword argument 'colour'"):
        Row.from_json({**record, "colour": "red"})
    del record["task"]
    with pytest.raises(StoreError, match="missing 1 required keyword-only argument: 'task'"):
        Row.from_json(record)


def test_a_row_holds_text_that_utf8_can_hold(row, tmp_path):
    """A reason or an option may name a file, whose name need not be UTF-8."""
    reason, options = '"caf\udce9.png" cannot be read: ü', {"label": "th\udce9", "size": 8}
    named = dataclasses.replace(row, reason=reason, task_options=options)
    assert (named.reason, named.task_options) == (
        '"caf\\udce9.png" cannot be read: ü',
        {"label": "th\\udce9", "size": 8},
    )
    write_row(tmp_path, named)
    assert list(read_rows(tmp_path)) == [named]
