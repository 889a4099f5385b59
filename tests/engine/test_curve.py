"""The score over training: beside everything else of a result, and of the very training that left its model."""

from __future__ import annotations

import copy
import dataclasses

import numpy as np
import pytest
import torch
from sklearn.metrics import f1_score
from support import comparable, only, plan_only, silent

from tlbench.engine import score_curve as module
from tlbench.engine.adaptation import adapt
from tlbench.engine.pipeline import SCORED
from tlbench.engine.score_curve import score_curve
from tlbench.engine.target_scores import score_target
from tlbench.errors import TlbenchError
from tlbench.learning.arithmetic import FP32
from tlbench.results.row_files import read_row

FEW = {"source.steps": 20, "task.label_budget": "60"}
STRATEGIES = ["frozen", "lp-ft", "wise-ft", "mean-teacher", "lora", "coral", "uniform-soup"]


@pytest.fixture
def rows(run_pairings, catalog):
    """Run strategies on toy/blobs with 20 steps each."""

    def made(strategies, **more):
        steps = {f"{name}.steps": 20 for name in strategies if name != "frozen"}
        overrides = {**FEW, **steps, **more.pop("overrides", {})}
        return run_pairings(catalog, tasks=["toy/blobs"], strategies=strategies, overrides=overrides, **more)

    return made


def test_a_curve_ends_with_the_model_of_the_result(rows):
    outcome = rows(["finetune", "scratch"], curves=True)
    assert outcome.without == []
    for row in outcome.rows:
        steps, seconds, scores = zip(*row.score_curve, strict=True)
        assert scores[-1] == row.eager_score
        assert (list(steps), list(seconds)) == ([*range(0, 21, 2)], sorted(seconds))
        assert row.seconds["curve"] > 0
        assert len(row.training_scores) == len(scores)
        assert row.training_scores[-1] - scores[-1] == row.train_gap


def test_strategies_of_all_sorts_have_a_curve(source_of, pairing_of, tmp_path):
    prepared, source = source_of(pairing_of("toy/blobs", "finetune", overrides=FEW))
    lengths = {}
    for name in STRATEGIES:
        overrides = {} if name == "frozen" else {f"{name}.steps": 20}
        pairing = pairing_of("toy/blobs", name, overrides={"task.label_budget": "60", **overrides})
        adapted = adapt(pairing, prepared, source, silent).model
        part = score_curve(pairing, prepared, source, adapted, silent, FP32, tmp_path)
        curve = part.score_curve
        assert len(part.training_scores) == (0 if name == "coral" else len(curve))
        assert curve[-1][2] == score_target(pairing, prepared, adapted).eager_score
        lengths[name] = (len(curve), curve[-1][0])
    assert lengths.pop("frozen") == (1, 0)  # Its head is fitted without steps.
    assert lengths.pop("uniform-soup")[0] == 1  # It returns the mean of several models.
    assert lengths == dict.fromkeys(lengths, (11, 20))


def test_a_curve_changes_nothing_else_and_is_kept(rows, shared_settings):
    plain = rows(["finetune"])
    asked = rows(["finetune"], curves=True)
    (before,), (after,) = plain.rows, asked.rows
    assert before.score_curve == ()
    assert before.file_name == after.file_name
    assert not {stage.name for stage in SCORED} & asked.seconds.keys()
    without = dataclasses.replace(after, score_curve=(), training_scores=(), seconds=before.seconds)
    assert comparable(without.to_json()) == comparable(before.to_json())
    (again,) = rows(["finetune"]).rows
    assert again == after == read_row(shared_settings.board / "rows" / after.file_name)


def test_points_are_of_the_weights_at_their_steps(source_of, pairing_of, tmp_path):
    """The strategy itself copies its model behind each step; the scores are those of these copies."""
    seen = []

    def copying(request):
        model, batches = request.model, request.batches(request.target.train)

        def loss(progress):
            inputs, targets, _ = next(batches)
            return request.target.kind.loss(model(*inputs), targets)

        parts = [model.encoder, model.heads["target"]]
        request.train(parts, loss, after_step=lambda progress: seen.append(copy.deepcopy(model)))
        return model

    pairing = pairing_of("toy/shapes", "finetune", overrides={**FEW, "finetune.steps": 30})
    pairing = dataclasses.replace(pairing, strategy=dataclasses.replace(pairing.strategy, adapt=copying))
    prepared, source = source_of(pairing)
    adapted = adapt(pairing, prepared, source, silent).model
    seen.clear()
    curve = score_curve(pairing, prepared, source, adapted, silent, FP32, tmp_path).score_curve
    assert [step for step, _, _ in curve] == [*range(0, 31, 3)]
    test = prepared.split("target-test")
    assert pairing.task.metric == "macro-f1"
    for step, _, score in curve[1:]:
        with torch.no_grad():
            decided = seen[step - 1].eval()(*test.inputs.batch(np.arange(len(test)))).units.argmax(1).numpy()
        assert score == pytest.approx(f1_score(test.targets.values, decided, average="macro"), abs=1e-12)
    assert len({score for _, _, score in curve}) > 2


