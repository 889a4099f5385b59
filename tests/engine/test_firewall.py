"""The firewall: what a strategy is given, and that no withheld label finds its way round it."""

from __future__ import annotations

import dataclasses
from operator import attrgetter

import numpy as np
import pytest
from support import silent

from tlbench import Access, ContractError, NotApplicable
from tlbench.engine.adaptation import adapt
from tlbench.learning import Classification
from tlbench.learning.batch import Augmentation
from tlbench.learning.model import state_hash


@pytest.fixture
def request_of(source_of):
    """Returns the request that a strategy of that access is given."""

    def made(pairing, *access):
        requests = []

        def keep(request):
            requests.append(request)
            return request.model

        strategy = dataclasses.replace(pairing.strategy, access=frozenset(access), adapt=keep)
        pairing = dataclasses.replace(pairing, strategy=strategy)
        prepared, source = source_of(pairing)
        adapt(pairing, prepared, source, silent)
        return prepared, requests[0]

    return made


PARTS = {
    Access.SOURCE: "source.train",
    Access.TARGET_LABELS: "target.train",
    Access.TARGET_INPUTS: "target.unlabelled",
    Access.TARGET_ALL_LABELS: "target.all",
}


@pytest.mark.parametrize("declared", PARTS)
def test_a_strategy_is_given_what_it_declares_and_nothing_else(request_of, pairing_of, declared):
    _, request = request_of(pairing_of("toy/blobs"), declared)
    assert list(request.target.parts) == [PARTS[declared]]
    assert len(attrgetter(PARTS[declared])(request)) == {Access.TARGET_LABELS: 24}.get(declared, 240)
    for part, name in PARTS.items():
        if part != declared:
            message = f'"finetune" reads request.{name} without .*Access.{part.name} to `access`'
            with pytest.raises(ContractError, match=message):
                attrgetter(name)(request)


def arrays_in(value):
    """Yield every array that can be reached through the fields of a value."""
    if isinstance(value, np.ndarray):
        yield value
    elif dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            yield from arrays_in(getattr(value, field.name))
    elif isinstance(value, tuple | list):
        for part in value:
            yield from arrays_in(part)


@pytest.mark.parametrize("task", ["toy/blobs", "toy/names"])
def test_what_a_strategy_receives_are_copies_that_lead_nowhere(request_of, pairing_of, task):
    """No memory map, and no view: a view's `base` would lead to the whole array."""
    _, request = request_of(pairing_of(task), *Access)
    arrays = [array for part in request.target.parts.values() for array in arrays_in(part)]
    assert len(arrays) >= 3 * 3 + 1
    for array in arrays:
        assert type(array) is np.ndarray
        assert array.base is None
        assert array.flags.writeable


def test_what_a_strategy_writes_into_its_copies_reaches_no_one(request_of, pairing_of):
    prepared, request = request_of(pairing_of("toy/blobs"), *Access)
    before = {name: prepared.split(name).inputs.columns[0].copy() for name in ("source-train", "target-train")}
    for part in request.target.parts.values():
        for array in arrays_in(part):
            array[...] = 0
    for name, rows in before.items():
        np.testing.assert_array_equal(prepared.split(name).inputs.columns[0], rows)


def test_unlabelled_inputs_come_in_an_order_of_the_seed_s(request_of, pairing_of):
    prepared, request = request_of(pairing_of("toy/blobs"), Access.TARGET_INPUTS)
    given, stored = request.target.unlabelled.columns[0], np.array(prepared.split("target-train").inputs.columns[0])
    assert not np.array_equal(given, stored)
    np.testing.assert_array_equal(np.sort(given, axis=0), np.sort(stored, axis=0))


def test_a_request_says_what_kind_of_problem_it_is(request_of, pairing_of):
    _, request = request_of(pairing_of("toy/shapes"))
    assert request.source.labels == ("red", "green", "blue")
    assert request.target.labels == ("round", "square", "long", "flat")
    assert isinstance(request.target.kind, Classification)


