"""What runs will take: by the seconds of earlier results, and by timed steps."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tlbench.engine.forecast import earlier_rows, from_rows, from_survey
from tlbench.engine.job import job_of
from tlbench.engine.store import Store
from tlbench.engine.survey import survey
from tlbench.engine.surveyed import Survey
from tlbench.errors import BadInputError, StoreError
from tlbench.planning.catalog import load_catalog
from tlbench.results.row import Row, write_row

SECONDS = {"prepare": 1.0, "source": 10.0, "features": 2.0, "adapt": 8.0, "score": 1.0, "graph": 3.0, "export": 0.5}
SPLITS = {"source-train": 100, "source-test": 50, "target-train": 80, "target-test": 20}
SPLIT = {"examples": 3, "original": None, "raw": [[8, 8], [9, 9]], "input": [[4], [4]]}
FACTS = {"splits": {"target-train": SPLIT, "target-test": SPLIT}, "sample_rate": None, "classes": 2}
SURVEY = Survey(
    facts={"splits": {name: {"examples": count} for name, count in SPLITS.items()}},
    prepare=1.0,
    costs={"source": (1.0, 0.5), "full": (2.0, 0.25)},
    encode=0.01,
    parameters=1_000_000,
    memory=10**9,
)


@pytest.fixture
def jobs(catalog, plan_of, settings):
    """Two seeds of fine-tuning."""
    plan = plan_of(catalog, tasks=["toy/blobs"], strategies=["finetune"], seeds=(0, 1))
    return [job_of(pairing, catalog, settings) for pairing in plan.pairings]


def row(job, **changed):
    fields = {**job.fields, "seconds": SECONDS, "peak_memory_bytes": 5, "onnx_bytes": 7, **changed}
    return Row(**fields, status="ok", score=0.5)


def test_earlier_results_are_scaled_by_their_training_steps(jobs):
    options = jobs[0].fields["strategy_options"]
    half = {**options, "steps": options["steps"] / 2}
    forecast = from_rows(jobs, [row(jobs[0], strategy_options=half)])
    # prepare and graph once; source, features, adapt (twice as many steps), score and export for each seed
    assert forecast.seconds == 1 + 3 + 2 * (10 + 2 + 2 * 8 + 1 + 0.5)
    assert (forecast.memory, forecast.disk, forecast.basis) == (5, 2 * 2 * 7, "earlier results")


def test_the_trainings_of_tuning_are_in_the_forecast(jobs):
    options = {**jobs[0].fields["strategy_options"], "trials": 3, "few_labels": False}
    tuned = replace(jobs[0], fields={**jobs[0].fields, "strategy_options": options})
    rest = sum(SECONDS.values()) - SECONDS["adapt"]
    for earlier in (row(jobs[0]), row(tuned)):  # The seconds of a tuned result are those of its last training, too.
        assert from_rows([tuned], [earlier]).seconds == rest + (1 + 5 * 3) * SECONDS["adapt"]
    assert from_rows([jobs[0]], [row(tuned)]).seconds == rest + SECONDS["adapt"]


def test_what_the_cache_has_takes_no_time(jobs):
    first = replace(jobs[0], found=(("prepare", 1.0), ("source", 10.0), ("features", 2.0)))
    assert from_rows([first], [row(first)]).seconds == 8 + 1 + 3 + 0.5


def test_a_strategy_without_earlier_results_has_no_forecast(jobs):
    assert from_rows(jobs, [row(jobs[0], strategy="frozen")]) is None


def test_earlier_results_of_other_options_or_devices_do_not_count(jobs, settings):
    write_row(settings.board, row(jobs[0]))
    write_row(settings.board, row(jobs[1], device="cuda"))
    write_row(settings.board, row(jobs[1], backbone_options={"width": 9}))
    damaged = write_row(settings.board, row(jobs[1]))
    damaged.write_text("{}")
    assert [found.seed for found in earlier_rows(jobs, settings.board)] == [0]


def test_timed_steps_are_multiplied(jobs):
    source, adapt = (jobs[0].fields[name]["steps"] for name in ("source_options", "strategy_options"))
    forecast, trained = from_survey(jobs, SURVEY), 2 * (1 + 0.5 * source + 2 + 0.25 * adapt)
    assert trained < forecast.seconds < trained + 30  # Features, scores, graph and latency come on top.
    assert (forecast.memory, forecast.disk) == (10**9, 4 * 10**6 * 6)


def test_a_training_that_could_not_be_timed_has_no_forecast(jobs):
    assert from_survey(jobs, replace(SURVEY, costs={"source": (1.0, 0.5)})) is None
    assert from_survey(jobs, replace(SURVEY, encode=None)) is None


def test_a_survey_times_the_model_and_leaves_the_prepared_data(blobs, settings):
    store = Store(root=settings.cache, notify=lambda event: None)
    found = Survey.from_json(survey([blobs], settings, store, measure=True))
    assert set(found.costs) == {"source", "full"}
    assert found.facts["splits"]["target-test"]["examples"] == len(
        blobs.task.load(blobs.load_request).target.test.inputs
    )
    assert [path.parent.name for path in settings.cache.glob("*/*/*/stage.json")]
    assert {path.parents[2].name for path in settings.cache.glob("*/*/*/stage.json")} == {"prepare"}


def test_a_survey_of_data_that_cannot_be_prepared_says_why(blobs, settings):
    def refuse(request):
        raise BadInputError('"a.jpg" is truncated: replace it.')

    store = Store(root=settings.cache, notify=lambda event: None)
    refused = replace(blobs, task=replace(blobs.task, load=refuse))
    found = Survey.from_json(survey([refused], settings, store, measure=True))
    assert found == Survey(error='"a.jpg" is truncated: replace it.')


def test_a_survey_of_a_model_that_cannot_be_built_knows_the_data_and_says_why(blobs, settings):
    def refuse(request):
        raise RuntimeError("size mismatch for embeddings")

    store = Store(root=settings.cache, notify=lambda event: None)
    refused = replace(blobs, backbone=replace(blobs.backbone, build=refuse))
    found = Survey.from_json(survey([refused], settings, store, measure=True))
    assert "size mismatch for embeddings" in found.error
    assert found.facts["splits"]["target-test"]["examples"] > 0
    assert from_survey([job_of(refused, load_catalog(), settings)], found) is None


@pytest.mark.parametrize(
    "changed",
    [
        {"prepare": -1},
        {"costs": {"full": [1]}},
        {"costs": {"full": [1.0, float("nan")]}},
        {"encode": "fast"},
        {"facts": {}},
        {"facts": {**FACTS, "splits": {}}},
        {"facts": {**FACTS, "sample_rate": "x"}},
        {"facts": {**FACTS, "splits": {**FACTS["splits"], "target-test": {**SPLIT, "examples": "many"}}}},
        {"facts": {**FACTS, "splits": {**FACTS["splits"], "target-test": {**SPLIT, "raw": [[1, 2], [1]]}}}},
    ],
)
def test_a_survey_that_is_none_is_refused(changed):
    whole = {"facts": FACTS, "prepare": 1.0, "costs": {"full": [1.0, 0.5]}, "encode": 0.1}
    assert Survey.from_json(whole).facts == FACTS
    with pytest.raises(StoreError):
        Survey.from_json({**whole, **changed})
