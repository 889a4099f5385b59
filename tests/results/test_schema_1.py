"""Rows of schema 1 are read and keep their question: those in schema_1_board were published in the first edition."""

from __future__ import annotations

import dataclasses
import json
import warnings
from pathlib import Path

import pytest

from tlbench.errors import StoreError
from tlbench.planning.expand import make_plan
from tlbench.planning.selection import RunRequest
from tlbench.results.row import SCHEMA, Row
from tlbench.results.row_files import read_rows
from tlbench.results.schema_1 import FIELDS, PLUGINS, SPELLINGS, STRATEGIES, spelling, upgraded

BOARD = Path(__file__).with_name("schema_1_board")


@pytest.fixture(scope="module")
def committed():
    """Return the rows by file, each as its JSON and as it is read."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        rows = {row.file_name: row for row in read_rows(BOARD)}
    return {name: (json.loads((BOARD / "rows" / name).read_text()), row) for name, row in rows.items()}


def test_every_committed_row_is_read_under_its_name(committed):
    assert len(committed) == 32
    assert set(committed) == {path.relative_to(BOARD / "rows").as_posix() for path in BOARD.glob("rows/*/*.json")}


def test_every_value_of_a_committed_row_is_kept_or_renamed_one_to_one(committed):
    assert len(set(FIELDS.values())) == len(FIELDS)
    renamed = set()
    for record, row in committed.values():
        now = json.loads(json.dumps(row.to_json()))
        for name, value in record.items():
            field = FIELDS.get(name, name)
            if now[field] != value:
                renamed.add((field, str(value), str(now[field])))
    values = {(before, after) for field, before, after in renamed if field not in ("schema", "plugins", "selection")}
    assert {field for field, *_ in renamed} <= {"schema", "strategy", "plugins", "selection"}
    assert values <= set(STRATEGIES.items())
    rules = {(before, after) for field, before, after in renamed if field == "selection"}
    assert rules <= {("target-validation", "target-folds")}
    plugins = {
        after.replace("'baselines (", "'references (") == before
        for field, before, after in renamed
        if field == "plugins"
    }
    assert plugins <= {True}


def test_a_question_that_a_committed_row_answers_has_the_same_key_today(committed, catalog, settings):
    rows = {(row.task, row.backbone, row.strategy, row.seed): row.key for _, row in committed.values()}
    tasks = [task.name for task in catalog.tasks.values() if task.data_from == "package"]
    asked = [name for name in tasks if any(name == task for task, *_ in rows)]
    # `adversarial` has other defaults since: its committed rows answer another question.
    strategies = sorted({row.strategy for _, row in committed.values()} - {"adversarial"})
    # Defaults have changed since: the question is asked with the options of then.
    requests = [
        RunRequest(
            tasks=[task],
            strategies=strategies,
            references=("none",),
            seeds=(1000,),
            overrides={
                f"{place}.{name}": value
                for _, row in committed.values()
                if row.task == task and row.strategy in strategies
                for place, options in (("source", row.source_options), (row.strategy, row.strategy_options))
                for name, value in options.items()
            },
        )
        for task in asked
    ]
    plan = make_plan(requests, catalog, settings)
    keys = {(p.task.name, p.backbone.name, p.strategy.name, p.seed): p.key() for p in plan.pairings}
    assert len(keys) >= 20
    assert keys == {question: rows[question] for question in keys}


@pytest.fixture
def record(blobs, settings):
    """A row as tlbench wrote it in schema 1."""
    now = json.loads(json.dumps(Row(**blobs.row_fields(settings), status="skipped").to_json()))
    then = {now: then for then, now in FIELDS.items()}
    return {**{then.get(name, name): value for name, value in now.items()}, "schema": 1}


def test_the_new_words_stand_for_the_old_ones(record):
    old = {**record, "strategy": "oracle", "sees": ["source"], "reference": True}
    old["plugins"] = {"task": "toy (tlbench-toy 1.0)", "strategy": "references (tlbench 0.1.0)"}
    row = Row.from_json(old)
    assert (row.schema, row.strategy, row.access, row.baseline) == (SCHEMA, "all-labels", ("source",), True)
    assert row.plugins == {"task": "toy (tlbench-toy 1.0)", "strategy": "baselines (tlbench 0.1.0)"}
    assert "--oracle--" in row.file_name
    assert set(PLUGINS) == {"references"}


def test_a_record_of_schema_1_has_no_field_of_schema_2(record):
    with pytest.raises(StoreError, match="access"):
        upgraded({**record, "access": []})


@pytest.mark.parametrize("damage", [{"strategy": ["oracle"]}, {"plugins": None}, {"plugins": {"strategy": 5}}])
def test_damage_is_left_to_the_checks(record, damage):
    (name,) = damage
    assert upgraded({**record, **damage})[name] == damage[name]


def test_a_strategy_that_is_called_as_another_once_was_has_a_key_of_its_own(blobs):
    names = ("oracle", "all-labels", "majority", "constant", "finetune")
    keys = {dataclasses.replace(blobs, strategy=dataclasses.replace(blobs.strategy, name=name)).key() for name in names}
    assert len(keys) == len(names) == len({spelling(name) for name in names})
    assert all(SPELLINGS[SPELLINGS[name]] == name for name in SPELLINGS)
