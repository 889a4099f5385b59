"""Published methods as plugins in single files: none touches the host, and each ends as a scored, exported file."""

from __future__ import annotations

import ast
import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from support import silent
from torch import nn

from tlbench import REGRESSION
from tlbench.engine.adaptation import adapt
from tlbench.engine.given import declared_parts, seen_labels
from tlbench.engine.models import read_adapted
from tlbench.engine.stages import adapt as adapt_stage
from tlbench.learning import encode
from tlbench.learning.model import state_hash
from tlbench.planning.catalog import load_catalog
from tlbench.planning.discovery import plugin_file
from tlbench.testing.toy import toy_candidate

HERE = Path(__file__).parent
FILES = {
    "lwf": "lwf",
    "adapters": "adapters",
    "mlp-head": "mlp_head",
    "pair": "ensemble",
    "lora": "lora",
    "gradual": "gradual",
    "discriminative": "discriminative",
    "mean-teacher": "mean_teacher",
    "best-checkpoint": "best_checkpoint",
}
"""Strategy -> the file that it is in."""
TASKS = ("toy/blobs", "toy/shapes", "toy/names", "toy/alone")
"""Labels that agree, labels that differ, words, and no source."""
FACADES = {"tlbench", "tlbench.learning", "tlbench.assets", "tlbench.testing"}


@pytest.fixture(scope="module")
def methods():
    """The catalog of the toy, the shipped plugins and the methods of this folder."""
    return load_catalog(also=[toy_candidate(), *(plugin_file(HERE / f"{name}.py") for name in FILES.values())])


@pytest.fixture
def plan(methods, plan_of):
    """The one pairing of a strategy with a task."""

    def planned(strategy: str, task: str = "toy/blobs", **run_request):
        (pairing,) = plan_of(methods, tasks=[task], strategies=[strategy], **run_request).pairings
        return pairing

    return planned


@pytest.fixture
def adapted(plan, source_of):
    """Adapt: (pairing, prepared, source model, what came out)."""

    def make(strategy: str, task: str = "toy/blobs", **run_request):
        pairing = plan(strategy, task, **run_request)
        prepared, source = source_of(pairing)
        return pairing, prepared, source, adapt(pairing, prepared, source, silent)

    return make


