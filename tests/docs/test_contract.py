"""The page of the contract: complete, and the one that the code makes."""

from __future__ import annotations

import dataclasses
import importlib.util
import sys

import pytest
from support import HERE

import tlbench
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
    tops = [entry for _, _, found in contract.chapters() for entry in found]
    return {entry.name: entry for top in tops for entry in (top, *top.members)}


def test_the_published_page_is_the_one_of_the_code(contract):
    """Made anew by: python docs/contract.py > docs/contract.md"""
    assert (DOCS / "contract.md").read_text() == contract.render()


def test_everything_in_the_contract_says_what_it_is(entries):
    assert not [name for name, entry in entries.items() if not entry.text.strip()]


def test_every_hook_and_every_field_of_every_record_stands_in_the_contract(entries):
    hooks = {name for name in vars(hookspecs) if name.startswith("tlbench_")}
    assert hooks == {*HOOKS, "tlbench_event"}
    public = [getattr(tlbench, name) for name in tlbench.__all__]
    records = [Row, *(part for part in public if isinstance(part, type) and dataclasses.is_dataclass(part))]
    fields = {f"{record.__name__}.{field.name}" for record in records for field in dataclasses.fields(record)}
    assert hooks | fields <= entries.keys()
    assert {"TaskSpec.load", "PrepareRequest.fitted", "Side.labels", "Option.unit", "Row.score"} <= fields


def test_every_chapter_shows_what_it_names(contract):
    for _, module, names in contract.CHAPTERS:
        assert set(names) <= {entry.name for entry in contract.entries(module)}
