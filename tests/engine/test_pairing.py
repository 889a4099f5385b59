"""Pairings from start to end: the same bits in every process, and nothing lost or paid twice after a kill."""

from __future__ import annotations

import dataclasses
import shutil
import signal
from types import SimpleNamespace

import pytest
from support import comparable, drive, only, plan_only

from tlbench.engine.runner import run
from tlbench.engine.serving import peak_memory
from tlbench.planning.expand import make_plan
from tlbench.planning.selection import RunRequest
from tlbench.planning.settings import Settings
from tlbench.results.row import Row
from tlbench.results.row_files import read_rows

WORDS = ("--task", "toy/blobs", "--strategy", "frozen", "--strategy", "finetune")


def models(cache):
    """The bytes of every adapted model and every ONNX file of a cache, by stage and key."""
    found = [*cache.glob("adapt/*/*/model.safetensors"), *cache.glob("export/*/*/model.onnx")]
    return {str(path.relative_to(cache)): path.read_bytes() for path in found}


@pytest.fixture(scope="module")
def undisturbed(toy_site, tmp_path_factory):
    """A run in a process of its own."""
    folder = tmp_path_factory.mktemp("undisturbed")
    done = drive(toy_site, folder / "cache", folder / "board", *WORDS)
    assert done.status == 0, done.errors
    return SimpleNamespace(report=done.report, cache=folder / "cache")


@pytest.fixture(scope="module")
def killed(undisturbed, toy_site, tmp_path_factory):
    """A run that died as by `kill -9` at a training step of the second pairing, and the cache it left.

    The graph and its latency, the dearest stages, are given to it.
    """
    folder = tmp_path_factory.mktemp("killed")
    for stage in ("graph", "latency"):
        shutil.copytree(undisturbed.cache / stage, folder / "cache" / stage)
    done = drive(toy_site, folder / "cache", folder / "board", *WORDS, "--kill-in", "adapt")
    return SimpleNamespace(status=done.status, folder=folder, drafts=list(folder.glob("cache/adapt/*/*.draft")))


@pytest.fixture(scope="module")
def resumed(killed, toy_site):
    """The same run again over what the killed one left, in a third process."""
    done = drive(toy_site, killed.folder / "cache", killed.folder / "board", *WORDS)
    assert done.status == 0, done.errors
    return SimpleNamespace(report=done.report, cache=killed.folder / "cache")


def test_a_kill_leaves_a_draft_the_finished_stages_and_the_rows_of_finished_pairings(killed):
    assert killed.status == -signal.SIGKILL
    assert len(killed.drafts) == 1
    (row,) = read_rows(killed.folder / "board")
    assert (row.strategy, row.status) == ("frozen", "ok")
    assert (row.score is None, row.latency, row.p50_ms, row.transfer_gain) == (False, None, None, None)
    assert list((killed.folder / "board").glob("rows/*/*.npz"))


def test_a_resumed_run_computes_only_what_was_not_finished(resumed):
    assert resumed.report["seconds"].keys() == {"adapt", "score", "export"}
    assert resumed.report["computed"] == 3
    # What the killed process was filling is in nobody's way, and swept when it is old.
    (draft,) = resumed.cache.glob("*/*/*.draft")
    assert (draft.parent / draft.name.partition(".")[0] / "stage.json").is_file()


def test_a_resumed_run_leaves_the_rows_and_the_models_of_an_undisturbed_one(resumed, undisturbed):
    rows = [[comparable(row) for row in run.report["rows"]] for run in (resumed, undisturbed)]
    assert rows[0] == rows[1]
    assert models(resumed.cache) == models(undisturbed.cache)
    assert len(models(resumed.cache)) == 4


def test_a_finished_plan_is_recognised_without_any_heavy_library(resumed, toy_site, tmp_path):
    done = drive(toy_site, resumed.cache, tmp_path / "board", *WORDS)
    assert done.report["computed"] == 0
    assert done.report["rows"] == resumed.report["rows"]
    assert not {"torch", "numpy", "onnx", "onnxruntime", "sklearn"} & set(done.report["modules"])


def test_another_process_gives_the_same_scores_and_the_same_model_bytes(
    undisturbed, catalog, run_pairings, session_cache
):
    """This process has done other things before; the two of the other fixtures have not."""
    outcome = run_pairings(catalog, tasks=["toy/blobs"], strategies=["frozen", "finetune"])
    assert len(outcome.rows) == len(undisturbed.report["rows"])
    for row, other in zip(outcome.rows, undisturbed.report["rows"], strict=True):
        here, there = comparable(row.to_json()), comparable(Row.from_json(other).to_json())
        assert {name: here[name] for name in here if here[name] != there[name]} == {}
    ours = models(session_cache)
    assert {name: ours[name] for name in models(undisturbed.cache)} == models(undisturbed.cache)


