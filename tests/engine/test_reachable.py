"""Nothing of the prepared data can be reached from a request but what was declared: not even through a closure."""

from __future__ import annotations

import dataclasses
import functools
import gc
import types
import weakref
from pathlib import Path

import numpy as np
import pytest
import torch
from support import silent

from tlbench import Access
from tlbench.contract.backbone_specs import BackboneSpec
from tlbench.contract.diagnostics import AnalysisSpec, EstimatorSpec
from tlbench.contract.specs import BY_SOURCE_LABELS, BY_TARGET_INPUTS, StrategySpec, TaskSpec
from tlbench.engine import adaptation, rules
from tlbench.engine.adaptation import adapt
from tlbench.engine.analysis import analysis_request
from tlbench.engine.estimation import estimate_request
from tlbench.engine.given import declared_parts
from tlbench.engine.prepared import Prepared
from tlbench.engine.store import Store
from tlbench.learning import data, encode
from tlbench.learning.choosing import Chooser
from tlbench.planning.plan import Pairing, SourcePlan
from tlbench.planning.plan_parts import Asked

HOST = (Prepared, Pairing, SourcePlan, Store, TaskSpec, BackboneSpec, StrategySpec)
RULES = (*BY_SOURCE_LABELS, *BY_TARGET_INPUTS, "target-validation", "class-shares")
TEST_SPLITS = ("source-test", "target-test")


def led_to(value):
    """Return what attributes, items, closures, arguments of partials and variables of generators lead to.

    Not what any import leads to: modules, globals of functions, and classes of modules.
    """
    if isinstance(value, types.FunctionType):
        return [*map(cell_of, value.__closure__ or ()), value.__defaults__, value.__kwdefaults__, vars(value)]
    if isinstance(value, type):
        return [vars(value)] if "<locals>" in value.__qualname__ else []
    if isinstance(value, types.BuiltinFunctionType):
        return [value.__self__]
    if isinstance(value, types.ModuleType | types.CodeType):
        return []
    if isinstance(value, np.ndarray):
        return [value.base, *(value.flat if value.dtype == object else ())]
    if isinstance(value, torch.Tensor):
        whole = torch.empty(0, dtype=value.dtype).set_(value.untyped_storage())
        return [value.grad, value.grad_fn, *gc.get_referents(value), *([] if whole.shape == value.shape else [whole])]
    if isinstance(value, weakref.ref):
        return [value()]
    return gc.get_referents(value)


def cell_of(cell):
    """Return what a closure holds; None if its variable is not set."""
    try:
        return cell.cell_contents
    except ValueError:
        return None


def reachable(root):
    """Yield every object that something leads to."""
    known, todo = {id(root): root}, [root]
    while todo:
        value = todo.pop()
        yield value
        for one in led_to(value):
            if id(one) not in known:
                known[id(one)] = one
                todo.append(one)


def arrays_of(found):
    """Return the arrays among objects, and tensors as arrays."""
    arrays = [one.detach().numpy() if isinstance(one, torch.Tensor) else one for one in found
              if isinstance(one, np.ndarray | torch.Tensor)]  # fmt: skip
    return [one for one in arrays if one.ndim and one.dtype != object]


def rows_among(found, examples):
    """Return which examples are there: a row of the inputs, in an array of whatever shape."""
    size = examples.inputs.columns[0].shape[1]
    wide = [one for one in arrays_of(found) if one.shape[-1] == size and one.dtype == np.float32]
    there = {row.tobytes() for one in wide for row in one.reshape(-1, size)}
    return [number for number, row in enumerate(examples.inputs.columns[0]) if row.tobytes() in there]


def has_labels(found, examples):
    """Return whether the labels of examples are there, in their order or another: as many of each class."""
    counts = np.bincount(examples.targets.values)
    whole = [one for one in arrays_of(found) if one.dtype == np.int64 and one.shape == (len(examples),)]
    return any(np.array_equal(np.bincount(np.clip(one, 0, None)), counts) for one in whole)


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


