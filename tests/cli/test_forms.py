"""Forms of a result and of a board that other programs read, from the command line."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

RUN = ("run", "--task", "toy/blobs", "--strategy", "finetune", "--seeds", "1", "--references", "none")


def test_a_result_is_shown_as_a_model_card_and_as_a_badge_and_a_board_as_parquet(tlbench, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    hub = pytest.importorskip("huggingface_hub")
    assert tlbench(*RUN, "--board", "board")[0] == 0
    before = {path: path.read_bytes() for path in (tmp_path / "board").glob("*.*")}
    status, output, _ = tlbench("show", "finetune--s0", "--board", "board", "--format", "model-card")
    (first, *_) = hub.ModelCard(output).data.eval_results
    assert (status, first.task_type, first.dataset_type) == (0, "classification", "toy/blobs")
    status, output, _ = tlbench("show", "finetune--s0", "--board", "board", "--format", "badge")
    assert (status, ElementTree.fromstring(output).tag.endswith("svg")) == (0, True)
    assert tlbench("leaderboard", "--board", "board", "--parquet", "board.parquet")[0] == 0
    (line,) = parquet.read_table(tmp_path / "board.parquet").to_pylist()
    assert (line["strategy"], line["score"]) == ("finetune", pytest.approx(first.metric_value))
    assert before == {path: path.read_bytes() for path in (tmp_path / "board").glob("*.*")}
    assert tlbench("show", "toy/blobs", "--board", "nowhere", "--format", "badge")[0] == 2
