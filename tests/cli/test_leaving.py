"""Plugins whose functions end the program, or raise what is no `Exception`: it is said, and the status is not 0."""

from __future__ import annotations

import json
import sys

import pytest

PLUGIN = """
import dataclasses
import sys
from tlbench import Access, StrategySpec, hookimpl
from tlbench.testing.toy.plugin import tlbench_backbones as backbones, tlbench_tasks as tasks


class Panic(BaseException):
    pass


def leave(request):
    sys.exit(0)


def panic(request):
    raise Panic("out of bounds")


def interrupt(request):
    raise KeyboardInterrupt


@hookimpl
def tlbench_tasks():
    blobs = next(task for task in tasks() if task.name == "toy/blobs")
    changes = {"files": {"files": leave}, "load": {"load": panic}, "exits": {"load": leave}}
    own = [dataclasses.replace(blobs, name=f"odd/{name}", **change) for name, change in changes.items()]
    return [*own, dataclasses.replace(blobs, name="odd/finder", backbone="odd")]


@hookimpl
def tlbench_backbones():
    mlp = next(backbone for backbone in backbones() if backbone.name == "toy/mlp")
    return [dataclasses.replace(mlp, name="odd", checkpoint=panic)]


@hookimpl
def tlbench_strategies():
    return [
        StrategySpec(name=name, title=name, summary="", access=frozenset(), trains_encoder=True, adapt=adapt)
        for name, adapt in {"leave": leave, "panic": panic, "interrupt": interrupt}.items()
    ]
"""


@pytest.fixture
def odd(tlbench, tmp_path):
    """Call a command with the plugin."""
    path = tmp_path / "odd_functions.py"
    path.write_text(PLUGIN)
    yield lambda *words: tlbench(*words, "--plugin", str(path))
    sys.modules.pop("odd_functions", None)


@pytest.mark.parametrize(
    ("task", "message"),
    [
        ("odd/files", '"files" of the task "odd/files" failed in "'),
        ("odd/finder", '"checkpoint" of the backbone "odd" failed in "'),
    ],
)
def test_a_plan_says_whose_function_failed(odd, task, message):
    status, output, errors = odd("run", "--task", task, "--dry-run")
    assert (status, output, errors.count("\n")) == (1, "", 1)
    assert message in errors


def test_a_command_that_a_plugin_ends_does_not_exit_with_0(odd):
    status, output, _ = odd("inspect", "odd/exits")
    assert status == 2
    assert "The data cannot be loaded: SystemExit: 0" in output


def test_rows_say_what_was_raised_and_the_others_go_on(odd):
    words = ("--task", "odd/load", "--task", "toy/blobs", "--seeds", "1")
    strategies = [word for name in ("leave", "panic", "interrupt", "frozen") for word in ("--strategy", name)]
    status, output, _ = odd("run", *words, *strategies, "--json")
    reasons = {(row["task"], row["strategy"]): row["reason"] for row in json.loads(output)["rows"]}
    assert status == 1
    assert reasons["toy/blobs", "leave"] == "SystemExit: 0"
    assert reasons["toy/blobs", "panic"] == "Panic: out of bounds"
    assert reasons["toy/blobs", "interrupt"] == "KeyboardInterrupt: "
    assert reasons["toy/blobs", "frozen"] is None
    assert reasons["odd/load", "frozen"] == "Panic: out of bounds"
