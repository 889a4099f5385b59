from __future__ import annotations

import dataclasses
import re

import pytest
from support import install, only, plan_only

from tlbench import ANOMALY, CLASSIFICATION, LANGUAGE_MODELLING, MULTI_LABEL, REGRESSION, SEGMENTATION
from tlbench.contract.budget import Budget
from tlbench.errors import MissingDataError, UnknownNameError, UsageError
from tlbench.planning import expand
from tlbench.planning.catalog import load_catalog
from tlbench.planning.compatibility import mismatch
from tlbench.planning.expand import make_plan
from tlbench.planning.fingerprints import fingerprint
from tlbench.planning.selection import RunRequest

EMBEDDINGS = dataclasses.replace(CLASSIFICATION, name="embeddings", traits=("probe", "embeddings"))
BLOBS = {"tasks": ["toy/blobs"], "strategies": ["finetune"]}


def words_in_order(message, *words):
    """Return whether a message mentions all of these words in this order."""
    return re.search(".*".join(map(re.escape, words)), message) is not None


def resolved(plan_of, catalog, overrides, **run_request):
    (pairing,) = plan_of(catalog, **{**BLOBS, **run_request}, overrides=overrides).pairings
    return pairing


def test_a_run_request_is_expanded_into_every_pairing_in_order(catalog, plan_of):
    plan = plan_of(
        catalog,
        tasks=["toy/blobs", "toy/shapes"],
        backbones=["toy/mlp", "toy/mlp-batchnorm"],
        strategies=["frozen", "finetune"],
        seeds=(0, 1),
    )
    assert len(plan.pairings) == 2 * 2 * 2 * 2
    assert [pairing.title for pairing in plan.pairings][:3] == [
        "toy/blobs toy/mlp frozen seed 0",
        "toy/blobs toy/mlp frozen seed 1",
        "toy/blobs toy/mlp finetune seed 0",
    ]


def test_an_empty_run_request_is_every_task_that_needs_no_data_with_its_own_backbone_and_every_strategy(
    catalog, plan_of
):
    plan = plan_of(catalog)
    tasks = {pairing.task.name for pairing in plan.pairings}
    assert tasks == {name for name, task in catalog.tasks.items() if task.data_from == "package"}
    assert {"toy/blobs", "toy/shapes", "toy/names"} <= tasks
    assert all(pairing.backbone.name == pairing.task.backbone for pairing in plan.pairings)
    expected = {name for name, spec in catalog.strategies.items() if not spec.on_request}
    assert {pairing.strategy.name for pairing in plan.pairings} == expected


def test_all_strategies_are_those_that_are_not_named_by_default_too(catalog, plan_of):
    rare = dataclasses.replace(catalog.strategy("finetune"), name="rare", on_request=True)
    offering = dataclasses.replace(catalog, strategies={**catalog.strategies, "rare": rare})

    def planned(**chosen):
        plan = plan_of(offering, tasks=["toy/blobs"], references=["none"], **chosen)
        return [pairing.strategy.name for pairing in plan.pairings]

    assert "rare" not in planned()
    assert planned(strategies=["rare"]) == ["rare"]
    every = [name for name, spec in offering.strategies.items() if not spec.baseline]
    assert planned(strategies=["all"]) == every
    assert planned(strategies=["rare", "all"]) == ["rare", *(name for name in every if name != "rare")]


@pytest.mark.parametrize(
    ("references", "planned"),
    [
        (["all"], {"finetune", "constant", "source-only", "scratch", "all-labels", "classical"}),
        (["none"], {"finetune"}),
        (["constant", "scratch"], {"finetune", "constant", "scratch"}),
    ],
)
def test_baselines_are_those_that_are_asked_for(catalog, plan_of, references, planned):
    plan = plan_of(catalog, **BLOBS, references=references)
    assert {pairing.strategy.name for pairing in plan.pairings} == planned


def test_without_baselines_all_other_strategies_are_planned(catalog, plan_of):
    plan = plan_of(catalog, tasks=["toy/blobs"], references=["none"])
    others = {name for name, spec in catalog.strategies.items() if not spec.baseline and not spec.on_request}
    assert {pairing.strategy.name for pairing in plan.pairings} == others


