"""Strengths of augmentation that the user names: what runs with them, what does not, and the keys."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from tlbench import AUGMENT_OPTION
from tlbench.contract.options import IMAGE_TRANSFORMATIONS
from tlbench.errors import ContractError, UnknownNameError, UsageError
from tlbench.learning.vary.images import MOVES, TRANSFORMATIONS
from tlbench.planning.augmentation import usual_strength, with_named
from tlbench.planning.catalog import load_catalog
from tlbench.planning.plan import Pairing
from tlbench.planning.repeat import repeat_command
from tlbench.planning.selection import RunRequest, Selection
from tlbench.results.row import Row
from tlbench.verification.declared import wrong_declarations

EVERY = ["none,weak", "strong", "weak"]


@pytest.fixture
def planned(catalog, plan_of):
    """Return the pairings of a task by strategy and strength."""

    def plan(*strategies, task="toy/blobs", backbones=(), augment=EVERY, offered=catalog, overrides=None):
        chosen = plan_of(
            offered, tasks=[task], backbones=backbones, strategies=list(strategies), references=["none"], seeds=(0,),
            augment=augment, overrides=overrides or {},
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


def asking(catalog, **fields):
    """Return a catalog whose blobs let users name transformations."""
    options = (*catalog.task("toy/blobs").options, AUGMENT_OPTION)
    return with_task(catalog, "toy/blobs", options=options, **fields)


def test_transformations_that_the_user_names_replace_those_of_the_task(planned, catalog, settings):
    """Unless they are named, the option changes neither the row nor a key: there are results without it."""
    (before,) = planned("finetune", augment=()).values()
    (default,) = planned("finetune", augment=(), offered=asking(catalog)).values()
    assert default.transformations == before.transformations == ("jitter",)
    assert default.row_fields(settings) == before.row_fields(settings)
    offered, named = asking(catalog), {"task.augment": "flip, noise"}
    (found,) = planned("finetune", augment=(), offered=offered, overrides=named).values()
    assert found.transformations == ("flip", "noise")
    row = row_of(found, catalog, settings)
    assert row.task_options["augment"] == "flip, noise"
    assert row.augmentation == "weak"
    assert found.key() != default.key()
    assert not list(wrong_declarations("file", row, offered))
    words = repeat_command(row, offered)
    assert "task.augment=flip, noise" in words
    assert "--augment" not in words


def test_a_task_without_transformations_is_varied_by_those_that_are_named(planned, catalog, settings):
    offered, named = asking(catalog, augment=()), {"task.augment": "noise"}
    plain = planned("finetune", augment=["strong"], offered=offered)["finetune", "strong"]
    assert "names no transformations" in plain.skip
    chosen = planned("finetune", "fixmatch", augment=["none", "strong"], offered=offered, overrides=named)
    assert not any(one.skip for one in chosen.values())
    assert [one.row_fields(settings)["augmentation"] for one in chosen.values()] == ["none", "strong"] * 2


def test_named_transformations_that_nothing_varies_by_are_refused(planned, catalog):
    offered = asking(catalog, augment_strength="none")
    named = {"task.augment": "noise"}
    with pytest.raises(UsageError, match="add --augment weak or strong"):
        planned("finetune", augment=(), offered=offered, overrides=named)
    assert planned("finetune", augment=["weak"], offered=offered, overrides=named)
    assert planned("fixmatch", augment=(), offered=offered, overrides=named)


def test_an_unknown_transformation_is_named_before_anything_runs(planned, catalog):
    with pytest.raises(UnknownNameError, match=r'"flop".*flip'):
        planned("finetune", offered=asking(catalog), overrides={"task.augment": "noise,flop"})


def test_the_names_of_the_option_are_those_of_images():
    assert list(TRANSFORMATIONS) == list(IMAGE_TRANSFORMATIONS)


@pytest.mark.parametrize("name", ["vision/mask-folder", "medical/volume-folder", "medical/lesion-masks"])
def test_tasks_of_masks_vary_as_they_did_by_default_and_can_move(shipped, name):
    task = shipped.task(name)
    usual = usual_strength(task, shipped.backbone(task.backbone))
    own = name != "medical/lesion-masks"
    assert (usual, bool(MOVES & set(task.augment))) == (("none", True) if own else ("weak", False))
    chosen = with_named(task, {"augment": "rot90,flip"})
    assert chosen.augment == ("rot90", "flip")


@pytest.fixture(scope="module")
def shipped():
    """All that tlbench ships."""
    return load_catalog()


def test_images_and_masks_of_a_run_are_moved_alike(shipped, plan_of, adapted):
    """In a run each pair is one of the eight that right angles and a mirror make of what was given."""

    def adapt(request):
        train = request.target.train
        (images,), targets, positions = next(request.batches(train))
        for place, image, mask in zip(positions.tolist(), images, targets.split(), strict=True):
            given = train.select(np.array([place]))
            before = torch.from_numpy(given.inputs.columns[0][0]), torch.from_numpy(given.targets.values).view(24, 24)
            ways = {
                (turns, mirrored)
                for turns in range(4)
                for mirrored in (False, True)
                if torch.equal(turned(before[0], turns, mirrored), image)
                and torch.equal(turned(before[1], turns, mirrored), mask.view(24, 24))
            }
            seen.append(ways)
        return request.model

    seen: list[set[tuple[int, bool]]] = []
    chosen = plan_of(
        shipped, tasks=["medical/lesion-masks"], strategies=["finetune"], references=["none"], seeds=(0,),
        overrides={"task.augment": "rot90,flip", "source.steps": 1},
    )  # fmt: skip
    adapted(chosen.pairings[0], adapt=adapt)
    assert len(seen) == 12
    assert all(seen)
    assert len({min(ways) for ways in seen}) > 2


def turned(image, turns, mirrored):
    made = image.rot90(turns, (-2, -1))
    return made.flip(-1) if mirrored else made


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
