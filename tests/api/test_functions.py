"""Functions as strategies: what they are called, and that a result belongs to the code that made it."""

from __future__ import annotations

import importlib
import os
import sys
from functools import partial

import pytest
from support import only, run_python

import tlbench
from tlbench.api.functions import spec_of
from tlbench.planning.by_value import by_value
from tlbench.planning.code import code_identity

RATE = 0.5


def unchanged(request):
    """Keeps the source model.

    Nothing is trained.
    """
    return request.model


def scale(x):
    return x * RATE


def scaled(request):
    scale(1)
    return request.model


def made(value):
    def inner(request):
        value  # noqa: B018
        return request.model

    return inner


class Part:
    """Something with a method and a state."""

    step = 1

    def __init__(self, size):
        self.size = size

    def run(self, x):
        return x + self.size


def test_a_function_becomes_a_strategy_with_the_target_labels():
    spec = spec_of(unchanged)
    assert (spec.name, spec.summary) == ("unchanged", "Keeps the source model.")
    assert spec.access == {tlbench.Access.TARGET_LABELS}
    assert spec.trains_encoder
    assert {option.name for option in spec.options} >= {"steps", "learning_rate"}


@pytest.mark.parametrize("given", [lambda request: request.model, partial(unchanged), Part(1), Part, 3])
def test_what_has_no_name_is_refused_with_the_way_to_name_it(run, given):
    with pytest.raises(tlbench.UsageError, match="StrategySpec"):
        run(strategies=[given])


@pytest.mark.parametrize("also", ["unchanged", unchanged])
def test_a_name_is_given_once(run, also):
    with pytest.raises(tlbench.UsageError, match="unchanged"):
        run(strategies=[unchanged, also])


def test_an_installed_strategy_is_not_replaced(run):
    def finetune(request):
        return request.model

    with pytest.raises(tlbench.UsageError, match='"finetune"'):
        run(strategies=[finetune])


def test_a_row_names_the_code_and_the_second_run_finds_it(run):
    first = run(strategies=[unchanged])
    row = only(first, strategy="unchanged")
    assert (row.status, row.access) == ("ok", ("target-labels",))
    assert row.plugins["strategy"].startswith("unchanged (function ")
    again = run(strategies=[unchanged])
    assert again.computed == 0
    assert only(again, strategy="unchanged").file_name == row.file_name
    assert row in list(tlbench.load("board"))


def test_options_of_a_function_are_set_by_its_name(run):
    options = {"source.steps": 8, "unchanged.steps": 5}
    assert only(run(strategies=[unchanged], options=options), strategy="unchanged").strategy_options["steps"] == 5


def test_a_spec_declares_its_access(run):
    spec = tlbench.StrategySpec(
        name="mine", title="Mine", summary="Mine.", access=frozenset(), trains_encoder=False, adapt=lambda r: r.model
    )
    row = only(run(strategies=[spec, "constant"]), strategy="mine")
    assert (row.status, row.access) == ("ok", ())
    assert only(tlbench.load("board"), strategy="mine") == row


def test_two_functions_of_a_name_share_neither_cache_nor_row(run):
    rows = []
    for value in (1, 2):
        results = run(strategies=[made(value)])
        assert results.computed == (3 if rows else results.computed) > 0
        rows.append(only(results, strategy="inner"))
    assert rows[0].key != rows[1].key
    assert len([row for row in tlbench.load("board") if row.strategy == "inner"]) == 2


def identity(function):
    return by_value(function).identity


def test_the_same_function_has_the_same_identity():
    assert identity(scaled) == identity(scaled)
    assert identity(made([1, {"a": Part(2)}])) == identity(made([1, {"a": Part(2)}]))
    assert by_value(scaled).unknown == by_value(made(Part(2))).unknown == ()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, 2),
        ([1], (1,)),
        ({"a": 1}, {"a": 2}),
        (Part(1), Part(2)),
        (Part(1).run, Part(2).run),
        ([1].append, [2].append),
        (partial(scale, 1), partial(scale, 2)),
        (lambda x: x + 1, lambda x: x + 2),
        (b"a", b"b"),
        (1j, 2j),
        (range(3), range(4)),
        (tlbench.Option(name="a", default=1, summary=""), tlbench.Option(name="a", default=2, summary="")),
    ],
)
def test_what_a_closure_holds_counts(one, other):
    assert identity(made(one)) != identity(made(other))
    assert by_value(made(one)).unknown == ()