def test_a_fresh_model_has_both_heads_and_has_not_seen_the_source(request_of, pairing_of):
    _, request = request_of(pairing_of("toy/shapes"))
    fresh = request.fresh()
    assert set(fresh.heads) == {"source", "target"}
    assert fresh.encoder.state_dict().keys() == request.model.encoder.state_dict().keys()
    assert state_hash(fresh.encoder) != state_hash(request.model.encoder)


def test_the_budget_is_drawn_by_the_seed_and_holds_each_label(request_of, pairing_of, tmp_path):
    _, request = request_of(pairing_of("toy/blobs"), Access.TARGET_LABELS)
    assert np.bincount(request.target.train.targets.values).min() >= 6


def swapped_outside(labels, kept):
    """Exchange the labels of neighbours that are both outside `kept`.

    The budget is drawn by the rank of an example among those of its label; exchanging neighbours keeps every rank.
    """
    changed, free = labels.copy(), ~np.isin(np.arange(len(labels)), kept)
    position = 0
    while position < len(labels) - 1:
        if free[position] and free[position + 1]:
            changed[[position, position + 1]] = labels[[position + 1, position]]
            position += 1
        position += 1
    return changed


def relabel(prepared, name, labels):
    np.save(prepared.folder / f"{name}-targets.npy", labels)


def shipped(catalog):
    return [name for name, spec in catalog.strategies.items() if catalog.origin(spec).distribution == "tlbench"]


def hash_of(pairing, prepared, source):
    """The hash of the adapted model; None if the strategy says that it is for another kind of encoder or inputs."""
    try:
        return state_hash(adapt(pairing, prepared, source, silent).model)
    except NotApplicable:
        return None


def test_labels_that_a_strategy_must_not_see_change_no_bit_of_any_shipped_strategy_s_model(catalog, plan_of, source_of):
    """Test labels are permuted, and of the training labels those outside the budget, for every strategy there is."""
    names = shipped(catalog)
    few = {"steps", "pretext_steps", "tuning_steps"}
    options = {name: {option.name for option in catalog.strategy(name).options} & few for name in names}
    overrides = {f"{name}.{option}": 4 for name in names for option in options[name]}
    run_request = {"tasks": ["toy/blobs"], "backbones": ["toy/mlp-batchnorm"], "strategies": names}
    planned = plan_of(catalog, **run_request, overrides=overrides).pairings
    pairings = [pairing for pairing in planned if not pairing.skip]
    assert {"adversarial", "finetune", "frozen", "source-only"} <= {p.strategy.name for p in pairings}
    prepared, source = source_of(pairings[0])
    models = {p.strategy.name: hash_of(p, prepared, source) for p in pairings}
    assert sum(model is not None for model in models.values()) >= 35
    train, test = (prepared.split(f"target-{part}") for part in ("train", "test"))
    rows = np.array(train.inputs.columns[0])
    budget = budget_of(pairings[0], prepared, source)
    kept = np.flatnonzero((rows[:, None] == budget.inputs.columns[0][None]).all(2).any(1))
    withheld = swapped_outside(train.targets.values, kept)
    assert (withheld != train.targets.values).sum() > 80
    relabel(prepared, "target-test", np.random.default_rng(0).permutation(test.targets.values))
    for pairing in pairings:
        access_all = Access.TARGET_ALL_LABELS in pairing.strategy.access
        relabel(prepared, "target-train", train.targets.values if access_all else withheld)
        name = pairing.strategy.name
        assert hash_of(pairing, prepared, source) == models[name], name


def budget_of(pairing, prepared, source):
    """The labelled examples that a strategy would be given."""
    seen = []

    def keep(request):
        seen.append(request.target.train)
        return request.model

    access = frozenset({Access.TARGET_LABELS})
    strategy = dataclasses.replace(pairing.strategy, access=access, trains_encoder=True, adapt=keep)
    adapt(dataclasses.replace(pairing, strategy=strategy), prepared, source, silent)
    return seen[0]


