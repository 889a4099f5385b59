"""What was written for the first edition of the plugin API ends as a row that says what to write."""

from __future__ import annotations

import sys

import pytest
from support import SOURCES

from tlbench.contract.editions import two_parts
from tlbench.planning.catalog import load_catalog
from tlbench.planning.discovery import plugin_file
from tlbench.testing.toy import toy_candidate

STRATEGIES = {
    "reads-kind": "request.kind is of the first edition of the plugin API: write request.target.kind",
    "fits-to-the-target": "write request.target.train",
    "reads-inputs": "write request.target.train.inputs",
    "draws-from-the-target": "write request.batches(request.target.train)",
    "takes-pairs": "write inputs, targets, positions = next(batches)",
    "reads-target-inputs": "write request.target.unlabelled",
    "draws-unlabelled": "write request.batches(request.target.unlabelled)",
}
KINDS = {
    "loss-of-tensors": "read outputs.units",
    "loss-of-targets": "read targets.values",
    "metric-of-arrays": "read predictions.values",
    "predicts-arrays": "read outputs.units",
}


@pytest.fixture(scope="module")
def old():
    """The catalog with what the first edition wrote."""
    yield load_catalog(also=[toy_candidate(), plugin_file(SOURCES / "first_edition_runs.py")])
    sys.modules.pop("first_edition_runs", None)


@pytest.mark.parametrize("name", STRATEGIES)
def test_a_strategy_fails_with_what_to_write(old, run_pairings, name):
    (row,) = [one for one in run_pairings(old, tasks=["toy/blobs"], strategies=[name]).rows if one.strategy == name]
    assert (row.status, row.stage) == ("failed", "adapt")
    assert STRATEGIES[name] in row.reason


@pytest.mark.parametrize("name", KINDS)
def test_a_kind_fails_with_what_to_read(old, run_pairings, name):
    (row,) = [
        one
        for one in run_pairings(old, tasks=[f"toy/{name}"], strategies=["nearest-mean"]).rows
        if one.strategy == "nearest-mean"
    ]
    assert row.status == "failed"
    assert KINDS[name] in row.reason


def test_another_value_error_stays_as_it_is():
    assert two_parts(ValueError("too many values to unpack (expected 3)")) is None
    assert two_parts(TypeError("too many values to unpack (expected 2)")) is None
