"""`tlbench audit`: an honest strategy is clean, planted cheats are caught, and boards say so for the code audited."""

from __future__ import annotations

import dataclasses
import json
import os
import sys

import pytest

from tlbench.leaderboard.marks import Evidence, marks_of
from tlbench.results.audits import Audit, audit_paths, file_of, read_audit, write_audit
from tlbench.results.row import Row, write_row
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
    (certificate,) = audit_paths(board)
    assert read_audit(certificate).code == row.strategy_code
    assert read_audit(certificate).options == row.strategy_options
    write_row(board, dataclasses.replace(row, strategy_code="0" * 32))
    assert tlbench("leaderboard", "--board", "board")[0] == 0
    assert "Audited" not in (board / "toy.md").read_text()
    certificate.write_text("{}")
    status, output, _ = tlbench("verify", "board", "--plugin", "audited.py")
    assert (status, f"audits/{certificate.name}: file is" in output) == (1, True)


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


ROW = Row(
    task="toy/blobs", domain="toy", backbone="toy/mlp", strategy="mine", seed=1000, key="a" * 12, machine="here",
    setting="inductive", access=("target-labels",), label_budget=10, budget_unit="labels", selection="last",
    status="ok", metric="accuracy", score=0.8, device="cpu", device_name="x", threads=1, strategy_code="c0de",
    strategy_options={"steps": 5}, plugins={"strategy": "mine (mine 1.0)"},
)  # fmt: skip
CLEAN = Audit(
    strategy="mine", plugin="mine (mine 1.0)", code="c0de", task="toy/blobs", backbone="toy/mlp", seed=0, device="cpu",
    options={"steps": 5}, access=("target-labels",), outcome="clean", date="2026-01-01", processor_class="x86_64",
)  # fmt: skip


def marks(rows, *audits):
    return dict(marks_of(rows, Evidence(audits=audits)))


def test_a_mark_is_one_of_the_same_access_and_options():
    assert "seed 0, cpu, 2026-01-01, given target-labels, steps=5" in marks([ROW], CLEAN)["audited"]
    for other in ({"strategy_options": {"steps": 6}}, {"access": ("source", "target-labels")}, {"strategy_code": "d"}):
        assert marks([dataclasses.replace(ROW, **other)], CLEAN) == {}, other
        assert marks([ROW, dataclasses.replace(ROW, **other)], CLEAN) == {}, other


def test_a_strategy_that_was_caught_stays_caught(tmp_path):
    caught = dataclasses.replace(CLEAN, outcome="caught", task="toy/shift")
    write_audit(tmp_path, caught)
    write_audit(tmp_path, CLEAN)
    evidence = Evidence.read(tmp_path)
    assert len(evidence.audits) == 2
    for rows in ([ROW], [dataclasses.replace(ROW, strategy_code=None), ROW]):
        assert marks_of(rows, evidence)[0][0] == "caught"
        assert len(marks_of(rows, evidence)) == 1
    assert "caught" in marks([dataclasses.replace(ROW, strategy_options={"steps": 6})], caught)
    write_audit(tmp_path, dataclasses.replace(caught, outcome="clean"))
    assert [*dict(marks_of([ROW], Evidence.read(tmp_path)))] == ["audited"]


def test_one_damaged_certificate_costs_its_own_marks_alone(tmp_path):
    path = write_audit(tmp_path, CLEAN)
    path.with_name("other.json").write_bytes(path.read_bytes())
    with pytest.warns(UserWarning, match=f'content is that of "{file_of(CLEAN)}"'):
        evidence = Evidence.read(tmp_path)
    assert evidence.audits == [CLEAN]