@pytest.fixture
def watched(source_of, pairing_of, monkeypatch):
    """Adapt toy/blobs by a rule; return what the request leads to before, in and after a training, and the rest."""

    def run(rule, *access):
        found, choosers = {}, []

        def note(when, request, *others):
            found[when] = list(reachable([request, *others]))

        def look(request):
            note("before", request)
            head = "target" if Access.TARGET_LABELS in access else "source"
            batches = request.batches(request.target.train if head == "target" else request.source.train)
            kind, steps = getattr(request, head if head == "target" else "source").kind, []

            def loss(progress):
                inputs, targets, _ = next(batches)
                steps.append(progress)
                if len(steps) == request.options["steps"]:
                    note("in training", request, batches)
                return kind.loss(request.model(*inputs, head=head), targets)

            request.train([request.model.encoder, request.model.heads[head]], loss)
            note("after", request, batches)
            return request.model

        def keep(*arguments):
            choosers.append(rules.chooser(*arguments))
            return choosers[-1]

        monkeypatch.setattr(adaptation, "chooser", keep)
        pairing = pairing_of(
            "toy/blobs", overrides={"finetune.steps": 20, "source.steps": 20, "task.label_budget": "60"}
        )
        strategy = dataclasses.replace(
            pairing.strategy, access=frozenset(access), adapt=look, trains_encoder=True,
            selection="class-shares" if rule == "class-shares" else "last", selections=(rule,),
        )  # fmt: skip
        pairing = dataclasses.replace(pairing, strategy=strategy, select="" if rule == "class-shares" else rule)
        prepared, source = source_of(pairing)
        adapt(pairing, prepared, source, silent)
        return pairing, prepared, choosers[0], found

    return run


@pytest.mark.parametrize("rule", ["", *RULES])
def test_what_the_host_chooses_by_cannot_be_reached(watched, rule):
    """Neither test splits, nor examples that are set aside, nor what compares models, nor the scores of any."""
    labels = Access.TARGET_LABELS if rule == "target-validation" else Access.SOURCE
    pairing, prepared, chooser, found = watched(rule, labels, Access.TARGET_INPUTS)
    assert set(found) == {"before", "in training", "after"}
    assert pairing.selection == (rule or "last")
    assert (chooser is None) == (not rule)
    held = {name: part for name, part in declared_parts(pairing, prepared).items() if name.endswith(".validation")}
    assert len(held) == (rule in (*BY_SOURCE_LABELS, "target-validation"))
    for objects in found.values():
        assert [one for one in objects if isinstance(one, (*HOST, Chooser))] == []
        assert [one for one in objects if isinstance(one, Path) and prepared.folder.parent in one.parents] == []
        for split in TEST_SPLITS:
            assert rows_among(objects, prepared.split(split)) == []
            assert not has_labels(objects, prepared.split(split))
        for name, part in held.items():
            # Inputs of the target may be read without labels.
            assert name == "target.validation" or rows_among(objects, part) == []
            assert not has_labels(objects, part)
        if chooser is not None:
            scores = {id(one) for one in (chooser.scores, *chooser.scores)}
            assert not scores & {id(one) for one in objects}
            assert not set(chooser.scores) - {0.0, 1.0} & {one for one in objects if isinstance(one, float)}


def test_what_a_strategy_extends_leads_to_the_model_alone(source_of, pairing_of):
    found = []

    def extend(model, options):
        found.extend(reachable([model, options]))
        return model

    pairing = pairing_of("toy/blobs")
    strategy = dataclasses.replace(pairing.strategy, extend=extend, adapt=lambda request: request.model)
    pairing = dataclasses.replace(pairing, strategy=strategy)
    prepared, source = source_of(pairing)
    adapt(pairing, prepared, source, silent)
    assert any(one is source.encoder or type(one) is type(source.encoder) for one in found)
    assert [one for one in found if isinstance(one, HOST)] == []
    for split in ("source-train", "target-train", *TEST_SPLITS):
        assert rows_among(found, prepared.split(split)) == []
        assert not has_labels(found, prepared.split(split))


