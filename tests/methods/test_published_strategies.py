"""Published methods as plugins in single files: none touches the host, and each ends as a scored, exported file."""

from __future__ import annotations

import ast
import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from support import silent

from tlbench.engine.adaptation import adapt
from tlbench.engine.given import declared_parts, seen_labels
from tlbench.engine.models import read_adapted
from tlbench.engine.stages import adapt as adapt_stage
from tlbench.learning.model import state_hash
from tlbench.planning.catalog import load_catalog
from tlbench.planning.discovery import plugin_file
from tlbench.testing.toy import toy_candidate

HERE = Path(__file__).parent
FILES = {
    "mlp-head": "mlp_head",
    "pair": "ensemble",
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
    assert skipped == set()
    for row in rows:
        if row.status == "ok":
            assert row.parity < 1e-5, row.strategy
            assert row.trained_parameters > 0
            assert row.score == pytest.approx(row.eager_score, abs=1e-6)


class TestExtensions:
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
