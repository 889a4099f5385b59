"""Strengths of augmentation that the user names: what runs with them, what does not, and the keys."""

from __future__ import annotations

import dataclasses

import pytest

from tlbench.errors import ContractError, UnknownNameError
from tlbench.planning.plan import Pairing
from tlbench.planning.repeat import repeat_command
from tlbench.planning.selection import RunRequest, Selection
from tlbench.results.row import Row
from tlbench.verification.declared import wrong_declarations

EVERY = ["none,weak", "strong", "weak"]


@pytest.fixture
def planned(catalog, plan_of):
    """Return the pairings of a task by strategy and strength."""

    def plan(*strategies, task="toy/blobs", backbones=(), augment=EVERY, offered=catalog):
        chosen = plan_of(
            offered, tasks=[task], backbones=backbones, strategies=list(strategies), references=["none"], seeds=(0,),
            augment=augment,
        )  # fmt: skip
        return {(one.strategy.name, one.augment): one for one in chosen.pairings}

    return plan


def with_task(catalog, name, **fields):
    changed = dataclasses.replace(catalog.task(name), **fields)
    return dataclasses.replace(catalog, tasks={**catalog.tasks, name: changed})


def test_a_strategy_runs_with_each_strength_and_one_that_trains_on_no_batches_runs_once(planned, catalog):
    found = planned("finetune", "frozen")
    assert list(found) == [("finetune", "none"), ("finetune", ""), ("finetune", "strong"), ("frozen", "")]
    assert [one.strength for one in found.values()] == ["none", "weak", "strong", None]
    request = RunRequest(tasks=["toy/blobs"], strategies=["finetune", "frozen"], references=["none"], augment=EVERY)
    assert Selection(request, catalog).count(request) == 3 * (3 + 1)


def test_the_strength_of_the_task_is_the_same_run_named_or_not(planned):
    (default,) = planned("finetune", augment=()).values()
    found = planned("finetune")
    assert found["finetune", ""].key() == default.key()
    assert len({one.key() for one in found.values()}) == 3


def test_a_task_may_train_without_variation_by_default(planned, catalog, settings):
    offered = with_task(catalog, "toy/blobs", augment_strength="none")
    (default,) = planned("finetune", augment=(), offered=offered).values()
    assert default.strength == "none"
    assert default.row_fields(settings)["augmentation"] == "none"
    assert default.key() == planned("finetune", augment=()).popitem()[1].key()
    assert list(planned("finetune", offered=offered)) == [
        ("finetune", ""),
        ("finetune", "weak"),
        ("finetune", "strong"),
    ]


@pytest.mark.parametrize("lacking", ["task", "backbone"])
def test_what_cannot_be_varied_is_skipped_with_a_reason_and_none_always_works(planned, catalog, lacking):
    offered, reason = with_task(catalog, "toy/blobs", augment=()), '"toy/blobs" names no transformations'
    if lacking == "backbone":
        bare = dataclasses.replace(catalog.backbone("toy/mlp"), augment=None)
        offered = dataclasses.replace(catalog, backbones={**catalog.backbones, "toy/mlp": bare})
        reason = '"toy/mlp" has no `augment`'
    found = planned("finetune", "frozen", offered=offered)
    assert [one.skip for one in found.values() if one.augment in ("", "none")] == ["", ""]
    skipped = [one.skip for one in found.values() if one.augment in ("weak", "strong")]
    assert len(skipped) == 2
    assert all(reason in text and "--augment none" in text for text in skipped)


def test_an_unknown_strength_is_named(planned):
    with pytest.raises(UnknownNameError, match=r'"srong".*strong'):
        planned("finetune", augment=["none,srong"])


def row_of(pairing: Pairing, catalog, settings) -> Row:
    origin = str(catalog.origin(pairing.strategy))
    return Row(**pairing.row_fields(settings), status="ok", score=0.5, plugins={"strategy": origin})


@pytest.mark.parametrize("strength", ["none", "", "strong"])
def test_the_command_of_a_row_and_its_key_name_the_strength(planned, catalog, settings, strength):
    pairing = planned("finetune")["finetune", strength]
    row = row_of(pairing, catalog, settings)
    words = repeat_command(row, catalog)
    assert words[words.index("--augment") + 1 :][:1] == [strength] if strength else "--augment" not in words
    assert not list(wrong_declarations("file", row, catalog))
    forged = dataclasses.replace(row, augmentation="strong" if strength != "strong" else "none")
    assert [problem.field for problem in wrong_declarations("file", forged, catalog)] == ["key"]
    older = dataclasses.replace(row, augmentation=None)
    assert bool(list(wrong_declarations("file", older, catalog))) == bool(strength)


def test_batches_have_the_strength_of_the_run_and_a_promise_not_to_draw_them_is_kept(planned, catalog, adapted):
    def adapt(request):
        ((rows,), *_) = next(request.batches(request.target.train))
        seen.append(bool((rows.numpy()[:, None] == request.target.train.inputs.columns[0][None]).all(2).any(1).all()))
        ((first, second), *_) = next(request.batches(request.target.train, augment=("none", "weak")))
        seen.append(bool((first[0] == second[0]).all()))
        return request.model

    seen: list[bool] = []
    for strength in ("none", ""):
        adapted(planned("finetune")["finetune", strength], adapt=adapt)
    assert seen == [True, False, False, False]
    with pytest.raises(ContractError, match="augments=False"):
        adapted(planned("finetune", augment=()).popitem()[1], adapt=adapt, augments=False)


@pytest.fixture
def adapted(source_of):
    """Adapt a pairing with a strategy of other fields."""
    from support import silent

    from tlbench.engine.adaptation import adapt

    def run(pairing, **fields):
        prepared, source = source_of(pairing)
        changed = dataclasses.replace(pairing, strategy=dataclasses.replace(pairing.strategy, **fields))
        return adapt(changed, prepared, source, silent)

    return run
