"""Nothing of the prepared data can be reached from a request but what was declared: not even through a closure."""

from __future__ import annotations

import dataclasses
import gc
import types
from pathlib import Path

import numpy as np
import pytest
from support import silent

from tlbench import Access
from tlbench.contract.backbone_specs import BackboneSpec
from tlbench.contract.specs import StrategySpec, TaskSpec
from tlbench.engine.adaptation import adapt
from tlbench.engine.prepared import Prepared
from tlbench.engine.store import Store
from tlbench.learning import data
from tlbench.planning.plan import Pairing, SourcePlan

HOST = (Prepared, Pairing, SourcePlan, Store, TaskSpec, BackboneSpec, StrategySpec)


def reachable(root):
    """Yield every object that attributes, items, closures and defaults lead to; modules are public anyway."""
    known, todo = {id(root)}, [root]
    while todo:
        value = todo.pop()
        yield value
        if isinstance(value, types.FunctionType):
            # Not its globals, which any import leads to.
            led = [*(cell.cell_contents for cell in value.__closure__ or ()), value.__defaults__, value.__kwdefaults__]
        elif isinstance(value, type | types.ModuleType | types.BuiltinFunctionType | types.CodeType):
            continue
        else:
            led = gc.get_referents(value)
        for one in led:
            if id(one) not in known:
                known.add(id(one))
                todo.append(one)


@pytest.fixture
def request_of(source_of):
    def made(pairing, *access, **fields):
        requests = []

        def keep(request):
            requests.append(request)
            return request.model

        strategy = dataclasses.replace(
            pairing.strategy, access=frozenset(access), adapt=keep, trains_encoder=True, **fields
        )
        pairing = dataclasses.replace(pairing, strategy=strategy)
        prepared, source = source_of(pairing)
        adapt(pairing, prepared, source, silent)
        return prepared, requests[0]

    return made


@pytest.mark.parametrize("task", ["toy/blobs", "toy/shapes", "toy/names"])
def test_a_request_leads_to_no_record_of_the_host(request_of, pairing_of, task):
    prepared, request = request_of(pairing_of(task), *Access)
    found = list(reachable(request))
    assert request.model in [one for one in found if type(one) is type(request.model)]
    assert [one for one in found if isinstance(one, HOST)] == []
    places = [one for one in found if isinstance(one, Path) and prepared.folder.parent in one.parents]
    assert places == []


@pytest.mark.parametrize("task", ["toy/blobs", "toy/names"])
@pytest.mark.parametrize("copied_bytes", [0, 2**26])
def test_arrays_of_a_request_are_those_that_were_declared(request_of, pairing_of, task, copied_bytes, monkeypatch):
    """Also those of selections that are too large for memory: they lie in files of their own."""
    monkeypatch.setattr(data, "COPIED_BYTES", copied_bytes)
    prepared, request = request_of(pairing_of(task), Access.TARGET_LABELS, selection="target-validation")
    arrays = [one for one in reachable(request) if isinstance(one, np.ndarray)]
    assert not any(isinstance(one, np.memmap) for one in arrays)
    budget = len(request.target.train) + len(request.target.validation)
    known = {len(prepared.split(name)) for name in ("source-train", "source-test", "target-train", "target-test")}
    labels = [one for one in arrays if one.dtype == np.int64]
    assert labels
    assert all(len(one) <= max(budget + 1, 300) for one in labels)
    assert budget not in known
    for split in ("target-test", "source-test", "target-train"):
        targets = prepared.split(split).targets
        assert not any(np.array_equal(one, targets.values) or np.array_equal(one, targets.counts) for one in labels)


def test_references_and_groups_stay_with_the_host(request_of, pairing_of):
    _, request = request_of(pairing_of("toy/blobs"), *Access)
    for part in request.target.parts.values():
        if hasattr(part, "targets"):
            assert tuple(part.targets.references) == ()


def test_what_is_fresh_still_can_be_built(request_of, pairing_of):
    _, request = request_of(pairing_of("toy/shapes"))
    assert set(request.fresh().heads) == {"source", "target"}


def test_a_walk_would_find_a_closure(pairing_of):
    """The test of the test."""
    pairing = pairing_of("toy/blobs")
    held = dataclasses.make_dataclass("Held", ["fresh"])(lambda: pairing)
    assert any(isinstance(one, Pairing) for one in reachable(held))