def test_the_audit_finds_a_strategy_that_reads_withheld_labels(pairing_of, source_of):
    """The same audit, held against a strategy that is handed the path it must not have."""
    pairing = pairing_of("toy/blobs")
    prepared, source = source_of(pairing)

    def peeks(request):
        labels = np.load(prepared.folder / "target-train-targets.npy")
        request.model.heads["target"].bias.data[0] = float(labels @ np.arange(len(labels)))
        return request.model

    cheat = dataclasses.replace(pairing, strategy=dataclasses.replace(pairing.strategy, adapt=peeks))
    before = state_hash(adapt(cheat, prepared, source, silent).model)
    labels = prepared.split("target-train").targets.values
    relabel(prepared, "target-train", swapped_outside(labels, []))
    assert state_hash(adapt(cheat, prepared, source, silent).model) != before


# Batches


def with_options(request, **options):
    trainer = dataclasses.replace(request.trainer, options={**request.options, **options}, augmentation=Augmentation())
    return dataclasses.replace(request, trainer=trainer)


def test_batches_hold_every_example_once_an_epoch_in_a_new_order(request_of, pairing_of):
    _, request = request_of(pairing_of("toy/blobs"), Access.TARGET_LABELS)
    request = with_options(request, batch_size=12)
    batches = request.batches(request.target.train)
    first, second = ([next(batches) for _ in range(2)] for _ in range(2))
    rows = [np.concatenate([inputs[0].numpy() for inputs, *_ in epoch]) for epoch in (first, second)]
    np.testing.assert_array_equal(*(np.sort(part, axis=0) for part in rows))
    assert not np.array_equal(*rows)
    assert {len(targets) for _, targets, _ in first + second} == {12}


def test_rows_keep_their_labels_in_a_batch(request_of, pairing_of):
    _, request = request_of(pairing_of("toy/blobs"), Access.TARGET_LABELS)
    (rows,), targets, _ = next(with_options(request, batch_size=10).batches(request.target.train))
    for row, target in zip(rows.numpy(), targets.values.numpy(), strict=True):
        (place,) = np.flatnonzero((request.target.train.inputs.columns[0] == row).all(1))
        assert request.target.train.targets.values[place] == target


def test_a_short_last_batch_waits_for_the_next_epoch(request_of, pairing_of):
    _, request = request_of(pairing_of("toy/blobs"), Access.TARGET_INPUTS)
    batches = with_options(request, batch_size=100).batches(request.target.unlabelled)
    assert [len(next(batches).inputs[0]) for _ in range(5)] == [100] * 5


def test_a_batch_is_never_larger_than_what_there_is(request_of, pairing_of):
    _, request = request_of(pairing_of("toy/blobs"), Access.TARGET_LABELS)
    inputs, targets, _ = next(with_options(request, batch_size=999).batches(request.target.train))
    assert len(inputs[0]) == len(targets) == 24


@pytest.mark.parametrize("option", ["batch_size", "steps"])
def test_an_option_that_is_used_without_being_declared_is_named(request_of, pairing_of, option):
    _, request = request_of(pairing_of("toy/blobs"), Access.TARGET_LABELS)
    fewer = {name: value for name, value in request.options.items() if name != option}
    trainer = dataclasses.replace(request.trainer, options=fewer)
    with pytest.raises(ContractError, match=f'"finetune" uses the option "{option}".*training_options'):
        trainer.fit(request.model, request.target.train)


def test_batches_are_varied_by_the_task_s_augmentation(request_of, pairing_of):
    _, request = request_of(pairing_of("toy/blobs"), Access.TARGET_LABELS)
    ((rows,), *_) = next(request.batches(request.target.train))
    assert not (rows.numpy()[:, None] == request.target.train.inputs.columns[0][None]).all(2).any()


def test_a_batch_of_sentences_has_one_target_a_word(request_of, pairing_of):
    _, request = request_of(pairing_of("toy/names"), Access.TARGET_LABELS)
    (ids,), targets, _ = next(request.batches(request.target.train))
    assert (ids > 0).sum() == len(targets.values)
    assert request.model(ids).units.shape == (len(targets.values), 3)
    assert request.model(ids).counts.tolist() == targets.counts.tolist()
