"""Changed data of an audit: what a strategy may see stays, what it must not see is another."""

from __future__ import annotations

import numpy as np
import pytest

from tlbench.contract.task_data import Access
from tlbench.engine.given import declared_parts, labelled_positions, parts_of_budget
from tlbench.engine.prepared import Prepared
from tlbench.engine.withheld import counted, sizes_of, withheld, write_changed

ACCESS = {
    "nothing": frozenset(),
    "labels": frozenset({Access.TARGET_LABELS}),
    "labels and inputs": frozenset({Access.TARGET_LABELS, Access.TARGET_INPUTS}),
    "all": frozenset({Access.SOURCE, Access.TARGET_ALL_LABELS}),
}


@pytest.mark.parametrize("access", ACCESS.values(), ids=ACCESS)
def test_all_that_is_not_declared_is_withheld(access):
    sizes, budget = {"source-train": 8, "source-test": 4, "target-train": 10, "target-test": 5}, np.array([1, 4, 7])
    hidden = withheld(access, sizes, budget)
    for name in ("source-test", "target-test"):
        assert len(hidden[name].labels) == len(hidden[name].inputs) == sizes[name]
    assert len(hidden["source-train"].labels) == (0 if Access.SOURCE in access else 8)
    labels, inputs = hidden["target-train"].labels, hidden["target-train"].inputs
    expected = 0 if Access.TARGET_ALL_LABELS in access else 7 if Access.TARGET_LABELS in access else 10
    assert len(labels) == expected
    assert len(inputs) == (0 if Access.TARGET_INPUTS in access else expected)
    assert set(counted(hidden)) >= {"labels of target-test", "inputs of source-test"}


@pytest.mark.parametrize("how", ["permuted", "replaced"])
@pytest.mark.parametrize("strategy", ["finetune", "nearest-mean", "adversarial"])
def test_what_a_strategy_is_given_stays_and_the_rest_is_another(pairing_of, prepare_in, tmp_path, strategy, how):
    pairing = pairing_of("toy/blobs", strategy)
    prepared = prepare_in(pairing)
    access = pairing.strategy.access
    budget = labelled_positions(pairing, prepared.split("target-train"), Access.TARGET_LABELS)
    write_changed(prepared, withheld(access, sizes_of(prepared), budget), how, tmp_path / how, seed=1)
    changed = Prepared.read(tmp_path / how)
    before, after = declared_parts(pairing, prepared), parts_of_budget(pairing, changed, budget)
    assert before.keys() == after.keys()
    for name, part in before.items():
        inputs = (part, after[name]) if name == "target.unlabelled" else (part.inputs, after[name].inputs)
        assert all(np.array_equal(*pair) for pair in zip(*(one.columns for one in inputs), strict=True)), name
        if name != "target.unlabelled":
            assert np.array_equal(part.targets.values, after[name].targets.values)
    for name in ("target-test", "source-test"):
        one, other = prepared.split(name), changed.split(name)
        assert len(one) == len(other)
        assert not np.array_equal(one.targets.values, other.targets.values)
        assert not np.array_equal(one.inputs.columns[0], other.inputs.columns[0])
    outside = np.setdiff1d(np.arange(len(prepared.split("target-train"))), budget)
    labels = [one.split("target-train").targets.values for one in (prepared, changed)]
    assert not np.array_equal(labels[0][outside], labels[1][outside])