def test_a_strategy_that_is_no_baseline_is_no_reference(catalog, plan_of):
    with pytest.raises(UnknownNameError, match="baseline"):
        plan_of(catalog, **BLOBS, references=["finetune"])


@pytest.mark.parametrize(
    ("run_request", "advice"),
    [
        ({"tasks": ["toy/blob"]}, 'task "toy/blob".*"toy/blobs"'),
        ({"strategies": ["forzen"]}, 'strategy "forzen".*"frozen"'),
        ({"backbones": ["toy/mpl"]}, 'backbone "toy/mpl".*"toy/mlp"'),
    ],
)
def test_an_unknown_name_proposes_near_ones(catalog, plan_of, run_request, advice):
    with pytest.raises(UnknownNameError, match=advice):
        plan_of(catalog, **{**BLOBS, **run_request})


def test_backbones_of_another_modality_fall_away_and_nothing_left_is_an_error(catalog, plan_of):
    both = plan_of(catalog, tasks=["toy/blobs", "toy/names"], backbones=["toy/mlp"], strategies=["frozen"])
    assert [pairing.task.name for pairing in both.pairings] == ["toy/blobs"]
    with pytest.raises(UsageError, match="Nothing to run"):
        plan_of(catalog, tasks=["toy/names"], backbones=["toy/mlp"])


def test_a_pairing_that_makes_no_sense_is_skipped_with_its_reason(catalog, plan_of):
    plan = plan_of(catalog, tasks=["toy/blobs", "toy/shapes"], strategies=["adversarial", "finetune"])
    reasons = {(pairing.task.name, pairing.strategy.name): pairing.skip for pairing in plan.pairings}
    reason = reasons.pop(("toy/shapes", "adversarial"))
    assert words_in_order(reason, '"adversarial"', "(transductive)", '"toy/shapes"', "(inductive)"), reason
    assert set(reasons.values()) == {""}


def test_a_strategy_for_inductive_tasks_is_skipped_on_a_transductive_one(catalog, plan_of):
    inductive = dataclasses.replace(catalog.strategy("finetune"), settings=("inductive",))
    changed = dataclasses.replace(catalog, strategies={"finetune": inductive})
    plan = plan_of(changed, tasks=["toy/blobs", "toy/shapes"])
    reasons = {pairing.task.name: pairing.skip for pairing in plan.pairings}
    assert reasons["toy/shapes"] == ""
    words = ('"finetune"', "different labels", "(inductive)", '"toy/blobs"', "same labels", "(transductive)")
    assert words_in_order(reasons["toy/blobs"], *words), reasons["toy/blobs"]


@pytest.mark.parametrize(
    ("changed", "backbone", "words"),
    [
        ({"needs": ("class-probabilities", "probe", "two-views")}, "toy/mlp", ()),
        ({"needs": ("two-views",)}, "toy/mlp-batchnorm", ('"finetune"', "two views", '"toy/mlp-batchnorm"', "augment")),
        ({"needs": ("label-vectors",)}, "toy/mlp", ('"finetune"', "vectors of label names", '"toy/mlp"')),
        ({"needs": ("wings",)}, "toy/mlp", ("requires wings", '"toy/mlp"', "kind classification", '"toy/blobs" lack')),
        (
            {"needs": ("batchnorm",)},
            "toy/mlp",
            ('"finetune"', "batch normalisation", '"toy/mlp"'),
        ),
        ({"needs": ("batchnorm",)}, "toy/mlp-batchnorm", ()),
        ({"modalities": ("tabular", "image")}, "toy/mlp", ()),
        ({"modalities": ("image", "series")}, "toy/mlp", ("image or series inputs", '"toy/blobs"', "tabular inputs")),
        ({"needs": ("one-encoder", "one-prediction", "unit-targets", "linear-head")}, "toy/mlp", ()),
        ({"needs": ("source-probe", "source-class-probabilities")}, "toy/mlp", ()),
    ],
)
def test_what_a_strategy_asks_for_is_held_against_task_and_backbone(catalog, plan_of, changed, backbone, words):
    strategy = dataclasses.replace(catalog.strategy("finetune"), **changed)
    changed = dataclasses.replace(catalog, strategies={"finetune": strategy})
    reason = resolved(plan_of, changed, {}, backbones=[backbone]).skip
    assert words_in_order(reason, *words), reason
    assert bool(reason) == bool(words)


