"""Editions of the plugin API: a plugin of another one gets a clear sentence with what to change."""

from __future__ import annotations

import dataclasses

import pytest
from support import SOURCES, install

import tlbench
from tlbench.contract import specs
from tlbench.contract.editions import REMOVED, other_edition, removed_field
from tlbench.planning.catalog import load_catalog
from tlbench.planning.discovery import plugin_file


def test_a_field_that_is_gone_is_named_with_what_to_write(site):
    install(site, "tlbench-old", {"old": "first_edition"})
    found = [problem.sentences for problem in load_catalog().problems]
    assert found == [
        "KindSpec.activation was removed in the second edition of the plugin API. Change the plugin: let "
        "`Kind.postprocess` turn outputs into predictions.",
        "tlbench_tasks: TypeError: StrategySpec.__init__() got an unexpected keyword argument 'colour'. Report this to "
        "the author of the plugin.",
        'The recipe entry "finetune.steps" begins with no kind of training: use one of full, head, adversarial, '
        'scratch, all-labels, source, such as "full.steps". Names of strategies are not keys since the second edition '
        "of the plugin API. Correct the recipe.",
        "StrategySpec.kinds was removed in the second edition of the plugin API. Change the plugin: name what the "
        "strategy needs in `needs`, such as class-probabilities.",
    ]


def test_what_is_in_the_table_of_removed_fields_is_removed():
    for record, name in REMOVED:
        assert name not in {field.name for field in dataclasses.fields(getattr(specs, record))}
    assert removed_field(ValueError("StrategySpec.__init__() got an unexpected keyword argument 'kinds'")) == ("", "")


def test_a_plugin_of_another_edition_is_not_loaded(site):
    install(site, "tlbench-new", {"new": "third_edition"})
    (problem,) = load_catalog().problems
    assert problem.sentences == (
        "It is written for edition 3 of the plugin API (TLBENCH_API); this tlbench has 2. Update tlbench."
    )


@pytest.mark.parametrize("declared", [1, "2", 1.5])
def test_an_earlier_edition_or_none_at_all_is_refused(declared):
    cause, advice = other_edition(declared)
    assert f"edition {declared} " in cause
    assert advice == "Update the plugin, or change it as the changelog of tlbench says."


def test_the_edition_is_declared_or_taken_as_it_is(catalog, blobs, settings):
    assert tlbench.API_VERSION == 2
    assert other_edition(None) == other_edition(2) == ("", "")
    assert set(catalog.editions.values()) == {2}
    stranger = load_catalog(also=[plugin_file(SOURCES / "strangers_l2sp.py")])
    assert stranger.editions[str(stranger.origin(stranger.strategy("l2sp")))] is None
    assert blobs.row_fields(settings)["api_version"] == 2
