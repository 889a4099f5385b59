"""Recipes: better defaults of a backbone for a kind of training, never for one strategy."""

from __future__ import annotations

import dataclasses

import pytest
from support import SOURCES

from tlbench.contract.training import TRAININGS, wrong_entries, wrong_training
from tlbench.errors import ContractError
from tlbench.planning.catalog import load_catalog
from tlbench.planning.discovery import plugin_file
from tlbench.planning.overrides import Overrides, default_value
from tlbench.testing import strategies
from tlbench.testing.toy import toy_candidate


@pytest.fixture(scope="module")
def with_stranger():
    return load_catalog(also=[toy_candidate(), plugin_file(SOURCES / "strangers_l2sp.py")])


def resolved(strategy, backbone):
    return Overrides({}, quick=False).resolve(
        ("strategy", strategy.name), strategy.options, backbone.recipe, training=strategy.recipe
    )


def test_a_stranger_s_fine_tuning_has_the_defaults_of_finetune_on_every_backbone(with_stranger):
    backbones = [*with_stranger.backbones.values(), with_stranger.backbone("cifar/resnet20")]
    own, shipped = with_stranger.strategy("l2sp"), with_stranger.strategy("finetune")
    alone = with_stranger.strategy("l2sp-alone")
    assert all(resolved(own, backbone) == resolved(shipped, backbone) for backbone in backbones)
    assert any(resolved(alone, backbone) != resolved(own, backbone) for backbone in backbones)


def test_the_plan_takes_the_recipe_of_the_kind_of_training(with_stranger, plan_of):
    plan = plan_of(with_stranger, tasks=["toy/blobs"], strategies=["l2sp", "l2sp-alone"])
    steps = {p.strategy.name: p.strategy_options["steps"] for p in plan.pairings}
    assert steps == {"l2sp": 40, "l2sp-alone": 30}


def test_an_entry_of_the_kind_beats_one_for_all_and_another_kind_s_is_not_read(catalog):
    (steps, *_) = catalog.strategy("finetune").options
    recipe = {"steps": 7, "full.steps": 9}
    assert [default_value(steps, kind, recipe) for kind in ("full", "head", "")] == [9, 7, 7]
    assert default_value(steps, "full", {"head.steps": 3}) == 120


def test_scratch_trains_for_as_many_steps_as_fine_tuning_on_every_backbone(catalog):
    backbones = [*catalog.backbones.values(), *(catalog.backbone(name) for name in ("cifar/resnet20", "timm/resnet18"))]
    finetune, scratch = catalog.strategy("finetune"), catalog.strategy("scratch")
    steps = {one.name: [resolved(strategy, one)["steps"] for strategy in (finetune, scratch)] for one in backbones}
    assert {name: pair for name, pair in steps.items() if pair[0] != pair[1]} == {}
    assert len({pair[0] for pair in steps.values()}) > 3


def test_only_the_steps_of_scratch_are_those_of_fine_tuning_and_a_recipe_of_its_own_counts(catalog):
    recipe = {"steps": 7, "full.steps": 9, "full.learning_rate": 0.5}
    steps, rate, *_ = catalog.strategy("scratch").options
    assert (default_value(steps, "scratch", recipe), default_value(rate, "scratch", recipe)) == (9, 2e-3)
    assert default_value(steps, "scratch", {**recipe, "scratch.steps": 11}) == 11
    assert default_value(steps, "scratch", {"steps": 7}) == 7


def test_shipped_strategies_name_their_kind_of_training(catalog):
    named = {name: spec.recipe for name, spec in catalog.strategies.items() if spec.recipe}
    assert {name: recipe for name, recipe in named.items() if not catalog.strategy(name).on_request} == {
        "finetune": "full", "frozen": "head", "adversarial": "adversarial", "scratch": "scratch",
        "all-labels": "all-labels",
    }  # fmt: skip
    assert set(named.values()) == set(TRAININGS)


@pytest.mark.parametrize("recipe", ["finetune", "source", "Full"])
def test_an_unknown_kind_of_training_is_named(recipe):
    assert wrong_training(recipe) == (
        f'Unknown kind of training recipe="{recipe}": use one of full, head, adversarial, scratch, all-labels, or '
        f"leave it empty."
    )


def test_an_entry_by_a_strategy_s_name_says_what_to_write():
    assert wrong_entries({"steps": 1, "source.steps": 2, "full.steps": 3, "all-labels.steps": 4}) == ""
    assert wrong_entries({"steps": 1, "finetune.steps": 3}) == (
        'The recipe entry "finetune.steps" begins with no kind of training: use one of full, head, adversarial, '
        'scratch, all-labels, source, such as "full.steps". Names of strategies are not keys since the second edition '
        "of the plugin API."
    )


def test_a_backbone_that_is_found_is_checked_too(catalog):
    family = catalog.families["cifar"]

    def find(name):
        return dataclasses.replace(family.find(name), recipe={"finetune.steps": 1})

    odd = dataclasses.replace(catalog, families={"cifar": dataclasses.replace(family, find=find)})
    with pytest.raises(ContractError, match=r'Backbone "cifar/resnet20": The recipe entry "finetune.steps"'):
        odd.backbone("cifar/resnet20")


def test_training_options_without_a_kind_of_training_are_noted(with_stranger):
    note = strategies.training_is_named(with_stranger.strategy("l2sp-alone"), None)
    assert note.startswith('Strategy "l2sp-alone" has training options and no `recipe`')
    assert strategies.training_is_named(with_stranger.strategy("l2sp"), None) is None
    assert strategies.training_is_named(with_stranger.strategy("adabn"), None) is None
