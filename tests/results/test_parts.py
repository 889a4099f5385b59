"""What stages say of their results: fields of the row, checked as a row is that is read."""

from __future__ import annotations

import dataclasses
import math
from typing import Union, get_args, get_type_hints

import numpy as np
import pytest

from tlbench.errors import ContractError
from tlbench.results.parts import (
    AdaptPart,
    AnalysisPart,
    CurvePart,
    EstimatePart,
    ExportPart,
    FeaturesPart,
    LatencyPart,
    PreparedPart,
    RecallPart,
    RememberPart,
    RowPart,
    ScorePart,
    SourcePart,
)
from tlbench.results.row import Row

EXPORTED = {
    "score": 0.5,
    "score_low": 0.4,
    "score_high": 0.6,
    "test_size": 100,
    "scores": {"accuracy": 0.5},
    "parity": 1e-7,
    "parity_flips": 0,
    "onnx_sha256": "a",
    "onnx_bytes": 10,
    "graph": "b",
    "shapes": [[1, 6]],
    "offline_shapes": ((64, 6),),
    "parameters": 10,
    "versions": {"python": "3.11.0"},
    "commit": None,
    "dirty": None,
    "created": "2026-01-01T00:00:00+00:00",
    "peak_memory_bytes": 1,
}
SCORED = {
    "eager_score": 0.5,
    "source_metric": "accuracy",
    "source_test_size": 100,
    "score_matrix": [[0.9, None], [0.8, 0.5]],
    "probe_before": None,
}


def present(hint):
    """Return a type without None."""
    parts = tuple(part for part in get_args(hint) if part is not type(None))
    return Union[parts] if type(None) in get_args(hint) else hint  # noqa: UP007


PARTS = RowPart.__subclasses__()


def test_there_is_a_part_for_each_stage_that_says_something():
    assert set(PARTS) == {
        *(PreparedPart, SourcePart, FeaturesPart, AdaptPart, ScorePart, ExportPart),
        *(RememberPart, RecallPart, EstimatePart, AnalysisPart, CurvePart, LatencyPart),
    }


@pytest.mark.parametrize("part", PARTS)
def test_fields_of_a_part_are_fields_of_the_row_and_of_its_types(part):
    of_rows, of_part = get_type_hints(Row), get_type_hints(part)
    assert of_part
    assert {name: present(hint) for name, hint in of_part.items()} == {
        name: present(of_rows[name]) for name in of_part if name in of_rows
    }


def test_no_field_is_said_by_two_stages_unless_it_replaces_what_was_planned():
    # Of a pairing either the source is remembered, in the stage `score`, or the named task.
    for one in ((ScorePart,), (RememberPart, RecallPart)):
        others = set(PARTS) - {ScorePart, RememberPart, RecallPart}
        names = [field.name for part in (*others, *one) for field in dataclasses.fields(part)]
        assert len(names) == len(set(names))


def test_a_part_is_what_its_file_gives_back():
    part = ExportPart(**EXPORTED)
    assert (part.shapes, part.to_json()["shapes"]) == (((1, 6),), ((1, 6),))
    assert "commit" not in part.to_json()


def test_numbers_of_numpy_become_those_of_python():
    part = ExportPart(**{**EXPORTED, "score": np.float64(0.5), "scores": {"mine": np.float64(2.5)}})
    assert [type(value) for value in (part.score, *part.scores.values())] == [float, float]


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({"score": math.nan}, "score"),
        ({"score": None}, "score"),
        ({"score": "0.5"}, "score"),
        ({"score_low": 0.7}, "score_low"),
        ({"scores": {"accuracy": 1.5}}, "accuracy"),
        ({"scores": {"mine": math.inf}}, "scores"),
        ({"onnx_bytes": -1}, "onnx_bytes"),
        ({"onnx_bytes": 1.5}, "onnx_bytes"),
        ({"shapes": [["a"]]}, "shapes"),
        ({"dirty": 1}, "dirty"),
    ],
)
def test_a_value_that_no_row_may_have_is_refused_by_name(values, name):
    with pytest.raises(ContractError, match=rf"ExportPart.*{name}.*expected"):
        ExportPart(**{**EXPORTED, **values})


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({"score_matrix": [[1.9, None], [0.8, 0.5]]}, "score_matrix"),
        ({"score_matrix": [[0.9, None]]}, "score_matrix"),
        ({"probe_before": -0.5}, "probe_before"),
        ({"source_test_size": -1}, "source_test_size"),
    ],
)
def test_scores_on_the_source_are_in_the_range_of_its_metric(values, name):
    ScorePart(**SCORED)
    with pytest.raises(ContractError, match=rf"ScorePart.*{name}.*expected"):
        ScorePart(**{**SCORED, **values})


def test_a_part_may_leave_fields_to_the_plan():
    assert AdaptPart(trained_parameters=5).to_json() == {"trained_parameters": 5}
    assert SourcePart(weights_loaded=None, weights_expected=None).to_json() == {}
