"""The page of the plugin API: complete, and the one that the code makes."""

from __future__ import annotations

import ast
import dataclasses
import importlib
import importlib.util
import sys

import pytest
from support import HERE

from tlbench.contract import hooks as hookspecs
from tlbench.planning.catalog import HOOKS
from tlbench.results.row import Row

DOCS = HERE.parent / "docs"


@pytest.fixture(scope="module")
def contract():
    """The module that makes the page."""
    spec = importlib.util.spec_from_file_location("contract", DOCS / "contract.py")
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "contract", module)
        spec.loader.exec_module(module)
        yield module


@pytest.fixture(scope="module")
def entries(contract):
    """Every entry of the page and every member of one, by name."""
    tops = [entry for chapter in contract.chapters() for entry in chapter.entries]
    return {entry.name: entry for top in tops for entry in (top, *top.members)}


def test_the_published_page_is_the_one_of_the_code(contract):
    """Made anew by: python docs/contract.py > docs/contract.md"""
    assert (DOCS / "contract.md").read_text() == contract.render()


def test_every_public_name_stands_on_the_page_with_a_text(contract, entries):
    public = {name for facade in contract.FACADES for name in contract.public_names(facade)} - {"__version__"}
    assert public <= entries.keys()
    assert not [name for name, entry in entries.items() if not entry.text.strip()]


def test_a_method_without_a_text_is_described_by_another_class(contract, entries):
    described = {name.rpartition(".")[2] for name in entries if "." in name}
    for facade in contract.FACADES:
        for name in contract.public_names(facade):
            tree = contract._tree(contract.defined_in(facade, name)).body
            (node,) = [one for one in tree if getattr(one, "name", None) == name] or [None]
            methods = [one for one in getattr(node, "body", ()) if isinstance(one, ast.FunctionDef)]
            public = {one.name for one in methods if isinstance(node, ast.ClassDef) and not one.name.startswith("_")}
            assert public - {"forward"} <= described, name  # torch describes `forward`


def test_every_hook_and_every_field_of_every_record_stands_on_the_page(contract, entries):
    hooks = {name for name in vars(hookspecs) if name.startswith("tlbench_")}
    assert hooks == {*HOOKS, "tlbench_event"}
    modules = {facade: importlib.import_module(facade) for facade in contract.FACADES}
    public = [getattr(modules[facade], name) for facade in modules for name in contract.public_names(facade)]
    records = [Row, *(part for part in public if isinstance(part, type) and dataclasses.is_dataclass(part))]
    fields = {f"{record.__name__}.{field.name}" for record in records for field in dataclasses.fields(record)}
    fields = {name for name in fields if not name.partition(".")[2].startswith("_")}
    assert hooks | fields <= entries.keys()
    assert {"TaskSpec.load", "PrepareRequest.fitted", "Side.labels", "Option.unit", "Row.score"} <= fields
