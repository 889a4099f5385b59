"""Estimators and analyses on the command line."""

from __future__ import annotations

import json
import re
import sys

import pytest
from support import SOURCES

PLUGIN = str(SOURCES / "diagnosing.py")
WORDS = ("run", "--plugin", PLUGIN, "--task", "toy/blobs", "--strategy", "frozen", "--seeds", "1")


@pytest.fixture(autouse=True)
def forget():
    yield
    sys.modules.pop("diagnosing", None)


def test_they_are_listed_shown_and_asked_for_by_name(tlbench):
    listed = json.loads(tlbench("list", "--plugin", PLUGIN, "--json")[1])
    assert {"separation", "class-share"} <= {one["estimator"] for one in listed["estimators"]}
    assert {"likeness", "feature-shift"} <= {one["analysis"] for one in listed["analyses"]}
    (card,) = json.loads(tlbench("show", "separation", "--plugin", PLUGIN, "--json")[1])
    assert (card["sort"], card["options"][0]["option"]) == ("estimator", "separation.power")
    assert "analysis likeness: likeness" in tlbench("show", "likeness", "--plugin", PLUGIN)[1]


def test_a_run_prints_their_numbers_and_why_one_is_missing(tlbench, tmp_path):
    asked = (
        "--estimator",
        "separation",
        "--estimator",
        "falls",
        "--analysis",
        "likeness",
        "--set",
        "likeness.picture=false",
    )
    status, output, errors = tlbench(*WORDS, *asked)
    assert status == 0, errors
    assert "estimate: toy/blobs toy/mlp: separation 0." in output
    assert "analysis: toy/blobs toy/mlp frozen: likeness (picture=False).features 1" in output
    assert "without falls: toy/blobs toy/mlp: ArithmeticError: no such number" in output
    _, shown, _ = tlbench("show", "frozen--s0")
    assert "separation 0." in shown
    row = next(row for row in json.loads(tlbench(*WORDS, *asked, "--json")[1])["rows"] if row["strategy"] == "frozen")
    assert (*row["estimates"], *row["analyses"]) == ("separation", "likeness (picture=False)")


def test_a_suite_asks_for_them(tlbench, tmp_path):
    suite = 'tasks = ["toy/blobs"]\nstrategies = ["frozen"]\nreferences = ["constant"]\nseeds = [0]\n'
    (tmp_path / "mine.toml").write_text(f'{suite}estimators = ["class-share"]\nanalyses = ["feature-shift"]\n')
    status, output, errors = tlbench("run", "--suite", "mine.toml", "--json")
    assert status == 0, errors
    answer = json.loads(output)
    assert all(row["estimates"] and row["analyses"] for row in answer["rows"])
    assert answer["without"] == []


def test_a_package_that_is_missing_is_an_error_before_the_run(tlbench, tmp_path):
    status, _, errors = tlbench(*WORDS, "--estimator", "needs-absent")
    assert status == 2
    assert '"needs-absent" requires a_module_that_is_nowhere: pip install' in errors
    assert not list(tmp_path.rglob("*.json"))


def test_backbones_are_ranked_before_training(tlbench):
    words = ("advise", "toy/blobs", "--backbones", "toy/mlp,toy/mlp-batchnorm")
    status, output, errors = tlbench(*words)
    assert status == 0, errors
    assert "toy/blobs: which backbone?" in output
    for name in ("size", "logme", "h-score", "gbc", "leep", "nce", "a-distance"):
        assert re.search(rf"By {name}: toy/mlp(-batchnorm)?, toy/mlp", output), output
    found = json.loads(tlbench(*words, "--json")[1])
    assert [one["backbone"] for one in found] == ["toy/mlp", "toy/mlp-batchnorm"]
    assert all(one["weights"] > 0 and set(one["estimates"]) >= {"logme", "leep"} for one in found)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("toy/blobs", "--backbones", "toy/mlp"), "name one TASK and two backbones or more"),
        (("--backbones", "toy/mlp,toy/mlp-batchnorm"), "name one TASK"),
        (("toy/blobs", "--backbones", "toy/mlp,text/bert-tiny"), "takes text inputs"),
        (("toy/blobs", "--backbones", "toy/mlp,toy/mpl"), 'Unknown backbone "toy/mpl"'),
    ],
)
def test_backbones_that_cannot_be_ranked_are_said(tlbench, words, said):
    status, _, errors = tlbench("advise", *words)
    assert status == 2
    assert said in errors
