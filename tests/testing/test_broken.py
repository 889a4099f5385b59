"""Each check names the plugin that breaks it, and what it broke."""

from __future__ import annotations

import sys

import pytest
from support import SOURCES

from tlbench.planning.catalog import load_catalog
from tlbench.planning.discovery import plugin_file
from tlbench.testing import conformance
from tlbench.testing.bench import Bench
from tlbench.testing.toy import toy_candidate

FILES = ("broken_tasks", "broken_backbones", "broken_strategies", "broken_domain", "broken_promises", "found_by_name")
TASKS = {
    "unseeded": ("it_loads_the_same_in_another_process", "loads other data in another process"),
    "by-hash": ("it_loads_the_same_in_another_process", "loads other data in another process"),
    "seeds-numpy": ("it_leaves_the_process_as_it_was", "load changes NumPy's random state"),
    "goes-elsewhere": ("it_leaves_the_process_as_it_was", "load changes the working directory"),
    "sets-variable": ("it_leaves_the_process_as_it_was", "load changes the environment"),
    "writes-file": ("it_leaves_the_process_as_it_was", "load changes the files in the working directory"),
    "lacks-class": ("its_sides_are_sound", "target side: no training example has the label 'green'"),
    "beyond-labels": ("its_sides_are_sound", "a label index is outside the 3 labels"),
    "heavy-files": ("it_loads_the_same_in_another_process", "Listing its files imports numpy"),
    "no-number": ("its_own_evaluation_gives_numbers", "evaluate gave a success that is not finite"),
    "other-predictions": ("its_own_evaluation_gives_numbers", "IndexError: "),
    "other-metric": ("its_metric_is_one_of_its_kind", 'classification has no metric "auroc": name one of accuracy'),
    "other-modality": ("its_backbone_fits", 'is image, and its backbone "toy/mlp" tabular'),
    "nothing-to-vary": ("its_backbone_fits", '"toy/mlp-batchnorm" has none: leave `augment` out'),
    "greedy": ("its_label_budget_can_be_drawn", "it must be from 3, one of each class, to 240"),
    "stingy": ("its_label_budget_can_be_drawn", "it must be from 3, one of each class, to 240"),
    "no-licence": ("the_record_is_whole", "licence is empty"),
    "no-shift": ("the_record_is_whole", "shift is empty: write one sentence"),
    "list-of-options": ("the_record_is_whole", "options is []: it must be tuple[Option, ...]"),
    "dotted": ("the_record_is_whole", 'requires names "os.path": it takes top-level import names'),
    "other-extra": ("the_record_is_whole", 'tlbench has no extra "nowhere": name one of'),
}
BACKBONES = {
    "toy/fits-an-array": ("preparing_depends_on_the_example_alone", "fit gave what is no JSON"),
    "toy/prepares-by-batch": ("preparing_depends_on_the_example_alone", "makes another row of an example alone"),
    "toy/prepares-wide": ("preparing_depends_on_the_example_alone", "prepare gave float64: take the smallest of"),
    "toy/compares-neighbours": ("evaluation_depends_on_the_example_alone", "depend on the others of its batch"),
    "words/hears-padding": ("evaluation_depends_on_the_example_alone", "mask what is padded"),
    "toy/detached": ("a_step_of_training_moves_it", "gradients are absent or not finite"),
    "toy/fixed-size": ("its_export_agrees", ""),
    "toy/not-finite": ("features_have_their_shape", "features are not finite"),
    "toy/from-numpy": ("building_depends_on_the_seed_alone", "other weights under the same seed"),
    "toy/takes-threads": ("it_leaves_the_process_as_it_was", "build changes torch's threads"),
    "toy/too-narrow": ("features_have_their_shape", "pooled features are (4, 16) torch.float32, not (4, 17)"),
    "words/pooled": ("features_have_their_shape", "pooled features are (4, "),
    "toy/silent-batchnorm": ("its_traits_are_true", 'it has BatchNorm: add the trait "batchnorm"'),
    "toy/claimed-batchnorm": ("its_traits_are_true", 'it has no BatchNorm: leave out the trait "batchnorm"'),
    "toy/misspelt-recipe": ("its_recipe_names_options", 'its recipe sets "finetune.step", which nobody has'),
    "toy/augments-in-place": ("augmenting_keeps_shape_and_type", "augment writes into its inputs"),
    "toy/augments-at-random": ("augmenting_keeps_shape_and_type", "augment changes torch's random state"),
    "toy/augments-to-bytes": ("augmenting_keeps_shape_and_type", "augment changes shape or type with jitter"),
    "toy/augments-one": ("augmenting_keeps_shape_and_type", "KeyError: 'jitter'"),
    "toy/other-layout": ("the_record_is_whole", "layouts are ('grid',): they take pooled and sequence and map"),
    "toy/unread-default": ("the_record_is_whole", 'option "hidden" has no summary'),
    "toy/pre-trained": ("the_record_is_whole", "say under which terms its weights may be used"),
}
STRATEGIES = {
    "looks-past": ("labels_it_may_not_see_do_not_matter", "it reads them past the request"),
    "restless": ("two_runs_are_equal_in_every_bit", "gives other weights in a second run"),
    "stops-gradients": ("it_leaves_the_process_as_it_was", "adapt changes torch's grad mode"),
    "needs-many": ("one_label_of_each_class_is_enough", "ValueError: a fold lacks a class"),
    "silent": ("it_tells_its_steps", "call request.on_step(step, loss)"),
    "no-paper": ("the_record_is_whole", 'paper is empty: name where the method is described, or write "unpublished"'),
    "no-setting": ("the_record_is_whole", "settings are ('inductiv',)"),
    "moves-statistics": ("it_runs_to_a_row", "declares trains_encoder=False and changed the encoder"),
    "peeks": ("it_runs_to_a_row", '"peeks" accesses target-labels data'),
    "loses-a-head": ("it_runs_to_a_row", "must return a TransferModel with the heads source and target"),
    "spoils-weights": ("it_runs_to_a_row", "outputs that are not finite or are huge"),
}