def test_test_examples_are_looked_at_when_the_strategy_has_returned(source_of, pairing_of, tmp_path, monkeypatch):
    pairing = pairing_of("toy/blobs", "finetune", overrides={**FEW, "finetune.steps": 10})
    fit, returned = pairing.strategy.adapt, []

    def noting(request):
        returned.clear()
        model = fit(request)
        returned.append(True)
        return model

    def late(*arguments):
        assert returned
        return evaluate(*arguments)

    evaluate = module.evaluate
    monkeypatch.setattr(module, "evaluate", late)
    pairing = dataclasses.replace(pairing, strategy=dataclasses.replace(pairing.strategy, adapt=noting))
    prepared, source = source_of(pairing)
    adapted = adapt(pairing, prepared, source, silent).model
    assert len(score_curve(pairing, prepared, source, adapted, silent, FP32, tmp_path).score_curve) == 11
    assert [path.name for path in tmp_path.iterdir()] == ["prepared"]


def test_a_training_that_ends_elsewhere_has_no_curve(source_of, pairing_of, tmp_path):
    calls = []

    def drifting(request):
        calls.append(1)
        with torch.no_grad():
            next(request.model.heads["target"].parameters()).add_(len(calls))
        return request.model

    pairing = pairing_of("toy/blobs", "finetune", overrides={**FEW, "finetune.steps": 10})
    pairing = dataclasses.replace(pairing, strategy=dataclasses.replace(pairing.strategy, adapt=drifting))
    prepared, source = source_of(pairing)
    adapted = adapt(pairing, prepared, source, silent).model
    with pytest.raises(TlbenchError, match="did not end with the weights of the first"):
        score_curve(pairing, prepared, source, adapted, silent, FP32, tmp_path)


def test_what_fails_costs_no_row_its_score(rows, monkeypatch):
    def fails(*arguments):
        raise ArithmeticError("no such number")

    monkeypatch.setattr(module, "evaluate", fails)
    outcome = rows(["bitfit"], curves=True)
    assert [(row.status, row.score_curve) for row in outcome.rows] == [("ok", ())]
    (line,) = outcome.without
    assert "without curve: toy/blobs" in line
    assert "no such number" in line
    monkeypatch.undo()


def test_the_curve_of_a_tuned_or_chosen_model_is_that_of_its_last_training(rows):
    (tuned,) = rows(["finetune"], curves=True, tune=2).rows
    (chosen,) = rows(["coral"], curves=True, select="information-maximisation").rows
    for row in (tuned, chosen):
        assert (row.status, len(row.score_curve)) == ("ok", 11)
        assert row.score_curve[-1][2] == row.eager_score
        assert row.score_curve[-1][0] == 20


def test_asking_moves_no_key(catalog, shared_settings):
    wanted = {"tasks": ["toy/blobs"], "strategies": ["finetune"]}
    plain, asking = (plan_only(catalog, shared_settings, **wanted, curves=asked).pairings[0] for asked in (False, True))
    assert plain.key() == asking.key()
    assert plain.row_fields(shared_settings) == asking.row_fields(shared_settings)


def test_a_second_training_is_foreseen(catalog, shared_settings, rows):
    from tlbench.engine.forecast import from_rows
    from tlbench.engine.job import job_of

    row = only(rows(["finetune"]).rows, strategy="finetune")
    overrides = {**FEW, "finetune.steps": 20}
    plain, curved = (
        from_rows([job_of(pairing, catalog, shared_settings)], [row]).seconds
        for asked in (False, True)
        for pairing in plan_only(
            catalog, shared_settings, tasks=["toy/blobs"], strategies=["finetune"], overrides=overrides, curves=asked
        ).pairings
    )
    assert curved - plain == pytest.approx(row.seconds["adapt"])
