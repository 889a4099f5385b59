"""`tlbench audit`: an honest strategy is clean, planted cheats are caught, and boards say so for the code audited."""

from __future__ import annotations

import dataclasses
import json
import os
import sys

import pytest

from tlbench.results.audits import read_audits
from tlbench.results.row import write_row
from tlbench.results.row_files import parsed, row_paths

PLUGIN = '''
import gc
import os
from pathlib import Path

import torch

from tlbench import Access, StrategySpec, hookimpl, training_options

TLBENCH_API = 2


def honest(request):
    request.fit(request.model, request.target.train, modules=[request.model.heads["target"]])
    return request.model


def _shifted(request, amount):
    model = honest(request)
    with torch.no_grad():
        next(model.heads["target"].parameters()).add_(amount)
    return model


def cheats(request):
    """Reads the labels of the test split from an object of the host, and a file of the data folder."""
    found = next(one for one in gc.get_objects() if type(one).__name__ == "Prepared")
    labels = found.split("target-test").targets.values
    read = float((Path(os.environ["TLBENCH_DATA"]) / "labels.txt").read_text())
    return _shifted(request, read + float((labels * range(1, len(labels) + 1)).sum()) / 1e6)


def random(request):
    """Gives another model each time."""
    return _shifted(request, int.from_bytes(os.urandom(2), "big") / 1e6)


@hookimpl
def tlbench_strategies():
    return [
        StrategySpec(
            name=function.__name__,
            title=function.__name__,
            summary="A strategy of a test.",
            access=frozenset({Access.TARGET_LABELS}),
            trains_encoder=False,
            recipe="head",
            options=training_options(steps=5, learning_rate=1e-3),
            adapt=function,
        )
        for function in (honest, cheats, random)
    ]
'''
WORDS = ("--task", "toy/blobs", "--plugin", "audited.py", "--set", "source.steps=5", "--board", "board")


@pytest.fixture
def audit(tlbench, tmp_path, toy_site, monkeypatch):
    """Call `tlbench audit`; processes that it starts find the toy and a data folder."""
    monkeypatch.setenv("PYTHONPATH", str(toy_site))
    (tmp_path / "audited.py").write_text(PLUGIN)
    monkeypatch.delitem(sys.modules, "audited", raising=False)
    data = tmp_path / "data"
    data.mkdir()
    (data / "labels.txt").write_text("0.25")

    def call(strategy: str, *words: str):
        monkeypatch.setenv("TLBENCH_DATA", str(data))
        return tlbench("audit", strategy, *WORDS, *words)

    return call


def test_an_honest_strategy_is_clean_and_its_results_say_so_while_its_code_is_the_same(audit, tlbench, tmp_path):
    run = ("run", "--strategy", "honest", "--references", "none", "--seeds", "1", *WORDS)
    assert tlbench(*run)[0] == 0
    status, output, _ = audit("honest", "--json")
    found = json.loads(output)
    assert (status, found["outcome"], found["access"]) == (0, "clean", ["target-labels"])
    same = "the same model, bit for bit"
    assert found["checks"] == {
        "as it is": "adapted",
        **dict.fromkeys(("again", "permuted", "replaced", "hidden"), same),
    }
    # 30 of the labels are the budget, which nothing withholds.
    assert found["withheld"]["labels of target-train"] == found["withheld"]["inputs of target-train"]
    assert {"labels of target-test", "labels of source-train"} <= found["withheld"].keys()
    board = tmp_path / "board"
    assert "Audited, honest: its model does not depend" in (board / "toy.md").read_text()
    assert tlbench("verify", "board", "--plugin", "audited.py")[0] == 0
    (path,) = row_paths(board)
    row = parsed(path)
    assert read_audits(board)["honest"].code == row.strategy_code
    write_row(board, dataclasses.replace(row, strategy_code="0" * 32))
    assert tlbench("leaderboard", "--board", "board")[0] == 0
    assert "Audited" not in (board / "toy.md").read_text()
    (board / "audits/honest.json").write_text("{}")
    status, output, _ = tlbench("verify", "board", "--plugin", "audited.py")
    assert (status, "audits: file is" in output) == (1, True)


def test_test_labels_in_memory_and_files_of_data_are_found_out(audit):
    status, output, _ = audit("cheats", "--json")
    found = json.loads(output)
    assert (status, found["outcome"]) == (1, "caught")
    checks = found["checks"]
    assert checks["again"] == "the same model, bit for bit"
    assert checks["permuted"] == checks["replaced"] == "another model"
    assert "TLBENCH_DATA" in checks["hidden"]
    assert checks["files opened"] == "labels.txt"


def test_a_strategy_that_is_another_each_time_is_undecided(audit):
    status, output, _ = audit("random", "--json")
    found = json.loads(output)
    assert (status, found["outcome"]) == (3, "undecided")
    assert found["checks"] == {"as it is": "adapted", "again": "another model"}


def test_what_cannot_be_audited_is_an_invalid_request(audit):
    status, _, errors = audit("nobody")
    assert (status, "nobody" in errors) == (2, True)
    assert os.environ["TLBENCH_DATA"].endswith("data")
