"""The page of one result: whole in one file, and harmless."""

from __future__ import annotations

import base64
import re

import pytest

from tlbench.leaderboard.row_page import Described, row_page
from tlbench.results.files import write_bytes

PNG = b"\x89PNG\r\n\x1a\n not really"
HOSTILE = '<script>alert("x")</script>\u202e'


@pytest.fixture
def page(row, tmp_path):
    def made(analyses, described=None, pictures=(), **changes):
        one = row("finetune", 3, 0.8, analyses=analyses, **changes)
        for ending in pictures:
            stem = one.file_name.removesuffix(".json")
            path = tmp_path / "analyses" / f"{stem}-{ending}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            write_bytes(path, PNG)
        sections = {"run": {"strategy": one.strategy, HOSTILE: HOSTILE}}
        return row_page(one, tmp_path, sections, described or {}, [HOSTILE], f"tlbench run {HOSTILE}")

    return made


def test_a_page_has_score_numbers_and_pictures_in_itself(page):
    described = {"cka": Described(title="Similarity", summary="How alike.")}
    text = page({"cka": {"block 1": 0.123456}}, described, ["cka"])
    assert "accuracy 0.800 (95 % interval 0.780 to 0.820) on 100 target test examples" in text
    assert "<h2>Similarity</h2>" in text
    assert "0.1235" in text
    assert base64.b64encode(PNG).decode() in text
    assert not re.search(r'(src|href)="(?!data:)', text)
    assert "default-src 'none'" in text


def test_a_section_says_how_to_read_it(page):
    described = {"cka": Described(title="Similarity", summary="How alike.", reading=f"1 is unchanged. {HOSTILE}")}
    text = page({"cka": {"block 1": 0.5}}, described)
    assert "<p>1 is unchanged. &lt;script&gt;" in text


def test_the_heading_has_the_label_budget_of_a_strategy_with_target_labels(page):
    heading = "<h1>toy/blobs, toy/mlp, finetune, seed 3"
    assert f"{heading}, label budget 50 labels</h1>" in page({}, access=("target-labels",), label_budget=50)
    assert f"{heading}, label budget 5/class labels</h1>" in page({}, access=("target-labels",), budget_rule="5/class")
    assert f"{heading}</h1>" in page({}, access=("target-inputs",))


def test_the_picture_of_other_options_is_found_by_its_name(page):
    assert base64.b64encode(PNG).decode() in page({"cka (examples=9)": {"x": 1.0}}, pictures=["cka-0a1b2c"])
    assert base64.b64encode(PNG).decode() not in page({"cka": {"x": 1.0}}, pictures=["cka-0a1b2d"])


def test_text_of_rows_and_plugins_is_escaped(page):
    described = {"odd": Described(title=HOSTILE, summary=HOSTILE)}
    text = page({"odd": {HOSTILE: 1.0}, "gone": {"x": 2.0}}, described)
    assert "<script>" not in text
    assert "\u202e" not in text
    assert "&lt;script&gt;" in text
    assert "The plugin of this analysis is not installed." in text


def test_what_is_said_of_training_is_on_the_page(page):
    assert "Overfitted: 0.990 on the labels" in page({}, eager_score=0.8, train_gap=0.19)
    assert "No analyses: tlbench run --analysis NAME computes them." in page({})