@pytest.mark.parametrize(
    ("changed", "need", "reason"),
    [
        ({"kind": REGRESSION}, "class-probabilities", "class probabilities, which the kind regression lacks."),
        ({"kind": MULTI_LABEL}, "class-probabilities", "class probabilities, which the kind multi-label lacks."),
        ({"kind": ANOMALY}, "class-probabilities", ""),
        (
            {"kind": SEGMENTATION},
            "one-prediction",
            "one prediction for each example, which the kind segmentation lacks.",
        ),
        ({"kind": REGRESSION}, "one-prediction", ""),
        ({"kind": LANGUAGE_MODELLING}, "unit-targets", "a target for each unit of prediction, which the kind language"),
        (
            {"kind": EMBEDDINGS},
            "linear-head",
            "a head that a linear model can replace, which the kind embeddings lacks.",
        ),
        ({"source_kind": REGRESSION}, "class-probabilities", ""),
        (
            {"source_kind": REGRESSION},
            "source-class-probabilities",
            "class probabilities in the source domain, which the kind regression lacks.",
        ),
        ({}, "source-features", ""),
        (
            {"source_kind": LANGUAGE_MODELLING},
            "source-features",
            "a source with a target for each unit of prediction, w",
        ),
        ({"augment": ()}, "two-views", 'two views of an example, which "toy/blobs" lacks: it names no'),
        ({"traits": ("ordered-labels",)}, "ordered-labels", ""),
    ],
)
def test_the_kind_and_the_task_give_traits_too(catalog, changed, need, reason):
    task = dataclasses.replace(catalog.task("toy/blobs"), **changed)
    strategy = dataclasses.replace(catalog.strategy("finetune"), needs=(need,))
    found = mismatch(task, "transductive", catalog.backbone("toy/mlp"), strategy)
    assert found.startswith(f'"finetune" requires {reason}') if reason else found == ""


def test_an_estimator_of_source_features_is_left_out_without_a_source(catalog, plan_of):
    spec = dataclasses.replace(catalog.estimator("class-share"), needs=("source-features",))
    asking = dataclasses.replace(catalog, estimators={"class-share": spec})
    plan = plan_of(asking, tasks=["toy/alone", "toy/blobs"], strategies=["frozen"], estimators=["class-share"])
    found = {pairing.task.name: (len(pairing.estimators), dict(pairing.left_out)) for pairing in plan.pairings}
    reason = found["toy/alone"][1].pop("class-share")
    assert words_in_order(reason, '"class-share" requires a source', '"toy/alone" lacks', "no source domain"), reason
    assert found == {"toy/alone": (0, {}), "toy/blobs": (1, {})}


def test_a_backbone_that_encodes_labels_gives_label_vectors(catalog):
    backbone = dataclasses.replace(catalog.backbone("toy/mlp"), encode_labels=lambda request: None)
    strategy = dataclasses.replace(catalog.strategy("finetune"), needs=("label-vectors",))
    assert mismatch(catalog.task("toy/blobs"), "transductive", backbone, strategy) == ""


def test_a_backbone_of_one_dimensional_convolutions_alone_has_no_plain_layers(catalog):
    one = dataclasses.replace(catalog.backbone("toy/mlp"), traits=("conv1d-only",))
    strategy = dataclasses.replace(catalog.strategy("finetune"), needs=("plain-layers",))
    found = mismatch(catalog.task("toy/blobs"), "transductive", one, strategy)
    assert found.endswith('requires a linear layer or a two-dimensional convolution, which "toy/mlp" lacks.')


def test_a_backbone_that_is_made_of_others_is_no_single_encoder(catalog):
    one = catalog.backbone("toy/mlp")
    strategy = dataclasses.replace(catalog.strategy("finetune"), needs=("one-encoder",))
    found = mismatch(catalog.task("toy/blobs"), "transductive", dataclasses.replace(one, parts=(one, one)), strategy)
    assert found == '"finetune" requires a single encoder, which "toy/mlp" lacks.'


