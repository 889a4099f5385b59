from __future__ import annotations

import dataclasses
import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest
from support import install, only, plan_only

from tlbench import hookimpl
from tlbench.engine.publish import sweep_board
from tlbench.engine.runner import run
from tlbench.planning.catalog import load_catalog
from tlbench.planning.settings import Settings
from tlbench.results.files import file_sha256
from tlbench.results.row_files import read_row, read_rows

BROKEN = {
    "moves-statistics": ("adapt", '"moves-statistics" declares trains_encoder=False but changed'),
    "peeks": (
        "adapt",
        '"peeks" reads request.target.train without declaring it: add Access.TARGET_LABELS to `access`',
    ),
    "returns-rubbish": ("adapt", '"returns-rubbish" must return a TransferModel'),
    "loses-a-head": ("adapt", '"loses-a-head" must return a TransferModel with the heads source and target'),
    "changes-shapes": ("adapt", '"changes-shapes" changed the architecture: heads.target.bias'),
    "raises": ("adapt", "ArithmeticError: no fixed point"),
    "exits": ("adapt", "SystemExit: 0"),
    "panics": ("adapt", "Panic: index out of bounds"),
    "mute": ("adapt", "MuteError: its message cannot be read"),
    "diverges": ("adapt", "The loss is nan at step 1 of 30: lower the learning rate"),
    "spoils-weights": ("export", "The ONNX file gives outputs that are not finite or are huge"),
}
GOOD = ("source-only", "frozen", "finetune")


class Recorder:
    def __init__(self):
        self.events = []

    @hookimpl
    def tlbench_event(self, event):
        self.events.append(event)


@dataclasses.dataclass
class Ran:
    outcome: object
    settings: Settings
    events: list

    def row(self, strategy):
        return only(self.outcome.rows, strategy=strategy)


@pytest.fixture(scope="module")
def again(toy_site, session_cache, tmp_path_factory):
    """Runs good strategies among broken ones on `toy/blobs`; each call is a run over the same cache and board."""
    folder = tmp_path_factory.mktemp("runner")
    site, settings = folder / "site", Settings(cache=session_cache, board=folder / "board", data_root=None)
    install(site, "tlbench-broken", {"broken": "broken_promises"}, version="2.0")
    install(site, "tlbench-poor", {"poor": "absent_needs"})
    backbone, strategies = ["toy/mlp-batchnorm"], ["source-only", *BROKEN, "needs-absent", "frozen", "finetune"]
    run_request = {"tasks": ["toy/blobs"], "backbones": backbone, "strategies": strategies}
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(site)

        def runs():
            recorder = Recorder()
            catalog = load_catalog([recorder])
            return Ran(run(plan_only(catalog, settings, **run_request), catalog, settings), settings, recorder.events)

        yield runs
        for name in ("broken_promises", "absent_needs"):
            sys.modules.pop(name, None)


@pytest.fixture(scope="module")
def ran(again):
    return again()


@pytest.mark.parametrize("strategy", BROKEN)
def test_a_strategy_that_breaks_leaves_a_failed_row_that_names_stage_and_cause(ran, strategy):
    row, (stage, cause) = ran.row(strategy), BROKEN[strategy]
    assert (row.status, row.stage) == ("failed", stage)
    assert row.stage == stage
    assert cause in row.reason
    assert row.score is None
    assert row.plugins["strategy"] == "broken (tlbench-broken 2.0)"


@pytest.mark.parametrize("strategy", GOOD)
def test_the_others_go_on(ran, strategy):
    row = ran.row(strategy)
    assert (row.status, row.stage, row.reason) == ("ok", None, None)
    assert 0.5 < row.score <= 1
    assert row.score_low <= row.score <= row.score_high
    assert row.parity < 1e-5
    assert row.provider == "CPUExecutionProvider"
    assert row.seconds.keys() == {"prepare", "source", "features", "adapt", "score", "graph", "export"}


def test_what_a_strategy_needs_and_is_not_installed_is_a_skipped_row(ran):
    row = ran.row("needs-absent")
    assert (row.status, row.stage) == ("skipped", None)
    assert row.reason == '"needs-absent" requires a_module_that_is_nowhere: pip install a_module_that_is_nowhere'


def test_every_pairing_leaves_its_row_on_the_board(ran):
    assert len(ran.outcome.rows) == len(BROKEN) + len(GOOD) + 1
    by_name = {row.file_name: row for row in ran.outcome.rows}
    assert {row.file_name: row for row in read_rows(ran.settings.board)} == by_name


def test_predictions_lie_beside_an_ok_row_and_only_there(ran):
    rows = ran.settings.board / "rows"
    with_predictions = {
        row.strategy for row in ran.outcome.rows if (rows / row.file_name).with_suffix(".npz").is_file()
    }
    assert with_predictions == set(GOOD)
    row = ran.row("finetune")
    assert row.predictions_sha256 == file_sha256((rows / row.file_name).with_suffix(".npz"))
    with np.load((rows / row.file_name).with_suffix(".npz")) as kept:
        right = kept["predictions"].argmax(1) == kept["targets"]
    assert right.mean() == pytest.approx(row.score)


def test_a_traceback_goes_to_the_log(ran):
    log = (ran.settings.cache / "tlbench.log").read_text()
    assert "toy/blobs toy/mlp-batchnorm raises seed 0\nTraceback" in log
    assert 'raise ArithmeticError("no fixed point")' in log


