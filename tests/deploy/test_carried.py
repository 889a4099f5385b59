"""What an export carries of the module in which a kind's postprocessing stands."""

from __future__ import annotations

import importlib
import sys

import numpy as np
import pytest

from tlbench import ContractError
from tlbench.deploy.package.carried import imported, source_of
from tlbench.learning import Numbers

HEAD = """
import json, torch
import numpy as np
from math import prod, tau as circle
from tlbench.learning import Numbers, Outputs, fit_probe

HIGH, LOW = 2, 1
UNUSED = torch.zeros(1)
"""
BODY = """
def doubled(values: torch.Tensor) -> Outputs:
    return values * HIGH * again(0)

def again(depth):
    return 1 if depth else again(depth + 1)

@np.vectorize
def rounded(value):
    return round(value)

class Doubled(Numbers):
    outputs = json.dumps("twice")

    def predict(self, outputs: Outputs, targets=None):
        torch_like = prod([1, 1]) * circle / circle
        return doubled(outputs.units) * torch_like

    def decide(self, outputs):
        return rounded(outputs.units)
"""


@pytest.fixture
def class_of(tmp_path, monkeypatch):
    """Imports a module with this text; returns one of its classes."""
    monkeypatch.syspath_prepend(tmp_path)

    def load(text, name="Doubled", **others):
        loaded.update({**others, "carried_kind": text})
        for module, source in loaded.items():
            (tmp_path / f"{module}.py").write_text(source)
        importlib.invalidate_caches()
        __import__("carried_kind")
        return getattr(sys.modules["carried_kind"], name)

    loaded = {}
    yield load
    for module in loaded:
        sys.modules.pop(module, None)


class Outputs:
    units = np.array([1.2])


def test_a_class_comes_with_what_it_uses_and_nothing_else(class_of):
    source = source_of(class_of(HEAD + BODY))
    assert set(imported(source)) == {"__future__", "json", "math", "numpy"}
    assert "UNUSED" not in source
    names = {"__name__": "alone"}
    exec(compile(source, "alone", "exec"), names)
    made = names["Doubled"]()
    assert made.outputs == '"twice"'
    assert (made.predict(Outputs()).tolist(), made.decide(Outputs()).tolist()) == ([2.4], [1])
    assert made.describe(np.array([1.0]), None, ["size"]) == "size 1"


def test_a_module_of_numpy_alone_comes_whole(class_of):
    text = "import numpy as np\n\nUNUSED = 1\n\n\nclass Doubled:\n    pass\n"
    assert source_of(class_of(text)) == text
    assert "LANES" in source_of(Numbers)


@pytest.mark.parametrize("use", ["torch.zeros(1)", "fit_probe(1, 2, 3)", "UNUSED"])
def test_what_uses_another_library_keeps_its_imports(class_of, use):
    source = source_of(class_of(HEAD + BODY.replace("again(0)", use)))
    assert {"torch", "tlbench"} <= set(imported(source))


PARTS = {
    "carried_parts": """
import torch
from carried_more import half, LIMITS

FAR, NEAR = 9, 1

def clipped(value):
    return min(half(value), LIMITS["high"], FAR)
""",
    "carried_more": """
import torch

LIMITS: dict[str, int] = {"high": 4}
FACTOR = 0.5

def half(value):
    return value * FACTOR
""",
}
READER = """
import torch
import functools
from carried_parts import clipped

def reader(offset):
    \"\"\"Read.\"\"\"
    @functools.wraps(clipped)
    def read(value):
        return clipped(value) + offset
    return read
"""


def test_a_function_comes_with_what_it_uses_of_other_modules(class_of):
    source = source_of(class_of(f'"""Values."""\n{READER}', "reader", **PARTS))
    assert source.startswith('"""Values."""')
    assert set(imported(source)) == {"__future__", "functools"}
    names = {"__name__": "alone"}
    exec(compile(source, "alone", "exec"), names)
    assert [names["reader"](1)(value) for value in (2, 20)] == [2.0, 5]


def test_two_things_of_one_name_are_refused(class_of):
    parts = {
        **PARTS,
        "carried_more": PARTS["carried_more"].replace("LIMITS: ", "NEAR = 3\nLIMITS: ").replace("* F", "* NEAR * F"),
    }
    with pytest.raises(ContractError, match='"NEAR" of both carried_parts and carried_more'):
        source_of(class_of(READER, "reader", **parts))


def test_a_function_without_a_statement_of_its_own_comes_with_its_module(class_of):
    text = f"{READER}\nother = lambda: reader(2)\n"
    assert source_of(class_of(text, "other", **PARTS)) == text