@pytest.mark.parametrize("name", FILES.values())
def test_a_method_uses_public_names_alone_and_is_short(name):
    tree = ast.parse((HERE / f"{name}.py").read_text())
    modules = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {module for module in modules if module.split(".")[0] == "tlbench"} <= FACADES
    # What is a method: functions and classes, without the spec.
    bodies = [node for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    lines = sum(node.end_lineno - node.lineno + 1 for node in bodies if node.name != "tlbench_strategies")
    assert lines <= 40


def test_every_method_runs_on_every_task_that_it_fits_and_its_file_agrees_with_torch(methods, run_pairings):
    outcome = run_pairings(methods, tasks=TASKS, strategies=list(FILES), quick=True, seeds=[0])
    rows = [row for row in outcome.rows if row.strategy in FILES]
    assert {(row.status, row.reason) for row in rows if row.status == "failed"} == set()
    skipped = {(row.strategy, row.task) for row in rows if row.status == "skipped"}
    assert skipped == {("lwf", "toy/alone"), ("lora", "toy/names")}  # The window over words has no linear layers.
    for row in rows:
        if row.status == "ok":
            assert row.parity < 1e-5, row.strategy
            assert row.trained_parameters > 0
            assert row.score == pytest.approx(row.eager_score, abs=1e-6)


class TestLwF:
    def test_the_old_head_trains_and_forgetting_is_measured_with_it(self, adapted, methods, run_pairings):
        _, _, source, made = adapted("lwf", "toy/shapes")
        before, after = source.heads["source"], made.model.heads["source"]
        assert not torch.equal(before.weight, after.weight)
        outcome = run_pairings(methods, tasks=["toy/shapes"], strategies=["lwf"])
        (row, *_) = [row for row in outcome.rows if row.strategy == "lwf"]
        assert row.forgetting_head is not None

    def test_with_a_large_weight_it_forgets_less_than_fine_tuning(self, methods, run_pairings):
        rough = {"steps": 200, "learning_rate": 0.1}
        overrides = {f"{name}.{option}": value for name in ("lwf", "finetune") for option, value in rough.items()}
        overrides["lwf.weight"] = 30.0
        names = ["lwf", "finetune"]
        outcome = run_pairings(methods, tasks=["toy/shapes"], strategies=names, seeds=[0, 1, 2], overrides=overrides)
        lost = {name: np.mean([row.forgetting_head for row in outcome.rows if row.strategy == name]) for name in names}
        assert lost["lwf"] < lost["finetune"]


class TestExtensions:
    def test_adapters_are_the_identity_at_the_start_and_train_alone(self, adapted):
        _, prepared, source, made = adapted("adapters", overrides={"adapters.steps": 1, "adapters.learning_rate": 1e-9})
        inputs = prepared.split("target-test").inputs
        np.testing.assert_allclose(encode(made.model, inputs), encode(source, inputs), atol=1e-5)
        bottleneck, head = 2 * 16 * 4 + 4 + 16, 16 * 3 + 3
        assert made.trained_parameters == bottleneck + head
        assert state_hash(made.model.encoder.encoder) == state_hash(source.encoder)

    def test_a_head_of_two_layers_leaves_the_encoder_and_the_source_head_as_they_are(self, methods, run_pairings):
        (row, *_) = run_pairings(methods, tasks=["toy/blobs"], strategies=["mlp-head"]).rows
        assert (row.forgetting_head, row.forgetting_probe) == (0.0, 0.0)
        assert row.trained_parameters == 16 * 8 + 8 + 8 * 3 + 3

    def test_a_pair_has_no_place_for_the_source_head_and_says_so(self, methods, run_pairings):
        (row, *_) = run_pairings(methods, tasks=["toy/blobs"], strategies=["pair"]).rows
        assert row.forgetting_head is None
        assert row.forgetting_probe is not None
        assert "no place for the source head" in row.forgetting_reason

    def test_models_of_one_architecture_share_a_graph(self, methods, run_pairings):
        outcome = run_pairings(methods, tasks=["toy/blobs"], strategies=["pair"], seeds=[0, 1])
        rows = [row for row in outcome.rows if row.strategy == "pair"]
        assert len({row.graph for row in rows}) == len({row.latency for row in rows}) == 1
        assert len({row.onnx_sha256 for row in rows}) == 2

    def test_what_was_saved_is_what_is_read_back(self, plan, source_of, tmp_path):
        from tlbench.learning.model import save_weights

        pairing = plan("pair")
        prepared, source = source_of(pairing)
        made = adapt(pairing, prepared, source, silent)
        save_weights(made.model, tmp_path / "model.safetensors")
        again = read_adapted(pairing, prepared, "cpu", tmp_path)
        assert state_hash(again) == state_hash(made.model)

    def test_an_extension_draws_the_same_for_every_seed_and_leaves_the_draws_behind_it(self, plan, source_of):
        states = []

        def note(request):
            states.append((state_hash(request.model.heads["target"]), torch.rand(1).item()))
            return request.model

        for seed, extend in ((0, True), (1, True), (0, False)):
            pairing = plan("mlp-head", seeds=[seed])
            strategy = dataclasses.replace(
                pairing.strategy, adapt=note, extend=pairing.strategy.extend if extend else None
            )
            pairing = dataclasses.replace(pairing, strategy=strategy)
            adapt(pairing, *source_of(pairing), silent)
        assert states[0][0] == states[1][0]
        assert states[0][1] == states[2][1] != states[1][1]

    def test_the_stage_of_a_graph_depends_on_the_extension(self):
        assert "extension" in adapt_stage.STAGE.inputs


class TestLoRA:
    def test_the_count_is_that_of_the_matrices_and_the_head(self, adapted):
        _, _, source, made = adapted("lora", overrides={"lora.rank": 2})
        (layer,) = [part for part in source.encoder.modules() if isinstance(part, nn.Linear)]
        updates = 2 * (layer.in_features + layer.out_features)
        assert made.trained_parameters == updates + 16 * 3 + 3

    def test_an_update_has_the_rank_of_the_option(self, adapted):
        _, _, source, made = adapted("lora", overrides={"lora.rank": 2})
        (before,) = [part for part in source.encoder.modules() if isinstance(part, nn.Linear)]
        (after,) = [part for part in made.model.encoder.modules() if isinstance(part, nn.Linear)]
        singular = torch.linalg.svdvals(after.weight - before.weight)
        assert singular[1] > 1e-4
        assert singular[2:].max() < 1e-5 * singular[0]

    def test_an_encoder_without_linear_layers_is_skipped_with_the_reason(self, methods, run_pairings):
        (row, *_) = run_pairings(methods, tasks=["toy/names"], strategies=["lora"]).rows
        assert (row.status, row.reason) == ("skipped", "The encoder has no linear layers.")


def moved(source, model):
    """How far each block of an encoder went."""
    pairs = zip(source.encoder.blocks(), model.encoder.blocks(), strict=True)
    return [
        max(float((a - b).detach().abs().max()) for a, b in zip(old.parameters(), new.parameters(), strict=True))
        for old, new in pairs
    ]


class TestBlocks:
    def test_blocks_thaw_from_the_last_to_the_first(self, adapted):
        """With two blocks and a phase each, the first block trains in the last phase alone."""
        _, _, source, made = adapted("gradual", "toy/names", overrides={"gradual.steps": 9})
        assert len(made.model.encoder.blocks()) == 2
        assert min(moved(source, made.model)) > 0
        # Fewer steps than phases: the last phases have the steps, so the head alone never trains the first block.
        _, _, source, made = adapted("gradual", "toy/names", overrides={"gradual.steps": 1})
        assert max(moved(source, made.model)) > 0

    def test_a_factor_of_zero_keeps_all_but_the_head(self, adapted):
        _, _, source, made = adapted("discriminative", "toy/names", overrides={"discriminative.decay": 0.0})
        assert moved(source, made.model) == [0.0, 0.0]
        _, _, source, made = adapted("discriminative", "toy/names", overrides={"discriminative.decay": 0.1})
        first, last = moved(source, made.model)
        assert 0 < first < last


class TestMeanTeacher:
    def test_with_full_momentum_the_teacher_is_the_start(self, adapted):
        _, _, source, made = adapted("mean-teacher", overrides={"mean-teacher.momentum": 1.0})
        assert state_hash(made.model.encoder) == state_hash(source.encoder)

    def test_without_momentum_and_agreement_it_is_fine_tuning_on_the_same_batches(self, adapted, plan, source_of):
        overrides = {"mean-teacher.momentum": 0.0, "mean-teacher.weight": 0.0}
        pairing, prepared, source, made = adapted("mean-teacher", overrides=overrides)

        def plain(request):
            labelled, unlabelled = request.batches(request.target.train), request.batches(request.target.unlabelled)

            def loss(progress):
                inputs, targets, _ = next(labelled)
                next(unlabelled)
                return request.target.kind.loss(request.model(*inputs), targets)

            request.train([request.model.encoder, request.model.heads["target"]], loss)
            return request.model

        tuned = dataclasses.replace(pairing, strategy=dataclasses.replace(pairing.strategy, adapt=plain))
        expected = adapt(tuned, prepared, source, silent).model
        for name, value in made.model.encoder.state_dict().items():
            torch.testing.assert_close(value, expected.encoder.state_dict()[name], rtol=1e-4, atol=1e-5)


def test_tokens_are_pooled_by_example(source_of, pairing_of):
    pairing = pairing_of("toy/names")
    prepared, source = source_of(pairing)
    (ids,) = prepared.split("target-train").inputs.batch(np.arange(6))
    pooled, units = source.pooled(ids), source.features(ids)
    counts = (ids > 0).sum(1)
    for row, part in zip(pooled, units.split(counts.tolist()), strict=True):
        torch.testing.assert_close(row, part.mean(0))


class TestSelection:
    def test_a_fifth_of_the_budget_is_set_aside_and_the_row_says_how_many_trained(self, methods, run_pairings):
        (row, *_) = run_pairings(methods, tasks=["toy/blobs"], strategies=["best-checkpoint"]).rows
        assert (row.label_budget, row.selection) == (24, "target-validation")
        assert 17 <= row.training_labels <= 21

    def test_both_parts_make_up_the_budget_that_every_strategy_gets(self, plan, source_of):
        pairing = plan("best-checkpoint")
        prepared, _ = source_of(pairing)
        parts, budget = declared_parts(pairing, prepared), seen_labels(pairing, prepared)
        assert set(parts) == {"target.train", "target.validation"}
        rows = np.concatenate([part.inputs.columns[0] for part in parts.values()])
        np.testing.assert_array_equal(np.sort(rows, axis=0), np.sort(budget.inputs.columns[0], axis=0))

    def test_the_best_of_the_checkpoints_is_returned(self, adapted, source_of):
        """With a rate that ruins the model, the first checkpoint is kept."""
        overrides = {"best-checkpoint.checkpoints": 2, "best-checkpoint.steps": 8}
        pairing, prepared, source, _ = adapted("best-checkpoint", overrides=overrides)
        scores = []

        def watched(request):
            score = request.score

            def noting(model, examples):
                scores.append(score(model, examples))
                return scores[-1]

            object.__setattr__(request, "score", noting)
            return pairing.strategy.adapt(request)

        strategy = dataclasses.replace(pairing.strategy, adapt=watched)
        adapt(dataclasses.replace(pairing, strategy=strategy), prepared, source, silent)
        assert len(scores) == 2
        assert all(0 <= score <= 1 for score in scores)

    def test_without_a_rule_there_is_nothing_to_choose_by(self, plan, source_of):
        pairing = plan("best-checkpoint")
        strategy = dataclasses.replace(pairing.strategy, selection="last")
        pairing = dataclasses.replace(pairing, strategy=strategy)
        prepared, source = source_of(pairing)
        with pytest.raises(Exception, match=r"request\.target\.validation without declaring it.*target-validation"):
            adapt(pairing, prepared, source, silent)

        def scores(request):
            return request.score(request.model, request.target.train)

        chosen = dataclasses.replace(pairing, strategy=dataclasses.replace(strategy, adapt=scores))
        with pytest.raises(Exception, match='scores candidates, but declares selection="last"'):
            adapt(chosen, prepared, source, silent)

    def test_one_label_leaves_nothing_to_choose_by(self, methods, run_pairings):
        (row, *_) = run_pairings(methods, tasks=["toy/blobs"], strategies=["best-checkpoint"], label_budgets=["1"]).rows
        assert row.status == "skipped"
        assert "1 labelled examples are too few" in row.reason


def test_numbers_have_no_class_probabilities(methods, plan_of):
    task = dataclasses.replace(methods.task("toy/blobs"), kind=REGRESSION, metric="r2")
    changed = dataclasses.replace(methods, tasks={task.name: task})
    (pairing, *_) = plan_of(changed, tasks=[task.name], strategies=["lwf"]).pairings
    assert "class probabilities" in pairing.skip
