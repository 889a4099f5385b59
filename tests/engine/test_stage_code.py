"""A change of the host moves the stages that run the code: tried on a copy of the host in a process of its own."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from support import run_python

import tlbench

PRINT = """
import json
import sys

sys.path.insert(0, {folder!r})
import tlbench
from tlbench.engine.pipeline import PIPELINE
from tlbench.planning.code import code_identity
from tlbench.contract.kind_specs import CLASSIFICATION

assert tlbench.__file__.startswith({folder!r}), tlbench.__file__
codes = {{stage.name: code_identity(stage.compute)["code"] for stage in PIPELINE}}
print(json.dumps({{**codes, "kind": code_identity(CLASSIFICATION.create)["code"]}}))
"""


@pytest.fixture(scope="module")
def copied(tmp_path_factory):
    folder = tmp_path_factory.mktemp("copied")
    shutil.copytree(Path(tlbench.__file__).parent, folder / "tlbench", ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def codes(folder):
    done = run_python(PRINT.format(folder=str(folder)))
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def before(copied):
    return codes(copied)


@pytest.mark.parametrize(
    ("file", "old", "new", "moved"),
    [
        ("deploy/latency.py", "STEP = 10", "STEP = 11", {"latency"}),
        ("deploy/latency.py", '"""Latency', '# A reason.\n"""Another text.', set()),
        ("assets/download.py", "RETRIES = 2", "RETRIES = 3", set()),
        ("learning/domain_distance.py", "2 * (1 - 2 * error)", "3 * (1 - 2 * error)", {"features"}),
        ("deploy/onnx_graph.py", "OPSET = 20", "OPSET = 21", {"graph", "export"}),
        (
            "learning/loop.py",
            "LARGEST_NORM = 5.0",
            "LARGEST_NORM = 6.0",
            {"source", "teach", "adapt", "trial", "curve"},
        ),
        ("cli/output.py", "from __future__", "import this\nfrom __future__", set()),
    ],
    ids=["latency", "comment", "download", "a-distance", "graph", "trainer", "command line"],
)
def test_a_change_moves_the_stages_that_run_it_and_no_others(copied, before, file, old, new, moved):
    path = copied / "tlbench" / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    try:
        after = codes(copied)
    finally:
        path.write_text(text)
    assert {name for name in before if before[name] != after[name]} == moved