def test_an_estimator_is_led_to_the_label_budget_alone(source_of, pairing_of):
    pairing = pairing_of("toy/blobs")
    prepared, source = source_of(pairing)
    asked = Asked(spec=EstimatorSpec(name="own", title="", summary="", estimate=len), options={})
    request = estimate_request(pairing, prepared, source, asked)
    found = list(reachable(request))
    assert [one for one in found if isinstance(one, (*HOST, torch.nn.Module))] == []
    arrays = [one for one in found if isinstance(one, np.ndarray)]
    assert {len(one) for one in arrays} == {len(request.targets)}
    for split in TEST_SPLITS:
        assert not has_labels(found, prepared.split(split))


def test_an_estimator_that_asks_for_it_is_led_to_source_training_features_alone(source_of, pairing_of):
    pairing = pairing_of("toy/blobs")
    prepared, source = source_of(pairing)
    spec = EstimatorSpec(name="own", title="", summary="", estimate=len, needs=("source-features",))
    request = estimate_request(pairing, prepared, source, Asked(spec=spec, options={}))
    found = list(reachable(request))
    assert [one for one in found if isinstance(one, (*HOST, torch.nn.Module))] == []
    assert np.array_equal(request.source_features, encode(source, prepared.split("source-train").inputs))
    others = [one for one in found if isinstance(one, np.ndarray) and one is not request.source_features]
    assert {len(one) for one in others} == {len(request.targets)}
    held = {row.tobytes() for row in (*request.source_features, *request.features)}
    for split in TEST_SPLITS:
        assert not held & {row.tobytes() for row in encode(source, prepared.split(split).inputs)}
        assert not has_labels(found, prepared.split(split))
    assert not has_labels(found, prepared.split("source-train"))


def test_an_analysis_is_led_to_no_training_data(source_of, pairing_of):
    pairing = pairing_of("toy/blobs")
    prepared, source = source_of(pairing)
    asked = Asked(spec=AnalysisSpec(name="own", title="", summary="", analyse=len), options={})
    found = list(reachable(analysis_request(pairing, prepared, source, source, asked)))
    assert [one for one in found if isinstance(one, (*HOST, Path))] == []
    assert len(rows_among(found, prepared.split("target-test"))) == len(prepared.split("target-test"))
    for split in ("source-train", "target-train"):
        assert rows_among(found, prepared.split(split)) == []
        assert not has_labels(found, prepared.split(split))


class Slots:
    """Something without a dictionary."""

    __slots__ = ("held",)


def slots(value):
    """Return an object that holds a value in a slot."""
    made = Slots()
    made.held = value
    return made


def yielding(value):
    """Return a generator that has begun, with the value among its variables."""

    def generate(value):
        yield 1
        yield value

    made = generate(value)
    next(made)
    return made


def with_default(value):
    """Return a function with the value as a default."""
    return lambda held=value: held


def marked(value):
    """Return a function with the value as an attribute."""

    def function():
        pass

    function.held = value
    return function


HIDING = {
    "closure": lambda value: lambda: value,
    "default": with_default,
    "attribute of a function": marked,
    "partial": lambda value: functools.partial(print, value),
    "slot": slots,
    "generator": yielding,
    "bound method": lambda value: [value].append,
    "local class": lambda value: type("Local.<locals>.Held", (), {"held": value, "__qualname__": "f.<locals>.Held"}),
    "array of objects": lambda value: np.array([value, None], object),
    "weak reference": weakref.ref,
}


@pytest.mark.parametrize("way", HIDING)
def test_a_walk_finds_what_is_held_in_any_way(pairing_of, way):
    """The test of the test."""
    pairing = pairing_of("toy/blobs")
    held = dataclasses.make_dataclass("Held", ["fresh"])(HIDING[way](pairing))
    assert any(one is pairing for one in reachable(held))


def test_a_walk_finds_the_array_that_a_view_belongs_to():
    whole = np.arange(12.0)
    assert any(one is whole for one in reachable([whole[:3].reshape(3, 1)]))
    tensor = torch.arange(12.0)
    assert any(isinstance(one, torch.Tensor) and torch.equal(one, tensor) for one in reachable([tensor[2:4]]))