def test_arrays_and_tensors_count_by_their_numbers():
    import numpy as np
    import torch

    for make in (np.asarray, torch.tensor, lambda x: torch.nn.Parameter(torch.tensor(x))):
        assert identity(made(make([1.0, 2.0]))) == identity(made(make([1.0, 2.0])))
        assert identity(made(make([1.0, 2.0]))) != identity(made(make([1.0, 3.0])))


def test_globals_and_defaults_count(monkeypatch):
    before = identity(scaled)
    monkeypatch.setattr(sys.modules[__name__], "RATE", 0.25)
    assert identity(scaled) != before
    monkeypatch.undo()
    monkeypatch.setattr(scale, "__defaults__", (3,))
    assert identity(scaled) != before
    monkeypatch.undo()
    assert identity(scaled) == before


def test_a_value_set_on_a_module_or_on_a_function_counts(tmp_path, monkeypatch):
    (tmp_path / "session_settings.py").write_text("ALPHA = 0.1\n")
    monkeypatch.syspath_prepend(tmp_path)
    settings = importlib.import_module("session_settings")

    source = "def reads(request):\n    return session_settings.ALPHA\n"
    (tmp_path / "session_reader.py").write_text(f"import session_settings\n\n\n{source}")
    reads = importlib.import_module("session_reader").reads
    before = by_value(reads).identity
    settings.ALPHA = 0.9
    assert by_value(reads).identity != before
    plain = by_value(reads).identity
    reads.alpha = 3
    assert by_value(reads).identity != plain


def test_a_class_counts_by_its_members(monkeypatch):
    before = identity(made(Part))
    monkeypatch.setattr(Part, "step", 2)
    assert identity(made(Part)) != before


def test_what_cannot_be_had_is_said_and_no_two_identities_are_equal():
    import threading

    written: dict = {}
    exec("def made_by_exec(request):\n    return request.model\n", written)
    for function in (made(threading.Lock()), made(iter(open(os.devnull))), written["made_by_exec"]):  # noqa: SIM115
        assert by_value(function).unknown
        assert identity(function) != identity(function)
        assert code_identity(by_value(function)) != code_identity(by_value(function))


def test_such_a_result_is_computed_again_and_not_on_the_board(run):
    written: dict = {}
    exec("def unnamed(request):\n    return request.model\n", written)
    keys = set()
    for _ in range(2):
        with pytest.warns(UserWarning, match="unnamed.*not written"):
            results = run(strategies=[written["unnamed"]])
        row = only(results, strategy="unnamed")
        assert row.status == "ok"
        assert "not published" in row.plugins["strategy"]
        assert results.computed >= 1
        assert results.missing == ()
        assert "not written to the board" in repr(results)
        keys.add(row.key)
    assert len(keys) == 2
    assert "unnamed" not in {row.strategy for row in tlbench.load("board")}


def test_a_file_that_changed_since_it_was_imported_is_not_believed(tmp_path, monkeypatch):
    """What runs is the old function, and the file holds another: a later session must not find this result."""
    monkeypatch.syspath_prepend(tmp_path)
    path = tmp_path / "edited_later.py"
    path.write_text("def adapt(request):\n    return request.model\n")
    module = importlib.import_module("edited_later")
    before = by_value(module.adapt)
    assert before.unknown == ()
    path.write_text("def adapt(request):\n    return request.fresh()\n")
    status = path.stat()
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 10**9))
    assert "changed" in by_value(module.adapt).unknown[0]
    del sys.modules["edited_later"]
    assert by_value(importlib.import_module("edited_later").adapt).identity != before.identity


SCRIPT = """
import tlbench

def helper(x):
    return x + {number}

def adapt_here(request):
    "In a script."
    helper(1)
    return request.model

if __name__ == "__main__":
    few = {{"source.steps": 8, "strategy.steps": 2}}
    results = tlbench.run("toy/blobs", strategies=[adapt_here], seeds=1, options=few, device="cpu", board="board")
    print(results.computed, *(row.key for row in results if row.strategy == "adapt_here"))
"""


def test_a_script_s_function_counts_with_what_it_calls(tmp_path, toy_site, session_cache):
    def start(number, after=""):
        path = tmp_path / "script.py"
        path.write_text(SCRIPT.format(number=number) + after)
        code = f"import os, runpy; os.chdir({str(tmp_path)!r}); runpy.run_path({str(path)!r}, run_name='__main__')"
        done = run_python(code, site=toy_site, TLBENCH_CACHE=str(session_cache))
        assert done.returncode == 0, done.stderr
        assert done.stderr == ""
        return done.stdout.split()

    _, key = start(1)
    assert start(1, "# a comment\n") == ["0", key]
    computed, other = start(2)
    assert (computed, other != key) == ("3", True)
