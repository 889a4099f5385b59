"""Forms of results for other programs: Parquet, model cards of the hub, badges."""

from __future__ import annotations

import dataclasses
import json
from xml.etree import ElementTree

import pytest

from tlbench.errors import StoreError, UsageError
from tlbench.leaderboard.aggregate import aggregate
from tlbench.leaderboard.model_card import badge, model_card
from tlbench.leaderboard.parquet import write_parquet
from tlbench.leaderboard.render import json_text
from tlbench.results.row import Row

HOSTILE = '"]]></title><script>alert(1)</script>|`\u202e'


def row(strategy: str = "finetune", seed: int = 0, **fields) -> Row:
    known = {
        "task": "toy/blobs",
        "domain": "toy",
        "backbone": "toy/mlp",
        "key": "a" * 12,
        "machine": "here",
        "setting": "inductive",
        "access": ("target-labels",),
        "label_budget": 10,
        "budget_unit": "labels",
        "selection": "last",
        "status": "ok",
        "metric": "accuracy",
        "score": 0.75,
        "score_low": 0.5,
        "score_high": 0.875,
        "scores": {"accuracy": 0.75, "nll": 1.5},
        "test_size": 100,
        "device": "cpu",
        "device_name": "a processor",
        "threads": 1,
        "data_sha256": "c" * 32,
        "strategy": strategy,
        "seed": seed,
    }
    return Row(**{**known, **fields})


def test_a_model_card_reads_back_with_every_score():
    hub = pytest.importorskip("huggingface_hub")
    text = model_card(row(task_options={"noise": 0.5, "name": HOSTILE}), f"Blobs {HOSTILE}", "classification")
    card = hub.ModelCard(text)
    results = {one.metric_type: one for one in card.data.eval_results}
    assert {name: one.metric_value for name, one in results.items()} == {"accuracy": 0.75, "nll": 1.5}
    own = results["accuracy"]
    assert (own.task_type, own.dataset_type, own.dataset_split) == ("classification", "toy/blobs", "test")
    assert own.metric_args == {"seed": 0, "interval_95": [0.5, 0.875], "examples": 100}
    assert own.dataset_args["noise"] == 0.5
    assert "\u202e" not in text
    assert "0.750 (95 %: 0.500 to 0.875), 100 test examples" in card.text


def test_a_badge_is_whole_xml_whatever_a_result_says():
    picture = ElementTree.fromstring(badge(row(metric=HOSTILE, scores={})))
    names = {element.tag.partition("}")[2] for element in picture.iter()}
    assert names == {"svg", "title", "rect", "g", "text"}
    texts = [element.text for element in picture.iter() if element.tag.endswith("}text")]
    assert texts[0] == "toy/blobs"
    assert texts[1].endswith("0.750")
    width, parts = int(picture.get("width")), picture.findall("{*}rect")
    assert width == sum(int(part.get("width")) for part in parts)


@pytest.mark.parametrize("form", [badge, model_card])
def test_a_result_without_a_score_has_neither(form):
    pytest.importorskip("huggingface_hub")
    failed = row(status="failed", score=None, score_low=None, score_high=None, scores={}, stage="adapt", reason="why")
    with pytest.raises(UsageError, match="has no score"):
        form(failed)


def test_parquet_has_the_numbers_of_the_json(tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    rows = [row("finetune"), row("frozen", score=0.5, scores={"accuracy": 0.5}), row("other", label_budget=None)]
    entries = aggregate(rows)
    write_parquet(tmp_path / "board.parquet", entries)
    table = parquet.read_table(tmp_path / "board.parquet").to_pylist()
    records = json.loads(json_text(entries))
    assert len(table) == len(records) == 3
    for line, record in zip(table, records, strict=True):
        for name, value in record.items():
            if not isinstance(value, dict | list):
                assert line[name] == value, name
        assert line["rows"] == record["rows"]
        for name in ("accuracy", "nll"):
            assert line.get(f"scores.{name}") == record["scores"].get(name)
    write_parquet(tmp_path / "one.parquet", aggregate([dataclasses.replace(rows[0], p50_ms=None)]))


def test_a_file_that_cannot_be_written_is_named(tmp_path):
    pytest.importorskip("pyarrow")
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(StoreError, match="could not be written"):
        write_parquet(tmp_path / "file/board.parquet", aggregate([row()]))


def test_a_card_says_that_code_had_uncommitted_changes():
    pytest.importorskip("huggingface_hub")
    assert "commit aaaaaaa with uncommitted changes" in model_card(row(commit="a" * 40, dirty=True))