@pytest.fixture(scope="module")
def rows(catalog, session_cache, tmp_path_factory):
    """The rows of the toy's tasks with four strategies of every kind of access."""
    settings = Settings(cache=session_cache, board=tmp_path_factory.mktemp("board"), data_root=None)
    strategies = ["source-only", "frozen", "finetune", "adversarial"]
    tasks = ["toy/blobs", "toy/shapes", "toy/names"]
    return run(plan_only(catalog, settings, tasks=tasks, strategies=strategies), catalog, settings).rows


def test_every_pairing_that_makes_sense_is_ok(rows):
    skipped = {(row.task, row.strategy) for row in rows if row.status == "skipped"}
    assert skipped == {("toy/shapes", "source-only"), ("toy/shapes", "adversarial")}
    assert {row.status for row in rows} == {"ok", "skipped"}


def test_the_onnx_file_scores_as_the_model_does(rows):
    for row in rows:
        if row.status == "ok":
            assert row.score == pytest.approx(row.eager_score, abs=1e-6)
            assert row.score == row.scores[row.metric]


def test_the_matrix_holds_what_the_forgetting_is_made_of(rows):
    for row in rows:
        if row.status == "ok":
            (source_before, target_before), (source_after, target_after) = row.score_matrix
            assert row.forgetting_head == source_before - source_after
            assert row.forgetting_probe == row.probe_before - row.probe_after
            assert target_after == row.eager_score
            assert (target_before is None) == (row.setting == "inductive")


def test_what_was_not_adapted_scores_as_before(rows):
    row = only(rows, task="toy/blobs", strategy="source-only")
    assert row.score_matrix[0] == row.score_matrix[1]


def test_words_are_scored_by_entity_and_counted_by_sentence(rows):
    row = only(rows, task="toy/names", strategy="finetune")
    assert (row.metric, row.test_size, row.budget_unit) == ("entity-f1", 60, "sentences")
    assert row.scores.keys() >= {"entity-f1", "accuracy", "macro-f1"}


def test_latency_is_measured_on_an_example_of_median_length_and_a_batch(rows):
    row = only(rows, task="toy/names", strategy="finetune")
    ((one, length),), ((many, longest),) = row.shapes, row.offline_shapes
    assert (one, many) == (1, 60)
    assert 3 <= length < longest


def test_tasks_of_other_classes_have_other_graphs(rows):
    graphs = {row.task: row.graph for row in rows if row.status == "ok"}
    assert len(set(graphs.values())) == 3


def test_a_strategy_that_starts_anew_has_nothing_to_forget(catalog, run_pairings):
    """As training from scratch: the matrix keeps the source model's scores and says nothing of the source after."""
    strategy = dataclasses.replace(catalog.strategy("finetune"), from_source=False)
    changed = dataclasses.replace(catalog, strategies={"finetune": strategy})
    (row,) = run_pairings(
        changed, tasks=["toy/blobs"], strategies=["finetune"], overrides={"finetune.steps": "41"}
    ).rows
    assert (row.forgetting_head, row.forgetting_probe, row.probe_after) == (None, None, None)
    assert row.score_matrix[1][0] is None
    assert row.score_matrix[0][0] > 0.5


def test_memory_is_in_bytes():
    assert 50e6 < peak_memory("cpu") < 500e9


def test_rows_of_a_sweep_say_how_many_labels_were_seen_and_stand_beside_the_bounds_of_their_budget(
    catalog, shared_settings
):
    run_request = RunRequest(
        tasks=["toy/blobs"], strategies=["finetune"], seeds=(0,), label_budgets=["1/class", "all", "999"]
    )
    rows = run(make_plan([run_request], catalog, shared_settings), catalog, shared_settings).rows
    assert {row.status for row in rows} == {"ok"}
    finetuned = {row.budget_rule: row for row in rows if row.strategy == "finetune"}
    assert {rule: row.label_budget for rule, row in finetuned.items()} == {"1/class": 3, "all": 240, "999": 240}
    for rule, row in finetuned.items():
        (scratch,) = [other for other in rows if other.strategy == "scratch" and other.budget_rule == rule]
        assert row.transfer_gain == pytest.approx(row.score - scratch.score)
