"""Estimators and analyses beside a score: shared, on demand, kept on the board, and never at the cost of a row."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from support import SOURCES, only, plan_only

from tlbench.engine.pipeline import DIAGNOSTICS, SCORED
from tlbench.engine.prepared import Prepared, prepare
from tlbench.engine.runner import run
from tlbench.errors import ContractError, UnknownNameError, UsageError
from tlbench.planning.catalog import load_catalog
from tlbench.planning.discovery import plugin_file
from tlbench.planning.expand import make_plan
from tlbench.planning.selection import RunRequest
from tlbench.results.row_files import read_row, read_rows

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture(scope="module")
def diagnosing(toy_site):
    return load_catalog(also=[plugin_file(SOURCES / "diagnosing.py")])


@pytest.fixture
def ask(diagnosing, shared_settings):
    """Runs two strategies on toy/blobs with the given estimators and analyses."""

    def asked(**more):
        wanted = {"tasks": ["toy/blobs"], "strategies": ["frozen", "finetune"], **more}
        return run(plan_only(diagnosing, shared_settings, **wanted), diagnosing, shared_settings)

    return asked


def on_board(outcome, settings):
    return [read_row(settings.board / "rows" / row.file_name) for row in outcome.rows]


def test_rows_have_the_numbers_and_the_board_the_pictures(ask, shared_settings):
    outcome = ask(estimators=["separation"], analyses=["likeness"])
    for row in outcome.rows:
        assert (row.status, [*row.estimates], [*row.analyses]) == ("ok", ["separation"], ["likeness"])
        picture = shared_settings.board / "analyses" / row.file_name.replace(".json", "-likeness.png")
        assert picture.read_bytes().startswith(PNG)
        assert {"estimate separation", "analyse likeness"} <= row.seconds.keys()
    frozen, tuned = only(outcome.rows, strategy="frozen"), only(outcome.rows, strategy="finetune")
    assert frozen.analyses["likeness"]["features"] == pytest.approx(1, abs=1e-9)
    assert 0 < tuned.analyses["likeness"]["features"] < 0.999
    assert frozen.estimates == tuned.estimates
    assert on_board(outcome, shared_settings) == outcome.rows
    assert outcome.without == []


def test_nothing_is_computed_that_was_not_asked_for(ask):
    outcome = ask()
    assert all((row.estimates, row.analyses) == ({}, {}) for row in outcome.rows)
    assert not {stage.name for stage in DIAGNOSTICS} & outcome.seconds.keys()


def test_an_estimate_is_shared_by_strategies_and_made_anew_for_a_seed_and_a_budget(ask, shared_settings, diagnosing):
    started = []
    catalog = dataclasses.replace(
        diagnosing, notify=lambda event: started.append(event.stage) if event.name == "stage-started" else None
    )
    wanted = {"tasks": ["toy/shapes"], "strategies": ["frozen", "finetune"], "estimators": ["separation"]}
    settings = dataclasses.replace(shared_settings, cache=shared_settings.board / "own-cache")
    plan = plan_only(catalog, settings, **wanted, seeds=(0, 1), label_budgets=["9", "20"])
    rows = run(plan, catalog, settings).rows
    assert (len(rows), started.count("estimate")) == (8, 4)
    assert len({row.estimates["separation"] for row in rows}) == 4


def test_asking_changes_no_key_of_a_row_or_of_another_stage(ask, diagnosing, shared_settings):
    wanted = {"tasks": ["toy/blobs"], "strategies": ["finetune"]}
    (plain,) = plan_only(diagnosing, shared_settings, **wanted).pairings
    (asking,) = plan_only(
        diagnosing, shared_settings, **wanted, estimators=["separation"], analyses=["likeness"]
    ).pairings
    assert plain.key() == asking.key()
    assert plain.row_fields(shared_settings) == asking.row_fields(shared_settings)
    first, second = ask(), ask(estimators=["separation"], analyses=["likeness"])
    assert [row.file_name for row in first.rows] == [row.file_name for row in second.rows]
    assert not {stage.name for stage in SCORED} & second.seconds.keys()


def test_a_row_of_the_board_gets_what_is_asked_for_later_and_keeps_it_when_nobody_asks(ask, shared_settings):
    """Values of the same model are merged: none vanishes."""
    without = ask()
    first = ask(estimators=["separation"])
    assert all([*row.estimates] == ["separation"] for row in on_board(first, shared_settings))
    second = ask(analyses=["likeness"])
    third = ask()
    assert [(*row.estimates, *row.analyses) for row in second.rows] == [("separation", "likeness")] * 2
    assert third.rows == second.rows == on_board(third, shared_settings)
    assert {row.file_name for row in without.rows} == {row.file_name for row in read_rows(shared_settings.board)}
    for before, after in zip(without.rows, third.rows, strict=True):
        beside = {"estimates": {}, "analyses": {}, "seconds": before.seconds}
        assert dataclasses.replace(after, **beside) == before


def test_two_requests_of_one_run_do_not_take_from_each_other(diagnosing, shared_settings):
    wanted = {"tasks": ["toy/blobs"], "strategies": ["frozen"], "seeds": (0,)}
    requests = [RunRequest(**wanted, estimators=["separation"]), RunRequest(**wanted)]
    for _ in range(2):
        run(make_plan(requests, diagnosing, shared_settings), diagnosing, shared_settings)
        rows = [row for row in read_rows(shared_settings.board) if row.strategy == "frozen"]
        assert [[*row.estimates] for row in rows] == [["separation"]]


def test_values_of_another_model_are_not_kept(ask, shared_settings):
    (row,) = ask(strategies=["frozen"], estimators=["separation"]).rows
    path = shared_settings.board / "rows" / row.file_name
    path.write_text(path.read_text().replace(row.created, "2020-01-01T00:00:00+00:00"))
    assert ask(strategies=["frozen"]).rows[0].estimates == {}


def test_other_options_are_another_number_beside_the_first(ask, shared_settings):
    ask(strategies=["finetune"], estimators=["separation"], analyses=["likeness"])
    overrides = {"separation.power": 0.5, "likeness.picture": False}
    (row,) = ask(strategies=["finetune"], estimators=["separation"], analyses=["likeness"], overrides=overrides).rows
    assert row.estimates.keys() == {"separation", "separation (power=0.5)"}
    assert row.analyses.keys() == {"likeness", "likeness (picture=False)"}
    assert row.estimates["separation"] < row.estimates["separation (power=0.5)"]
    assert len(list((shared_settings.board / "analyses").rglob("*.png"))) == 1


FAILING = {
    "falls": "ArithmeticError: no such number",
    "not-a-number": 'Estimator "not-a-number" returned nan: return a finite number',
    "needs-wings": '"needs-wings" requires wings, which "toy/mlp", the kind classification and "toy/blobs" lack.',
    "falls-later": "ArithmeticError: no such number",
    "infinite": 'Analysis "infinite" returned inf for "size"',
    "no-picture": 'Analysis "no-picture" returned a picture that is no PNG',
}


def test_what_fails_costs_no_row_its_score_and_is_named_once(ask, shared_settings):
    outcome = ask(estimators=["falls", "not-a-number", "needs-wings", "separation"], analyses=[*FAILING][3:])
    for row in outcome.rows:
        assert (row.status, [*row.estimates], row.analyses) == ("ok", ["separation"], {})
        assert row.score > 0.5
    assert len(outcome.without) == len(FAILING)
    for label, reason in FAILING.items():
        start = f"without {label}: toy/blobs toy/mlp: {reason}"
        assert [line.startswith(start) for line in outcome.without].count(True) == 1
    log = (shared_settings.cache / "tlbench.log").read_text()
    assert "frozen seed 0 falls\nTraceback" in log
    assert not (shared_settings.board / "analyses").exists()


def test_a_number_that_cannot_be_had_any_more_is_not_kept(ask, diagnosing, shared_settings, monkeypatch):
    ask(strategies=["frozen"], estimators=["separation"], analyses=["likeness"])
    broken = {
        "estimators": {
            "separation": dataclasses.replace(
                diagnosing.estimators["separation"], estimate=diagnosing.estimators["falls"].estimate
            )
        },
        "analyses": {
            "likeness": dataclasses.replace(
                diagnosing.analyses["likeness"], analyse=diagnosing.analyses["falls-later"].analyse
            )
        },
    }
    catalog = dataclasses.replace(diagnosing, **broken)
    wanted = {"tasks": ["toy/blobs"], "strategies": ["frozen"], "estimators": ["separation"], "analyses": ["likeness"]}
    (row,) = run(plan_only(catalog, shared_settings, **wanted), catalog, shared_settings).rows
    assert (row.status, row.estimates, row.analyses) == ("ok", {}, {})
    assert not list((shared_settings.board / "analyses").rglob("*.png"))


def test_words_are_units_too_and_a_skipped_row_has_no_numbers(ask):
    outcome = ask(tasks=["toy/names"], backbones=["words/window"], estimators=["separation"], strategies=["frozen"])
    assert [*only(outcome.rows, strategy="frozen").estimates] == ["separation"]
    skipped = ask(tasks=["toy/blobs"], strategies=["adabn"], estimators=["separation"]).rows
    assert [(row.status, row.estimates) for row in skipped] == [("skipped", {})]


@pytest.mark.parametrize(
    ("asked", "error", "message"),
    [
        ({"estimators": ["needs-absent"]}, UsageError, "pip install a_module_that_is_nowhere"),
        (
            {"estimators": ["separatione"]},
            UnknownNameError,
            'Unknown estimator "separatione". Did you mean "separation"',
        ),
        ({"analyses": ["likness"]}, UnknownNameError, 'Unknown analysis "likness". Did you mean "likeness"'),
        ({"estimators": ["separation"], "overrides": {"separation.round": 5}}, UnknownNameError, '"separation.power"'),
        ({"overrides": {"separation.power": 5}}, UnknownNameError, "separation.power"),
    ],
)
def test_what_cannot_be_asked_for_is_said_before_the_run(ask, asked, error, message):
    with pytest.raises(error) as told:
        ask(**asked)
    assert message in str(told.value)


def test_an_estimator_is_given_the_labels_that_strategies_see(diagnosing, source_of, pairing_of):
    from tlbench.engine.estimation import estimate_request
    from tlbench.engine.given import seen_labels
    from tlbench.learning.model import apply_head, encode
    from tlbench.planning.plan_parts import Asked

    pairing = pairing_of("toy/shapes")
    prepared, source = source_of(pairing)
    asked = Asked(spec=diagnosing.estimator("separation"), options={"power": 3.0})
    request = estimate_request(pairing, prepared, source, asked)
    seen = seen_labels(pairing, prepared)
    assert np.array_equal(request.targets, seen.targets.values)
    assert np.array_equal(request.features, encode(source, seen.inputs))
    assert np.array_equal(request.source_outputs, apply_head(source.heads["source"], request.features))
    assert (request.classes, len(request.target_labels), request.source_outputs.shape[1]) == (4, 4, 3)
    assert request.options == {"power": 3.0}
    assert not any(isinstance(part, np.memmap) for part in vars(request).values())


def test_an_analysis_is_given_the_test_split_in_memory(diagnosing, source_of, pairing_of):
    from tlbench.engine.adaptation import with_target_head
    from tlbench.engine.analysis import analysis_request
    from tlbench.planning.plan_parts import Asked

    pairing = pairing_of("toy/shapes")
    prepared, source = source_of(pairing)
    asked = Asked(spec=diagnosing.analysis("likeness"), options={"picture": False})
    request = analysis_request(pairing, prepared, source, with_target_head(pairing, prepared, source), asked)
    test = prepared.split("target-test")
    assert np.array_equal(request.inputs.columns[0], test.inputs.columns[0])
    assert np.array_equal(request.targets.values, test.targets.values)
    assert not isinstance(request.inputs.columns[0], np.memmap)
    assert not request.before.training
    assert not request.after.training
    again = analysis_request(pairing, prepared, source, source, asked)
    assert request.generator.initial_seed() == again.generator.initial_seed()


def test_names_of_columns_are_kept_and_must_fit_the_rows(diagnosing, shared_settings, tmp_path):
    (pairing,) = plan_only(diagnosing, shared_settings, tasks=["toy/blobs"], strategies=["frozen"]).pairings
    size = len(pairing.task.load(pairing.load_request).source.train.inputs[0])
    names = tuple(f"column {place}" for place in range(size))

    def named(columns):
        load = lambda request: dataclasses.replace(pairing.task.load(request), columns=columns)  # noqa: E731
        return dataclasses.replace(pairing, task=dataclasses.replace(pairing.task, load=load))

    (tmp_path / "named").mkdir()
    prepare(named(names), tmp_path / "named")
    assert Prepared.read(tmp_path / "named").columns == names
    with pytest.raises(ContractError, match=rf"names {size + 1} columns, but its examples have the shape \({size},\)"):
        prepare(named((*names, "more")), tmp_path)
