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

FILES = (
    "broken_tasks",
    "speakers",
    "broken_backbones",
    "broken_strategies",
    "broken_domain",
    "broken_promises",
    "found_by_name",
    "broken_diagnostics",
    "broken_second_edition",
)
TASKS = {
    "unseeded": ("loading_is_reproducible", "in another process"),
    "by-hash": ("loading_is_reproducible", "in another process"),
    "seeds-numpy": ("process_state_is_unchanged", "load changes NumPy's random state"),
    "goes-elsewhere": ("process_state_is_unchanged", "load changes the working directory"),
    "sets-variable": ("process_state_is_unchanged", "load changes the environment"),
    "writes-file": ("process_state_is_unchanged", "load changes the files in the working directory"),
    "lacks-class": ("data_is_valid", "target side: no training example has the label 'green'"),
    "beyond-labels": ("data_is_valid", "a label index is outside the 3 labels"),
    "mixed-speakers": ("groups_are_held_out_together", "have groups in common, 'new a 3': put"),
    "heavy-files": ("loading_is_reproducible", "listing its files imports numpy"),
    "no-number": ("evaluate_returns_numbers", "a success that is not finite"),
    "other-predictions": ("evaluate_returns_numbers", "IndexError: "),
    "other-metric": ("metric_exists", 'unknown metric "auroc" for classification: use one of accuracy'),
    "other-modality": ("backbone_fits", 'image, but its backbone "toy/mlp" has tabular'),
    "nothing-to-vary": ("backbone_fits", '"toy/mlp-batchnorm" supports none: remove `augment`'),
    "moved-masks": ("backbone_fits", "`augment` moves images (flip), and the labels of a map-that-stays stay"),
    "greedy": ("label_budget_can_be_drawn", "between 3 (one of each class) and 240"),
    "stingy": ("label_budget_can_be_drawn", "between 3 (one of each class) and 240"),
    "no-licence": ("spec_fields_are_valid", "licence is empty"),
    "no-shift": ("spec_fields_are_valid", "shift is empty"),
    "list-of-options": ("spec_fields_are_valid", "options is []; it must be tuple[Option, ...]"),
    "dotted": ("spec_fields_are_valid", 'requires contains "os.path"'),
    "sets": ("references_are_json", "a reference is not JSON: Object of type set"),
    "one-reference": ("references_are_json", "1 references for 120 examples"),
    "loss-of-each": ("loss_has_gradients", "loss returns (48,)"),
    "detached-loss": ("loss_has_gradients", "loss gives the head no gradient"),
    "too-few": ("predictions_fit_the_examples", "`predict` returned 47 rows for 48 units"),
    "list-too-short": ("predictions_fit_the_examples", "`predict` returned 47 arrays for 48 examples"),
    "predicts-by-chance": ("predictions_fit_the_examples", "other predictions for the same outputs"),
    "two-decisions": ("predictions_fit_the_examples", "decide returns 2 decisions; expected one for each of the 48"),
    "without-weights": ("metrics_weigh_examples", "with example weights of 1 and 2, and"),
    "endless": ("metrics_weigh_examples", "the metric accuracy is inf"),
    "wide-constant": ("constant_can_be_served", "constant returns (4,); expected (3,)"),
    "other-extra": ("spec_fields_are_valid", 'unknown extra "nowhere": use one of'),
}
BACKBONES = {
    "toy/fits-an-array": ("prepare_treats_examples_independently", "not JSON"),
    "toy/prepares-by-batch": ("prepare_treats_examples_independently", "a different row for an example alone"),
    "toy/prepares-wide": ("prepare_treats_examples_independently", "prepare returns float64"),
    "toy/compares-neighbours": ("evaluation_treats_examples_independently", "depend on the rest of its batch"),
    "words/hears-padding": ("evaluation_treats_examples_independently", "mask the padding"),
    "toy/detached": ("training_step_changes_parameters", "gradients are missing or not finite"),
    "toy/no-blocks": ("blocks_run_in_order", "returns no block"),
    "toy/swapped-blocks": ("blocks_run_in_order", 'returns "layers.1" in the wrong place: the blocks run in the order'),
    "toy/overlapping-blocks": ("blocks_run_in_order", 'returns "layers" and "layers.0", which overlap'),
    "toy/empty-blocks": ("blocks_run_in_order", 'returns "layers.2", which has no parameters'),
    "toy/foreign-blocks": ("blocks_run_in_order", "returns a Sequential at position 0 that is not a submodule"),
    "toy/fixed-size": ("export_matches_the_model", ""),
    "toy/not-finite": ("features_have_the_declared_shape", "features are not finite"),
    "toy/from-numpy": ("build_depends_only_on_the_seed", "different weights for the same seed"),
    "toy/takes-threads": ("process_state_is_unchanged", "build changes torch's threads"),
    "toy/too-narrow": (
        "features_have_the_declared_shape",
        "pooled features are (4, 16) torch.float32; expected",
    ),
    "words/pooled": ("features_have_the_declared_shape", "pooled features are (4, "),
    "toy/silent-batchnorm": ("traits_are_true", 'has layers of BatchNorm: add the trait "batchnorm"'),
    "toy/claimed-batchnorm": ("traits_are_true", 'lacks layers of BatchNorm: remove the trait "batchnorm"'),
    "toy/claimed-convolutions": ("traits_are_true", "has linear layers or nn.Conv2d: remove the trait"),
    "toy/misspelt-recipe": ("recipe_names_known_options", 'the recipe sets "full.step"'),
    "toy/augments-in-place": ("augment_keeps_shape_and_type", "augment writes into its inputs"),
    "toy/augments-at-random": ("augment_keeps_shape_and_type", "augment changes torch's random state"),
    "toy/augments-to-bytes": ("augment_keeps_shape_and_type", "augment changes shape or type with jitter"),
    "toy/augments-strongly-to-bytes": (
        "augment_keeps_shape_and_type",
        "augment changes shape or type with jitter (strong)",
    ),
    "toy/augments-one": ("augment_keeps_shape_and_type", "KeyError: 'jitter'"),
    "words/random-vectors": ("label_vectors_are_valid", "different vectors for the same names"),
    "words/wide-vectors": ("label_vectors_are_valid", "returns (3, 16) float64; expected an array (3, 16) float32"),
    "words/one-vector": ("label_vectors_are_valid", "returns (16,) float32; expected an array (3, 16) float32"),
    "words/listed-vectors": ("label_vectors_are_valid", "encode_labels returns list; expected an array"),
    "words/endless-vectors": ("label_vectors_are_valid", "vectors that are not finite"),
    "words/trains-on-names": ("label_vectors_are_valid", "encode_labels changes the encoder"),
    "toy/other-layout": ("spec_fields_are_valid", "layouts are ('grid',); use any of pooled, sequence, context, map"),
    "toy/unread-default": ("spec_fields_are_valid", 'option "hidden" has no summary'),
    "toy/pre-trained": ("spec_fields_are_valid", "licence is empty: name the terms"),
}
STRATEGIES = {
    "looks-past": ("undeclared_labels_are_not_used", "it reads them without the request"),
    "restless": ("runs_are_reproducible", "different weights in a second run"),
    "stops-gradients": ("process_state_is_unchanged", "adapt changes torch's grad mode"),
    "needs-many": ("one_label_per_class_is_enough", "ValueError: a fold lacks a class"),
    "silent": ("steps_are_reported", "call request.on_step(step, loss)"),
    "no-paper": ("spec_fields_are_valid", 'or write "unpublished"'),
    "no-setting": ("spec_fields_are_valid", "settings are ('inductiv',)"),
    "moves-statistics": ("runs_to_a_result", "declares trains_encoder=False but changed"),
    "peeks": ("runs_to_a_result", '"peeks" reads request.target.train without declaring it'),
    "loses-a-head": ("runs_to_a_result", "must return a TransferModel with the heads source and target"),
    "grows-by-chance": ("extension_depends_on_structure_alone", "different weights for the same model"),
    "grows-by-weights": (
        "extension_depends_on_structure_alone",
        "another architecture for other weights (heads.target",
    ),
    "grows-and-seeds": ("extension_depends_on_structure_alone", "extend changes NumPy's random state"),
    "returns-a-head": ("extension_depends_on_structure_alone", "must return a TransferModel with an Encoder"),
    "sets-aside": ("selection_rule_is_used", "does not read request.target.validation"),
    "chooses-blindly": ("spec_fields_are_valid", 'The selection "target-inputs" needs Access.TARGET_INPUTS'),
    "chooses-somehow": ("spec_fields_are_valid", "selection is 'best'; use one of last, source-validation"),
    "scores-undeclared": ("runs_to_a_result", 'scores candidates, but declares selection="last"'),
    "spoils-weights": ("runs_to_a_result", "outputs that are not finite or are huge"),
}
ESTIMATORS = {
    "upside-down": ("higher_is_expected_to_transfer_better", "a higher number must mean"),
    "likes-distance": ("higher_is_expected_to_transfer_better", "with source features far from those of the target"),
    "counts-calls": ("estimates_are_finite_and_reproducible", "for the same request on toy/blobs"),
    "sorts-in-place": ("request_is_not_changed", "changes request.targets: copy"),
    "sets-seed": ("process_state_is_unchanged", "estimate changes NumPy's random state"),
    "gives-text": ("estimates_are_finite_and_reproducible", "returned a str: return one number"),
    "unnamed": ("spec_fields_are_valid", "paper is empty"),
}
ANALYSES = {
    "moves-weights": ("models_and_inputs_are_not_changed", "changes weights of request.after"),
    "leaves-hooks": ("models_and_inputs_are_not_changed", "changes hooks of request.before"),
    "trains": ("models_and_inputs_are_not_changed", "changes training mode of request.after"),
    "draws-freely": ("analyses_are_finite_and_reproducible", "different numbers for the same request"),
    "gives-dict": ("analyses_are_finite_and_reproducible", "returned a dict: return tlbench.Analysis"),
    "says-nothing": ("analyses_are_finite_and_reproducible", "neither a number nor a picture"),
    "nan": ("runs_to_a_result", "lacks its numbers"),
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


def test_a_strategy_that_trains_a_head_and_serves_another_is_noted(broken, make):
    status, reason = make(broken.strategy("keeps-the-old-head"), "served_head_is_trained")
    assert (status, "leaves the head target as it was on toy/" in reason) == ("note", True), reason
    assert make(broken.strategy("adversarial"), "served_head_is_trained") == ("ok", "")


def test_a_strong_augmentation_that_is_the_weak_one_is_noted(broken, make):
    spec = broken.backbone("toy/augments-weakly")
    assert make(spec, "augment_keeps_shape_and_type") == (
        "note",
        "augment does the same for weak and strong with jitter",
    )
    assert make(broken.backbone("toy/mlp"), "augment_keeps_shape_and_type") == ("ok", "")


@pytest.mark.parametrize("name", ESTIMATORS)
def test_a_broken_estimator_is_named(broken, make, name):
    check, says = ESTIMATORS[name]
    status, reason = make(broken.estimator(name), check)
    expected = "note" if check.startswith("higher") else "failed"
    assert (status, says in reason) == (expected, True), reason


@pytest.mark.parametrize("name", ANALYSES)
def test_a_broken_analysis_is_named(broken, make, name):
    check, says = ANALYSES[name]
    status, reason = make(broken.analysis(name), check)
    assert (status, says in reason) == ("failed", True), reason


def test_an_estimator_that_suits_no_task_of_the_toy_is_skipped(broken, make):
    assert make(broken.estimator("nowhere"), "runs_to_a_result")[0] == "skipped"


def test_an_empty_domain_is_named(broken, make):
    spec = broken.domain("empty")
    assert make(spec, "domain_has_a_task") == ("failed", 'Domain "empty" has no task: add one named "empty/...".')


def test_a_family_that_finds_anything_is_named(broken, make):
    check = "unknown_names_are_refused"
    assert broken.families["shelf"] in conformance.specs_of(broken, [broken.origin(broken.families["shelf"])])
    assert make(broken.families["shelf"], check) == ("ok", "")
    status, reason = make(broken.families["anything"], check)
    assert (status, reason.startswith('Family "anything": find("no model is called so") returns a backbone')) == (
        "failed",
        True,
    )
    assert make(broken.families["closed"], check)[0] == "skipped"


def test_what_a_person_should_look_at_is_a_note(broken, make):
    status, reason = make(broken.task("toy/leaks"), "test_examples_are_not_in_training")
    assert (status, "10 of 10 target test examples are also training examples" in reason) == ("note", True)
    status, reason = make(broken.task("toy/one-speaker"), "groups_are_held_out_together")
    assert (status, "the test interval is over only one group" in reason) == ("note", True)
    status, reason = make(broken.strategy("greedy-eyes"), "declared_access_is_used")
    assert (status, "declares access to source" in reason) == ("note", True)
    assert make(broken.strategy("finetune"), "declared_access_is_used") == ("ok", "")


@pytest.mark.parametrize(
    ("strategy", "says"),
    [
        ("misspelt-needs", 'Unknown trait "batch-norm". Did you mean "batchnorm"?'),
        ("misspelt-modalities", 'Unknown modality "tabula". Did you mean "tabular"?'),
    ],
)
def test_a_misspelt_trait_or_modality_is_a_note(broken, make, strategy, says):
    status, reason = make(broken.strategy(strategy), "needs_are_known")
    assert (status, says in reason) == ("note", True)


def test_what_a_strategy_says_is_not_applicable_is_skipped(broken, make):
    status, reason = make(broken.strategy("cannot"), "runs_are_reproducible")
    assert (status, "works on none of the toy's tasks: The encoder has no attention." in reason) == ("skipped", True)
    status, reason = make(broken.strategy("cannot"), "runs_to_a_result")
    assert (status, "The encoder has no attention." in reason) == ("skipped", True)
    assert make(broken.strategy("not-for-words"), "runs_are_reproducible") == ("ok", "")


def test_what_cannot_be_checked_is_skipped_with_the_reason(broken, make, monkeypatch):
    monkeypatch.delenv("TLBENCH_DATA", raising=False)
    status, reason = make(broken.strategy("suits-nothing"), "runs_to_a_result")
    assert (status, "any of the toy's tasks" in reason) == ("skipped", True)
    status, reason = make(broken.backbone("toy/gas"), "features_have_the_declared_shape")
    assert (status, 'no task of the modality "smell"' in reason) == ("skipped", True)
    status, reason = make(broken.task("toy/table"), "data_is_valid")
    assert (status, "set TLBENCH_DATA to the folder" in reason) == ("skipped", True)


def test_what_a_broken_plugin_changed_is_put_back(broken, make, monkeypatch):
    import torch

    before = torch.get_num_threads()
    make(broken.backbone("toy/takes-threads"), "process_state_is_unchanged")
    make(broken.strategy("stops-gradients"), "process_state_is_unchanged")
    assert (torch.get_num_threads(), torch.is_grad_enabled()) == (before, True)
