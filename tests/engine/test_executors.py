"""What runs pairings in other processes: what these report, which run at a time, and what the journal has of them."""

from __future__ import annotations

import dataclasses
import json
from collections import deque
from dataclasses import replace
from types import SimpleNamespace

import pytest

from tlbench.engine.draft import Draft
from tlbench.engine.executors.base import Limits
from tlbench.engine.executors.local import Local
from tlbench.engine.executors.reported import reported_draft, reported_event, reported_failures
from tlbench.engine.job import Job
from tlbench.engine.journal import Journal, read_plan
from tlbench.engine.planned import Planned, PlanRequest
from tlbench.errors import StoreError
from tlbench.results.row import Row

EVENT = {"name": "stage-finished", "stage": "adapt", "seconds": 0.5}


@pytest.fixture
def job(blobs, settings):
    return Job(title="one", fields=blobs.row_fields(settings), budget="50", group="a")


@pytest.fixture
def local(job, settings, tmp_path):
    return Local(
        request=PlanRequest(settings=settings),
        planned=Planned(jobs=[job]),
        limits=Limits(jobs=2, timeout=10.0, memory=0),
        journal=Journal(tmp_path / "journal"),
        display=lambda event: None,
        say=lambda text: None,
    )


def found(job):
    """The job with a result that the cache has."""
    return replace(job, draft=Draft(row=Row(**job.fields, status="skipped", reason="no")))


def test_a_traceback_comes_with_the_draft(job):
    draft = replace(found(job).draft, traceback="Traceback: here")
    assert reported_draft(json.loads(json.dumps(draft.to_json())), job).traceback == "Traceback: here"


def test_an_event_of_a_stage_is_taken_for_its_own_job_only(job):
    event = reported_event({**EVENT, "pairing": "another"}, job)
    assert (event.stage, event.seconds, event.pairing) == ("adapt", 0.5, "one")


@pytest.mark.parametrize(
    "changed",
    [
        {"name": "pairing-finished"},
        {"name": ["stage-finished"]},
        {"stage": [1]},
        {"seconds": "a"},
        {"seconds": float("inf")},
        {"done": True},
        {"total": {}},
        {"values": 3},
        {"unknown": 1},
    ],
)
def test_any_other_event_is_refused(job, changed):
    with pytest.raises(StoreError):
        reported_event({**EVENT, **changed}, job)


@pytest.mark.parametrize("value", [3, None, [], "x", {}])
def test_what_is_no_event_and_no_draft_is_refused(job, value):
    with pytest.raises(StoreError):
        reported_event(value, job)
    with pytest.raises(StoreError):
        reported_draft(value, job)


def test_a_score_without_a_model_is_refused(job):
    value = json.loads(json.dumps(found(job).draft.to_json()))
    assert reported_draft(value, job).row.status == "skipped"
    value["row"] |= {"status": "ok", "reason": None, "score": 0.5}
    with pytest.raises(StoreError, match="without an exported model"):
        reported_draft(value, job)


def test_failures_of_another_form_are_left_out():
    assert reported_failures({"a": ["adapt", "no", False], "b": ["adapt"], "c": 1}) == {"a": ["adapt", "no", False]}
    assert reported_failures([]) == {}


def test_a_job_that_died_runs_with_nothing_beside_it(local, job):
    other = replace(job, fields={**job.fields, "key": "other"}, group="b")
    local.journal.note("died", job.key)
    running = {one.key: SimpleNamespace(job=one, past_shared=True) for one in (job, other)}
    assert local._next(deque([(0, job), (1, other)]), []) == (0, job)
    assert local._next(deque([(1, other)]), [running[job.key]]) is None
    assert local._next(deque([(0, job)]), [running["other"]]) is None
    assert local._next(deque([(0, job), (1, other)]), [running["other"]]) == (1, other)


def test_the_plan_of_the_journal_is_the_whole_plan_also_if_a_part_is_computed_again(local, job):
    jobs = [(index, found(job)) for index in range(3)]
    assert len(list(local.run(jobs, lambda event: None))) == 3
    assert len(list(local.run(jobs[:1], lambda event: None))) == 1
    assert len(read_plan(local.journal.folder)["pairings"]) == 3


def test_an_interrupted_job_that_is_found_counts_as_finished(local, job):
    local.journal.note("started", job.key)
    again = dataclasses.replace(local, journal=Journal(local.journal.folder))
    assert again.journal.interrupted(job.key)
    list(again.run([(0, found(job))], lambda event: None))
    assert not Journal(local.journal.folder).interrupted(job.key)