def test_a_frozen_encoder_with_its_source_head_forgets_exactly_nothing(ran):
    for strategy in ("source-only", "frozen"):
        row = ran.row(strategy)
        assert (row.forgetting_head, row.forgetting_probe) == (0.0, 0.0)
        assert row.score_matrix[0][0] == row.score_matrix[1][0]
        assert row.probe_before == row.probe_after


def test_trained_parameters_are_those_given_to_an_optimiser_or_changed(ran):
    head = 16 * 3 + 3
    trained = {strategy: ran.row(strategy).trained_parameters for strategy in GOOD}
    assert trained == {"source-only": 0, "frozen": head, "finetune": ran.row("finetune").parameters}


def test_a_task_s_own_evaluation_is_fed_by_the_onnx_file(ran):
    for strategy in GOOD:
        row = ran.row(strategy)
        assert row.scores["success"] == pytest.approx(row.score)


def test_rows_of_one_graph_share_one_latency(ran):
    rows = [ran.row(strategy) for strategy in GOOD]
    assert len({row.graph for row in rows}) == len({row.latency for row in rows}) == 1
    assert len({row.onnx_sha256 for row in rows}) == 3
    assert len({row.p50_ms for row in rows}) == 1
    known = json.loads((ran.settings.board / "latency" / f"{rows[0].latency}.json").read_text())
    assert len(known["raw_ms"]) == rows[0].queries
    assert (known["graph"], known["machine"]) == (rows[0].graph, rows[0].machine)


def test_events_tell_the_run_from_start_to_end(ran):
    names = [event.name for event in ran.events]
    assert (names[0], names[-1]) == ("plan-started", "plan-finished")
    assert ran.events[0].total == names.count("pairing-started") == names.count("row-written") == len(ran.outcome.rows)
    assert [event.values["row"] for event in ran.events if event.name == "row-written"] == ran.outcome.rows
    steps = [event for event in ran.events if event.name == "step" and event.stage == "adapt"]
    assert all(0 < event.done <= event.total and "loss" in event.values for event in steps)


def test_a_second_run_computes_nothing_and_tries_again_what_failed(ran, again):
    second = again()
    assert second.outcome.computed == 0
    assert second.outcome.seconds == {}
    assert second.outcome.rows == ran.outcome.rows
    started = {event.stage for event in second.events if event.name == "stage-started"}
    assert started == {"adapt", "export"}


def test_a_measurement_that_fails_is_a_failed_row_that_keeps_its_scores(catalog, settings, monkeypatch):
    """The measuring process is another program here, so that it fails."""
    plan = plan_only(catalog, settings, tasks=["toy/blobs"], strategies=["frozen"])
    monkeypatch.setattr("tlbench.engine.processes.sys.executable", "/bin/false")
    (row,) = run(plan, catalog, settings).rows
    assert (row.status, row.stage) == ("failed", "latency")
    assert row.score > 0.5
    assert "status 1" in row.reason


class Reader:
    """Reads the row of each pairing from the board when its event comes."""

    def __init__(self, board):
        self.board, self.found = board, {"pairing-finished": [], "row-written": []}

    @hookimpl
    def tlbench_event(self, event):
        if event.name in self.found:
            self.found[event.name].append(read_row(self.board / "rows" / event.values["row"].file_name))


@pytest.fixture
def read_by(toy_site, shared_settings):
    """Runs two strategies; returns what the board held at each event, and the outcome."""

    def runs():
        reader = Reader(shared_settings.board)
        catalog = load_catalog([reader])
        plan = plan_only(catalog, shared_settings, tasks=["toy/blobs"], strategies=["scratch", "finetune"])
        return reader.found, run(plan, catalog, shared_settings)

    return runs


def test_a_row_is_on_the_board_when_its_pairing_is_done_and_complete_when_the_plan_is(read_by):
    found, outcome = read_by()
    drafts, complete = found.values()
    pending = ("latency", "p50_ms", "transfer_gain", "negative_transfer")
    assert [row.score for row in drafts] == [row.score for row in complete]
    assert all(getattr(row, name) is None for row in drafts for name in pending)
    assert all(getattr(row, name) is not None for row in complete for name in pending)
    assert complete == outcome.rows
    assert outcome.missing == []


def test_a_complete_row_stays_complete_while_its_plan_runs_again(read_by):
    _, first = read_by()
    found, second = read_by()
    assert found["pairing-finished"] == found["row-written"] == first.rows == second.rows


def test_a_plugin_that_changes_the_current_folder_moves_no_row(toy_site, site, tmp_path, session_cache, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "elsewhere").mkdir()
    install(site, "tlbench-broken", {"broken": "broken_promises"})
    settings = Settings(cache=session_cache, board=Path("board"), data_root=None)
    catalog = load_catalog()
    plan = plan_only(catalog, settings, tasks=["toy/blobs"], strategies=["walks-away", "finetune"])
    outcome = run(plan, catalog, settings)
    assert [row.status for row in outcome.rows] == ["ok", "ok"]
    assert len(list(read_rows(tmp_path / "board"))) == 2
    assert Path.cwd() == tmp_path
    assert not list((tmp_path / "elsewhere").iterdir())


def test_what_a_killed_run_was_writing_is_removed_from_the_board_and_what_is_being_written_stays(tmp_path):
    old, new, row = (tmp_path / "rows" / "toy" / name for name in (".tmp-old.json", ".tmp-new.json", "row.json"))
    for path in (old, new, row):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("{}")
    for path in (old, row):
        os.utime(path, (0, 0))
    sweep_board(tmp_path)
    assert [path.exists() for path in (old, new, row)] == [False, True, True]
