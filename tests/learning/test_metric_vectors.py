"""The test vectors of metrics: ours give their values, and so do the libraries that they name."""

from __future__ import annotations

import importlib.resources
import json
import math
import re

import numpy as np
import pytest
from support import HERE, weigh

import tlbench
from tlbench.learning.targets import Targets

FOLDER = importlib.resources.files("tlbench.learning.metrics")
VECTORS = json.loads((FOLDER / "vectors.json").read_text(encoding="utf-8"))["vectors"]
KINDS = {spec.name: spec for spec in vars(tlbench).values() if isinstance(spec, tlbench.KindSpec)}
PAGE = (HERE.parent / "docs" / "metrics.md").read_text(encoding="utf-8")


def our_score(vector, metric):
    predictions, targets = np.asarray(vector["predictions"]), np.asarray(vector["targets"])
    if vector["kind"] == "token-classification":
        indices = {tag: index for index, tag in enumerate(vector["labels"])}
        targets = np.array([indices[tag] for tag in targets])
        predictions = np.eye(len(indices))[[indices[tag] for tag in predictions]]
    counts = np.array(vector.get("counts", np.ones(len(targets), int)))
    weights = np.array(vector.get("weights", np.ones(len(counts))), float)
    metrics = KINDS[vector["kind"]].create().metrics(vector["labels"])
    return weigh(metrics[metric], predictions, Targets(targets, counts))(weights)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_our_metrics_give_the_values_of_the_vectors(vector):
    if KINDS[vector["kind"]].requires:
        pytest.importorskip("seqeval")
    for metric, expected in vector["expected"].items():
        assert our_score(vector, metric) == pytest.approx(expected["value"], rel=0, abs=1e-12), metric


def test_the_vectors_have_the_form_of_their_schema():
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads((FOLDER / "vectors.schema.json").read_text(encoding="utf-8"))
    jsonschema.validate(json.loads((FOLDER / "vectors.json").read_text(encoding="utf-8")), schema)


@pytest.mark.parametrize("name", KINDS)
def test_every_metric_of_a_kind_has_vectors_and_a_definition(name):
    # Single tags are scored as labels, and masked tokens as any others.
    alike = {"token-classification": "classification", "masked-language-modelling": "language-modelling"}
    vectors = [vector for vector in VECTORS if vector["kind"] in (name, alike.get(name))]
    for metric in KINDS[name].create().metrics(("O", "B-X", "I-X")):
        assert any(metric in vector["expected"] for vector in vectors), metric
        assert re.search(rf"^\| `{metric}` \|", PAGE, re.M), metric


def test_the_vectors_are_what_the_libraries_compute():
    pytest.importorskip("torchmetrics")
    pytest.importorskip("seqeval")
    from make_vectors import vector
    from vector_cases import CASES

    assert [one["name"] for one in VECTORS] == list(CASES)
    for known, (name, case) in zip(VECTORS, CASES.items(), strict=True):
        computed = json.loads(json.dumps(vector(name, case)))
        for metric, expected in known["expected"].items():
            again = computed["expected"][metric]
            assert again["value"] == pytest.approx(expected["value"], rel=0, abs=1e-12), (name, metric)
            now, then = (
                {key: math.nan if x is None else x for key, x in of["differ"].items()} for of in (again, expected)
            )
            assert now == pytest.approx(then, rel=0, abs=1e-6, nan_ok=True), (name, metric)
            assert again["agree"] == expected["agree"], (name, metric)
            assert again["source"] == expected["source"], (name, metric)
        inputs = known.keys() - {"expected"}
        assert {key: computed[key] for key in inputs} == {key: known[key] for key in inputs}, name
