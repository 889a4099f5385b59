"""A plugin in a single file, named on the command line."""

from __future__ import annotations

import json
import sys

import pytest

STRATEGY = """
from tlbench import Access, StrategySpec, hookimpl, training_options


def drop_out(request):
    import torch

    model = request.model
    batches = request.batches(request.target.train)

    def loss(progress):
        inputs, targets, _ = next(batches)
        outputs = model(*inputs)
        outputs.units = model.heads["target"](torch.nn.functional.dropout(outputs.features, 0.5))
        return request.target.kind.loss(outputs, targets)

    request.train([model.encoder, model.heads["target"]], loss)
    return model


@hookimpl
def tlbench_strategies():
    return [
        StrategySpec(
            name="dropout", title="Dropout", summary="Fine-tuning with half of the features left out.",
            access=frozenset({Access.TARGET_LABELS}), trains_encoder=True,
            options=training_options(steps=40, learning_rate=1e-3), adapt=drop_out,
        )
    ]
"""


@pytest.fixture
def plugin(tmp_path):
    """A folder for plugin files, whose modules are forgotten afterwards."""
    before = set(sys.modules)

    def write(name: str, text: str) -> str:
        path = tmp_path / name
        path.write_text(text)
        return str(path)

    yield write
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(tmp_path)):
            del sys.modules[name]


def test_a_file_is_listed_and_runs_to_a_row_that_names_it_by_its_content(tlbench, plugin):
    path = plugin("dropout_plugin.py", STRATEGY)
    _, output, _ = tlbench("list", "--plugin", path, "--json")
    assert "dropout" in [found["strategy"] for found in json.loads(output)["strategies"]]
    words = ("--task", "toy/blobs", "--strategy", "dropout", "--seeds", "1")
    status, output, errors = tlbench("run", "--plugin", path, *words, "--json")
    assert status == 0, errors
    row = next(row for row in json.loads(output)["rows"] if row["strategy"] == "dropout")
    assert row["status"] == "ok"
    assert row["plugins"]["strategy"].startswith("dropout_plugin.py (file ")
    assert "/" not in row["plugins"]["strategy"]


def test_an_edited_file_is_computed_again(tlbench, plugin):
    path = plugin("dropout_edited.py", STRATEGY)
    words = ("run", "--task", "toy/blobs", "--strategy", "dropout", "--seeds", "1", "--json", "--plugin")
    first = json.loads(tlbench(*words, path)[1])
    again = json.loads(tlbench(*words, path)[1])
    del sys.modules["dropout_edited"]
    edited = json.loads(tlbench(*words, plugin("dropout_edited.py", STRATEGY.replace("0.5", "0.3")))[1])
    assert (first["computed"] > 0, again["computed"], edited["computed"] > 0) == (True, 0, True)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("broken_plugin.py", "import nowhere_to_be_found", "No module named"),
        ("misspelt_plugin.py", STRATEGY.replace("tlbench_strategies", "tlbench_strategy"), "Did you mean"),
        ("json.py", STRATEGY, 'a module "json"'),
        ("notes.txt", STRATEGY, "expected an existing FILE.py"),
    ],
)
def test_a_file_that_is_no_plugin_is_an_error_that_says_why(tlbench, plugin, name, text, message):
    status, _, errors = tlbench("list", "--plugin", plugin(name, text))
    assert (status, message in errors) == (2, True)


def test_what_a_plugin_prints_is_no_part_of_the_json(tlbench, plugin):
    talking = STRATEGY.replace("    import torch\n", '    import torch\n\n    print("hello from the plugin")\n', 1)
    words = ("--task", "toy/blobs", "--strategy", "dropout", "--seeds", "1", "--json")
    status, output, errors = tlbench("run", "--plugin", plugin("talking_plugin.py", talking), *words)
    assert (status, json.loads(output)["missing"]) == (0, [])
    assert "hello from the plugin" in errors


def test_a_plugin_in_a_file_that_cannot_be_loaded_is_to_be_corrected(tlbench, plugin):
    status, _, errors = tlbench("plugins", "--plugin", plugin("absent_plugin.py", "import nowhere_to_be_found"))
    assert status == 2
    assert "named 'nowhere_to_be_found'. Correct the file." in errors
