from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from tlbench import results
from tlbench.results.row import Row
from tlbench.results.schema import row_schema


def test_the_published_schema_is_the_one_of_the_record():
    """Made anew by: python -m tlbench.results.schema > tlbench/results/row.schema.json"""
    published = json.loads(Path(results.__file__).with_name("row.schema.json").read_text())
    assert published == json.loads(json.dumps(row_schema()))


def test_every_row_of_the_committed_boards_follows_it():
    rows = sorted((Path(__file__).parents[2] / "leaderboards" / "rows").glob("*/*.json"))
    if not rows:
        pytest.skip("no boards beside the tests: they run on the built wheel alone")
    validator = jsonschema.Draft202012Validator(row_schema())
    for path in rows:
        row = Row.from_json(json.loads(path.read_text()))
        validator.validate(json.loads(json.dumps(row.to_json())))
        assert row.file_name == f"{path.parent.name}/{path.name}"


def test_a_row_that_lacks_a_key_or_has_another_is_refused(blobs, settings):
    row = json.loads(json.dumps(Row(**blobs.row_fields(settings), status="skipped").to_json()))
    jsonschema.validate(row, row_schema())
    for wrong in ({**row, "scor": 1.0}, {name: value for name, value in row.items() if name != "metric"}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(wrong, row_schema())