@pytest.mark.parametrize("kind", [REGRESSION, MULTI_LABEL, dataclasses.replace(CLASSIFICATION, name="ordinal")])
def test_adversarial_training_needs_nothing_of_the_kind(catalog, kind):
    task = dataclasses.replace(catalog.task("toy/blobs"), kind=kind)
    assert mismatch(task, "transductive", catalog.backbone("toy/mlp"), catalog.strategy("adversarial")) == ""


def test_a_backbone_without_the_task_s_layout_is_skipped(catalog, plan_of):
    backbone = dataclasses.replace(catalog.backbone("toy/mlp"), layouts=("sequence",))
    changed = dataclasses.replace(catalog, backbones={"toy/mlp": backbone})
    reason = resolved(plan_of, changed, {}).skip
    assert words_in_order(reason, '"toy/blobs"', "pooled", '"toy/mlp"', "sequence"), reason


def test_a_missing_package_skips_what_needs_it_and_nothing_else(site, plan_of):
    install(site, "tlbench-poor", {"poor": "absent_needs"})
    catalog = load_catalog()
    plan = plan_of(
        catalog,
        tasks=["toy/blobs", "toy/needs-absent", "toy/odd-source"],
        backbones=["toy/mlp", "tabular/needs-absent"],
        strategies=["frozen", "needs-absent"],
    )
    reasons = {(p.task.name, p.backbone.name, p.strategy.name): p.skip for p in plan.pairings}
    assert reasons.pop(("toy/blobs", "toy/mlp", "frozen")) == ""
    assert all("requires a_module_that_is_nowhere: pip install" in reason for reason in reasons.values())
    assert reasons["toy/odd-source", "toy/mlp", "frozen"].startswith('"odd" requires')


# Options


def test_a_user_s_value_beats_the_recipe_and_the_recipe_the_default(catalog, plan_of):
    pairing = resolved(plan_of, catalog, {})
    assert pairing.strategy_options["steps"] == 40, "full.steps of the recipe"
    assert pairing.strategy_options["learning_rate"] == 1e-3, "the strategy's default"
    assert pairing.source_options["steps"] == 60, "source.steps of the recipe"
    frozen = only(plan_of(catalog, tasks=["toy/blobs"], strategies=["adversarial"]).pairings)
    assert frozen.strategy_options["steps"] == 30, "steps of the recipe, for every strategy"
    assert resolved(plan_of, catalog, {"finetune.steps": "7"}).strategy_options["steps"] == 7


@pytest.mark.parametrize(
    ("key", "value", "where", "found"),
    [
        ("toy/blobs.noise", "2", "task_options", 2.0),
        ("task.noise", "3", "task_options", 3.0),
        ("toy/mlp.hidden", "8", "backbone_options", 8),
        ("backbone.hidden", "9", "backbone_options", 9),
        ("source.steps", "5", "source_options", 5),
        ("finetune.batch_size", "16", "strategy_options", 16),
        ("strategy.weight_decay", "0", "strategy_options", 0.0),
    ],
)
def test_an_option_is_set_by_its_owner_s_name_or_role(catalog, plan_of, key, value, where, found):
    pairing, plain = resolved(plan_of, catalog, {key: value}), resolved(plan_of, catalog, {})
    name = key.rpartition(".")[2]
    assert getattr(pairing, where)[name] == found
    differing = [
        field
        for field in ("task_options", "backbone_options", "source_options", "strategy_options")
        if getattr(pairing, field) != getattr(plain, field)
    ]
    assert differing == [where]


def test_a_name_beats_a_role(catalog, plan_of):
    overrides = {"finetune.steps": "7", "strategy.steps": "9"}
    plan = plan_of(catalog, tasks=["toy/blobs"], strategies=["finetune", "adversarial"], overrides=overrides)
    assert {p.strategy.name: p.strategy_options["steps"] for p in plan.pairings} == {"finetune": 7, "adversarial": 9}