@pytest.fixture(scope="module")
def broken():
    """The catalog of the broken plugins."""
    catalog = load_catalog(also=[toy_candidate(), *(plugin_file(SOURCES / f"{name}.py") for name in FILES)])
    yield catalog
    for name in FILES:
        sys.modules.pop(name, None)


@pytest.fixture
def make(broken, tmp_path, monkeypatch):
    """Makes one check of one spec, in a folder of the test's own: (status, reason)."""
    monkeypatch.chdir(tmp_path)

    def made(spec, name):
        origin = broken.origin(spec)
        bench = Bench(catalog=broken, folder=tmp_path, plugin=SOURCES / origin.entry_point)
        (check,) = [check for check in conformance.CHECKS[type(spec)] if check.__name__ == name]
        return conformance.make(check, spec, bench)

    return made


@pytest.mark.parametrize("name", TASKS)
def test_a_broken_task_is_named(broken, make, name):
    check, says = TASKS[name]
    status, reason = make(broken.task(f"toy/{name}"), check)
    assert (status, says in reason) == ("failed", True), reason


@pytest.mark.parametrize("name", BACKBONES)
def test_a_broken_backbone_is_named(broken, make, name):
    check, says = BACKBONES[name]
    status, reason = make(broken.backbone(name), check)
    assert (status, says in reason) == ("failed", True), reason


@pytest.mark.parametrize("name", STRATEGIES)
def test_a_broken_strategy_is_named(broken, make, name):
    check, says = STRATEGIES[name]
    status, reason = make(broken.strategy(name), check)
    assert (status, says in reason) == ("failed", True), reason


def test_an_empty_domain_and_a_heavy_module_are_named(broken, make):
    spec = broken.domain("empty")
    assert make(spec, "it_has_a_task") == ("failed", 'Domain "empty" has no task: name one "empty/...".')
    assert "listing its specs imports numpy: import it inside" in make(spec, "its_module_is_light")[1]


def test_a_family_that_finds_anything_is_named(broken, make):
    check = "a_name_that_nothing_has_is_refused"
    assert broken.families["shelf"] in conformance.specs_of(broken, [broken.origin(broken.families["shelf"])])
    assert make(broken.families["shelf"], check) == ("ok", "")
    status, reason = make(broken.families["anything"], check)
    assert (status, reason.startswith('Family "anything": find("no model is called so") gives a backbone')) == (
        "failed",
        True,
    )
    assert make(broken.families["closed"], check)[0] == "skipped"


def test_what_a_person_should_look_at_is_a_note(broken, make):
    status, reason = make(broken.task("toy/leaks"), "its_test_examples_are_new")
    assert (status, "10 of 10 target test examples are training examples too" in reason) == ("note", True)
    status, reason = make(broken.strategy("greedy-eyes"), "it_reads_what_it_declares")
    assert (status, "declares source and did not read it" in reason) == ("note", True)


def test_what_cannot_be_checked_is_skipped_with_the_reason(broken, make, monkeypatch):
    monkeypatch.delenv("TLBENCH_DATA", raising=False)
    status, reason = make(broken.strategy("suits-nothing"), "it_runs_to_a_row")
    assert (status, "suits none of the toy's tasks" in reason) == ("skipped", True)
    status, reason = make(broken.backbone("toy/gas"), "features_have_their_shape")
    assert (status, 'No task of the modality "smell"' in reason) == ("skipped", True)
    status, reason = make(broken.task("toy/table"), "its_sides_are_sound")
    assert (status, "set TLBENCH_DATA to the folder" in reason) == ("skipped", True)


def test_what_a_broken_plugin_changed_is_put_back(broken, make, monkeypatch):
    import torch

    before = torch.get_num_threads()
    make(broken.backbone("toy/takes-threads"), "it_leaves_the_process_as_it_was")
    make(broken.strategy("stops-gradients"), "it_leaves_the_process_as_it_was")
    assert (torch.get_num_threads(), torch.is_grad_enabled()) == (before, True)
