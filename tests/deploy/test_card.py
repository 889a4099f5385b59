"""The card of an exported model says nothing of a source that its task does not have."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tlbench.deploy.package.card import _scores, _what
from tlbench.engine.job import job_of
from tlbench.leaderboard.model_card import model_card
from tlbench.results.row import Row


@pytest.fixture
def row(catalog, blobs, settings):
    return Row(**job_of(blobs, catalog, settings).fields, status="ok", score=0.5, score_low=0.4, score_high=0.6)


def test_a_target_alone_has_a_card_without_a_source(catalog, row):
    alone = replace(row, setting="target-only")
    for name in ("vision/image-folder", "medical/medmnist", "nlp/qa-table"):
        task = catalog.task(name)
        both, one = (_what(each, task, catalog.backbone("toy/mlp")) for each in (row, alone))
        assert ("source" in both, "- shift" in both) == (True, True)
        assert ("source" in one, "shift" in one, "- target" in one) == (False, False, True)
    assert "source" not in _scores(alone)
    assert ("source" in model_card(row), "source" in model_card(alone)) == (True, False)