@pytest.mark.parametrize("owner", ["task", "toy/blobs"])
def test_the_label_budget_is_an_option_of_the_task(catalog, plan_of, owner):
    assert resolved(plan_of, catalog, {}).label_budget == Budget(24)
    pairing = resolved(plan_of, catalog, {f"{owner}.label_budget": "60"})
    assert pairing.label_budget == Budget(60)
    assert "label_budget" not in pairing.task_options


def test_a_sweep_runs_who_sees_target_labels_with_each_budget_and_the_others_once(catalog, settings):
    run_request = RunRequest(
        tasks=["toy/blobs"], strategies=["finetune", "adversarial"], seeds=(0,), label_budgets=["2/class", "all"]
    )
    found = {}
    for pairing in make_plan([run_request], catalog, settings).pairings:
        found.setdefault(pairing.strategy.name, []).append(str(pairing.label_budget))
    assert found["finetune"] == found["scratch"] == ["2/class", "all"]
    assert found["adversarial"] == found["source-only"] == found["all-labels"] == ["24"]


def test_a_plan_of_very_many_runs_is_counted_and_not_expanded(catalog, settings, monkeypatch):
    run_request = RunRequest(
        tasks=["toy/blobs", "toy/shapes"], strategies=["finetune", "adversarial"], label_budgets=["2/class", "all"]
    )
    count = len(make_plan([run_request], catalog, settings).pairings)
    monkeypatch.setattr(expand, "MOST", count)
    assert len(make_plan([run_request], catalog, settings).pairings) == count
    monkeypatch.setattr(expand, "fingerprint_of", lambda *_: pytest.fail("a task was expanded"))
    with pytest.raises(UsageError, match=f"{count * 2} runs; the limit is {count}"):
        make_plan([run_request, run_request], catalog, settings)
    with pytest.raises(UsageError, match="seeds"):
        make_plan([dataclasses.replace(run_request, seeds=range(10**12))], catalog, settings)


@pytest.mark.parametrize("budget", ["0", "-3", "1.5", "5/label", "/class", "some"])
def test_a_label_budget_of_nothing_is_refused(catalog, plan_of, budget):
    with pytest.raises(UsageError, match=f'"{budget}".*50.*5/class.*all'):
        resolved(plan_of, catalog, {"task.label_budget": budget})


@pytest.mark.parametrize(
    ("key", "advice"),
    [
        ("finetune.step", '"finetune.steps"'),
        ("adversarial.weight", 'Unknown option "adversarial.weight"'),
        ("steps", 'Unknown option "steps"'),
        ("source.label_budget", 'Unknown option "source.label_budget"'),
    ],
)
def test_an_option_that_nothing_in_the_plan_has_is_refused(catalog, plan_of, key, advice):
    with pytest.raises(UnknownNameError, match=advice):
        resolved(plan_of, catalog, {key: "1"})


def test_a_value_of_the_wrong_type_is_refused(catalog, plan_of):
    with pytest.raises(UsageError, match='"many" for the option "steps"'):
        resolved(plan_of, catalog, {"finetune.steps": "many"})


# Files


def test_a_task_of_the_user_s_files_needs_their_folder(catalog, plan_of):
    with pytest.raises(MissingDataError, match=r"TLBENCH_DATA .*--set task.source=DIR"):
        plan_of(catalog, tasks=["toy/table"])


def test_a_folder_without_the_file_is_said_to_lack_it(catalog, plan_of, tmp_path):
    with pytest.raises(MissingDataError, match=r'rows.csv".*does not exist.*task.source'):
        plan_of(catalog, tasks=["toy/table"], overrides={"task.source": str(tmp_path)})


@pytest.mark.data
def test_tasks_of_real_data_find_their_files_below_the_data_root(catalog, settings, data_root):
    settings = dataclasses.replace(settings, data_root=data_root)
    names = [task.name for task in catalog.tasks.values() if task.data_from == "data-root"]
    assert names
    for name in names:
        (pairing,) = plan_only(catalog, settings, tasks=[name], strategies=["constant"]).pairings
        files = pairing.task.files(pairing.load_request)
        assert files
        assert all(data_root in path.parents for path in files)
        assert pairing.fingerprint == fingerprint(files, settings.cache)
