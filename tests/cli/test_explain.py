"""`tlbench explain`."""

from __future__ import annotations

import json

import pytest

RUN = ("run", "--task", "toy/blobs", "--strategy", "finetune", "--references", "none", "--seeds", "1")
FEW = ("--set", "source.steps=8", "--set", "finetune.steps=4", "--device", "cpu")


@pytest.fixture
def finished(tlbench):
    status, _, errors = tlbench(*RUN, *FEW)
    assert status == 0, errors
    return tlbench


def test_what_the_result_lacks_is_computed_and_stands_on_it(finished, tmp_path):
    status, output, errors = finished("explain", "finetune--s0", "-o", "page.html", "--analysis", "drift")
    assert status == 0, errors
    assert "1 analyses of" in output
    text = (tmp_path / "page.html").read_text()
    assert "Drift of weights" in text
    assert "data:image/png;base64," in text
    (row,) = json.loads(finished("show", "finetune--s0", "--json")[1])
    assert row["row"]["analyses"]["drift"]["encoder"] > 0


def test_without_a_run_the_page_has_what_there_is(finished, tmp_path):
    assert finished("explain", "finetune--s0", "-o", "page.html", "--no-run")[0] == 0
    assert "No analyses" in (tmp_path / "page.html").read_text()


def test_a_result_without_a_model_is_refused(tlbench):
    assert tlbench(*RUN, *FEW, "--set", "finetune.learning_rate=1e30")[0] == 1
    status, _, errors = tlbench("explain", "finetune--s0", "-o", "page.html")
    assert status == 2
    assert "has no model to explain: its status is failed" in errors


def test_curves_are_on_the_page_and_show_says_when_the_score_of_scratch_was_reached(tlbench, tmp_path):
    alone = [*RUN[:6], "scratch", *RUN[7:]]
    status, _, errors = tlbench(*alone, *FEW, "--set", "scratch.steps=4", "--curves")
    assert status == 0, errors
    said = " ".join(tlbench("show", "finetune--s0")[1].split())
    assert "the score of scratch" in said
    assert tlbench("explain", "finetune--s0", "-o", "page.html", "--no-run")[0] == 0
    text = (tmp_path / "page.html").read_text()
    assert "data:image/svg+xml;base64," in text
    assert "the score of scratch" in text
