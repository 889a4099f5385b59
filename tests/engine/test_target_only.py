"""Pairings without a source: what runs, what a row says, and what a backbone learns from."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from PIL import Image
from support import only, plan_only

from tlbench.contract.budget import Budget
from tlbench.contract.task_data import TaskLabels
from tlbench.engine.given import declared_parts
from tlbench.engine.prepared import Prepared
from tlbench.engine.source_model import train_source
from tlbench.errors import ContractError, UsageError


@pytest.fixture(scope="module")
def alone(catalog, session_cache, tmp_path_factory):
    """Rows of every strategy on the task without a source."""
    from tlbench.engine.runner import run
    from tlbench.planning.settings import Settings

    settings = Settings(cache=session_cache, board=tmp_path_factory.mktemp("board"), data_root=None)
    plan = plan_only(catalog, settings, tasks=["toy/alone"], backbones=["toy/mlp-batchnorm"])
    return run(plan, catalog, settings).rows


def test_strategies_that_need_a_source_are_skipped_and_say_why(alone):
    skipped = {row.strategy: row.reason for row in alone if row.status == "skipped"}
    assert {"source-only", "adabn", "adversarial"} <= set(skipped)
    assert all("no source domain (target-only)" in reason for reason in skipped.values())
    assert not [row.reason for row in alone if row.status == "failed"]


def test_a_row_says_nothing_of_a_source(alone):
    row = only(alone, strategy="finetune")
    assert (row.status, row.setting, row.source_mode, dict(row.source_options)) == ("ok", "target-only", "none", {})
    assert row.score_matrix == ((None, None), (None, row.eager_score))
    absent = ("gap_closed", "a_distance", "forgetting_head", "forgetting_probe", "probe_before", "source_metric")
    assert [name for name in absent if getattr(row, name) is not None] == []
    assert "--remember" in row.forgetting_reason
    assert row.transfer_gain is not None
    assert row.train_gap is not None


def test_a_strategy_that_starts_anew_has_nothing_to_forget(alone):
    assert "does not start" in only(alone, strategy="scratch").forgetting_reason


def test_the_row_says_what_vocabulary_and_statistics_come_from(alone):
    assert only(alone, strategy="finetune").fitted_on == "label budget"
    assert only(alone, strategy="all-labels").fitted_on == "target training inputs"


def test_a_backbone_learns_from_the_very_labels_that_the_strategy_gets(pairing_of, prepare_in):
    pairing = pairing_of("toy/alone")
    prepared = prepare_in(pairing)
    rows = declared_parts(pairing, prepared)["target.train"].inputs.columns[0]
    assert np.allclose(prepared.fitted["mean"], np.asarray(rows).mean(0), atol=1e-5)


@pytest.mark.parametrize("changed", [{"seed": 1}, {"label_budget": Budget(30)}])
def test_seed_and_budget_move_what_is_learnt(pairing_of, prepare_in, changed):
    pairing = pairing_of("toy/alone")
    other = dataclasses.replace(pairing, **changed)
    assert other.fit_inputs != pairing.fit_inputs
    assert prepare_in(pairing).fitted != prepare_in(other, "other").fitted


def test_with_a_source_neither_moves_it(blobs, prepare_in):
    other = dataclasses.replace(blobs, seed=5, label_budget=Budget(30))
    assert other.fit_inputs is None
    assert prepare_in(blobs).fitted_on == "source training inputs"


def test_models_have_the_head_target_alone(pairing_of, prepare_in, tmp_path):
    pairing = pairing_of("toy/alone")
    prepared = prepare_in(pairing)
    assert not (prepared.folder / "source-train.json").exists()
    assert prepared.heads == ("target",)
    model = train_source(pairing, prepared, "cpu", lambda step, loss: None)
    assert list(model.heads) == []
    assert Prepared.read(prepared.folder) == prepared


def test_the_source_model_is_the_encoder_untrained(pairing_of, prepare_in):
    def fail(step, loss):
        raise AssertionError("trained")

    pairing = pairing_of("toy/alone")
    train_source(pairing, prepare_in(pairing), "cpu", fail)


@pytest.mark.parametrize(
    ("labels", "found"),
    [
        (TaskLabels(source=None, target=("a", "b")), "target-only"),
        (TaskLabels(source=("a", "b"), target=("a", "b")), "transductive"),
        (TaskLabels(source=("b", "a"), target=("a", "b")), "inductive"),
    ],
)
def test_the_setting_follows_from_the_labels(catalog, labels, found):
    from tlbench.contract.requests import LoadRequest
    from tlbench.planning.task_files import setting_of

    task = dataclasses.replace(catalog.task("toy/blobs"), labels=lambda request: labels)
    assert setting_of(task, LoadRequest(task=task.name, options={}, data_root=None)) == found


def test_labels_that_load_does_not_keep_are_an_error(pairing_of, prepare_in):
    pairing = dataclasses.replace(pairing_of("toy/alone"), setting="inductive")
    with pytest.raises(ContractError, match="no source domain"):
        prepare_in(pairing)


class TestRemember:
    def test_forgetting_is_measured_on_the_named_task(self, catalog, run_pairings):
        rows = run_pairings(
            catalog, tasks=["toy/alone"], strategies=["finetune", "nearest-mean", "scratch"], remember="toy/blobs"
        ).rows
        moved, frozen, anew = (only(rows, strategy=name) for name in ("finetune", "nearest-mean", "scratch"))
        assert [row.status for row in rows] == ["ok"] * 3
        assert {row.remembered for row in rows} == {"toy/blobs"}
        assert dict(moved.remembered_options) == {"noise": 1.0}
        assert moved.forgetting_probe == moved.probe_before - moved.probe_after
        assert (moved.source_metric, moved.source_test_size) == ("accuracy", 120)
        assert (frozen.forgetting_probe, frozen.forgetting_reason) == (0.0, None)
        assert anew.forgetting_probe is None
        assert anew.forgetting_reason

    def test_it_moves_the_key_as_its_options_do(self, pairing_of):
        ways = [{}, {"remember": "toy/blobs"}, {"remember": "toy/blobs", "overrides": {"remember.noise": 2.0}}]
        assert len({pairing_of("toy/alone", **way).key() for way in ways}) == 3

    @pytest.mark.parametrize(
        ("task", "remember", "match"),
        [
            ("toy/blobs", "toy/shapes", "has a source domain"),
            ("toy/alone", "toy/names", "modality text"),
            ("toy/alone", "toy/unknown", "toy/unknown"),
        ],
    )
    def test_a_task_that_does_not_fit_is_an_error_before_the_run(self, pairing_of, task, remember, match):
        with pytest.raises(UsageError, match=match):
            pairing_of(task, remember=remember)

    def test_one_whose_examples_the_encoder_cannot_take_is_named(self, catalog, run_pairings, tmp_path):
        for number in range(20):
            folder = tmp_path / "own" / "ab"[number % 2]
            folder.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (8, 8), (9 * number, 0, 0)).save(folder / f"{number}.png")
        (row,) = run_pairings(
            catalog,
            tasks=["vision/image-folder"],
            strategies=["frozen"],
            remember="vision/digits",
            overrides={"task.target": str(tmp_path / "own")},
        ).rows
        assert (row.status, row.stage) == ("failed", "remember")
        assert 'The remembered task "vision/digits" does not fit the encoder: Invalid image (8, 8, 1)' in row.reason
        assert "source domain" not in row.reason


def test_rows_without_a_source_are_read_and_shown_on_a_board(alone, tmp_path):
    from tlbench.leaderboard.render import render
    from tlbench.results.row import write_row
    from tlbench.results.row_files import read_rows

    for row in alone:
        write_row(tmp_path, row)
    rows = list(read_rows(tmp_path))
    assert len(rows) == len(alone)
    render(tmp_path, rows)
    page = (tmp_path / "toy.md").read_text()
    assert "target-only (no source domain)" in page
    assert "A-distance" not in page


def test_there_is_nothing_to_pretrain_on(catalog, settings):
    from tlbench.engine.pretraining import plan_pretraining
    from tlbench.planning.expand import Pretraining

    with pytest.raises(UsageError, match="no source domain"):
        plan_pretraining(Pretraining(name="x", backbone="toy/mlp", task="toy/alone"), catalog, settings)


def test_the_command_of_a_row_names_the_remembered_task(catalog, pairing_of, settings):
    from tlbench.planning.repeat import repeat_command
    from tlbench.results.row import Row

    pairing = pairing_of("toy/alone", remember="toy/blobs", overrides={"remember.noise": 2.0})
    words = repeat_command(Row(**pairing.row_fields(settings), status="skipped"), catalog)
    assert words[words.index("--remember") + 1] == "toy/blobs"
    assert "remember.noise=2.0" in words


def test_labels_that_differ_from_the_data_fail_the_conformance_suite(catalog, tmp_path):
    from tlbench.testing.bench import Bench
    from tlbench.testing.tasks import labels_are_those_of_the_data

    bench, task = Bench(catalog=catalog, folder=tmp_path), catalog.task("toy/alone")
    labels_are_those_of_the_data(task, bench)
    wrong = dataclasses.replace(task, labels=lambda request: TaskLabels(source=None, target=("a", "b")))
    with pytest.raises(ContractError, match="labels returns"):
        labels_are_those_of_the_data(wrong, bench)


@pytest.mark.parametrize("name", ["toy/alone"])
def test_the_toy_without_a_source_conforms(catalog, tmp_path, name):
    from tlbench.testing.bench import Bench, NotApplicableError
    from tlbench.testing.tasks import CHECKS

    bench = Bench(catalog=catalog, folder=tmp_path)
    for check in CHECKS:
        try:
            check(catalog.task(name), bench)
        except NotApplicableError:
            continue
