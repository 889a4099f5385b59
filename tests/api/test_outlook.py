"""The plan in words."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from tlbench.api.data_facts import data_lines, labels_line
from tlbench.api.outlook import Outlook, duration, size
from tlbench.engine.draft import Draft
from tlbench.engine.facts import SizedExamples, write_facts
from tlbench.engine.job import job_of
from tlbench.engine.surveyed import Survey
from tlbench.learning.data import Inputs
from tlbench.learning.ragged import Ragged
from tlbench.results.row import Row

SPLITS = {"target-train": {"examples": 162}, "target-test": {"examples": 38}}


@pytest.fixture
def jobs(catalog, plan_of, settings):
    plan = plan_of(catalog, tasks=["toy/blobs"], strategies=["finetune", "frozen"], seeds=(0, 1, 2))
    return [job_of(pairing, catalog, settings) for pairing in plan.pairings]


def cached(job):
    return replace(job, draft=Draft(row=Row(**job.fields, status="ok", score=0.5)))


def lines(outlook):
    return [line for _, part in outlook.sections() for line in part]


@pytest.mark.parametrize(
    ("budgets", "expected"),
    [
        (["50"], "50 of 162 labels; use all: --label-budget all"),
        (["all"], "all of 162 labels"),
        (["500"], "all of 162 labels"),
        (["5/class"], "5/class (at most 15) of 162 labels; use all: --label-budget all"),
        (["10", "50", "50"], "10, 50 of 162 labels; use all: --label-budget all"),
    ],
)
def test_labels_used_of_labels_there(budgets, expected):
    assert labels_line("labels", budgets, there=162, classes=3) == expected


def test_a_finished_plan_has_one_line(jobs, settings):
    (line,) = lines(Outlook(jobs=[cached(job) for job in jobs], settings=settings, at_once=2))
    assert "2 strategies x 3 seeds on toy/mlp: 6 runs, 6 in the cache" in line


def test_the_trainings_of_tuning_are_counted(catalog, plan_of, settings):
    plan = plan_of(catalog, tasks=["toy/blobs"], strategies=["finetune", "frozen"], seeds=(0, 1), tune=20)
    tuned = [job_of(pairing, catalog, settings) for pairing in plan.pairings]
    outlook = Outlook(jobs=tuned, settings=settings, at_once=2, finds=False)
    said = " ".join(" ".join(lines(outlook)).split())
    assert "tuning 20 settings x up to 5 folds = at most 100 trainings for each strategy and seed (finetune)" in said
    assert not any("tuning" in line for line in lines(replace(outlook, jobs=[cached(job) for job in tuned])))


def test_what_is_skipped_and_cached_is_counted(jobs, settings):
    mixed = [cached(jobs[0]), replace(jobs[1], skip="no source"), *jobs[2:]]
    assert (
        "6 runs, 1 in the cache, 1 skipped, 4 to compute" in lines(Outlook(jobs=mixed, settings=settings, at_once=2))[0]
    )


def test_nothing_is_asked_of_a_finished_plan_and_only_time_of_a_long_one(jobs, settings):
    outlook = Outlook(jobs=[cached(job) for job in jobs], settings=settings, at_once=2)
    assert outlook.questions(asked=True) == {}
    tasks = [replace(jobs[0], fields={**jobs[0].fields, "task": f"toy/{name}"}) for name in "abcde"]
    long = Outlook(jobs=tasks, settings=settings, at_once=2)
    assert all(question.measure for question in long.questions(asked=True).values())
    assert lines(long)[0].startswith("toy/a: finetune x seed 0 on toy/mlp: 1 run")
    assert lines(long)[-1] == "time      not known: nothing like it ran before"
    many = [replace(job, fields={**job.fields, "task": f"toy/{n}"}) for n in range(41) for job in jobs[:1]]
    assert Outlook(jobs=many, settings=settings, at_once=2).questions(asked=True) == {}


def test_steps_are_timed_only_where_many_follow(jobs, settings):
    few = {**jobs[0].fields, "strategy_options": {**jobs[0].fields["strategy_options"], "steps": 3}}
    short = Outlook(jobs=[replace(jobs[0], fields=few)], settings=settings, at_once=1)
    assert [question.measure for question in short.questions().values()] == [False]
    assert [question.measure for question in short.questions(asked=True).values()] == [True]
    pretrained = replace(jobs[0], fields={**few, "weights": "hub:owner/decoder"})
    slow = Outlook(jobs=[pretrained], settings=settings, at_once=1)
    assert [q.measure for q in slow.questions().values()] == [True]
    assert [q.measure for q in Outlook(jobs=jobs, settings=settings, at_once=1).questions().values()] == [True]


def test_an_estimate_says_what_it_is_made_of(jobs, settings):
    splits = {f"{side}-{part}": {"examples": 10, "raw": None, "input": [[4], [4]]}
              for side in ("source", "target") for part in ("train", "test")}  # fmt: skip
    facts = {"splits": splits, "sample_rate": None, "classes": 3}
    found = Survey(facts=facts, prepare=0.1, costs={"source": (1, 1), "full": (1, 1)}, encode=0.1, memory=10**9)
    outlook = Outlook(jobs=jobs, settings=settings, at_once=2)
    text = "\n".join(lines(outlook.answered(outlook.questions(), [found])))
    assert "of CPU time" in text
    assert "2 at a time (from timed training steps)" in text
    assert "source 10 training, 10 test; target 10 training, 10 test" in text
    assert "1.0 GB for each of 2" in text
    assert "not known" in "\n".join(lines(outlook.answered(outlook.questions(), [None])))


def test_what_makes_runs_fail_stands_in_the_plan_in_place_of_their_time(jobs, settings):
    outlook = Outlook(jobs=jobs, settings=settings, at_once=2)
    refused = outlook.answered(outlook.questions(), [Survey(error='"a.jpg" is truncated.')])
    assert lines(refused)[1:] == ['error     "a.jpg" is truncated.']
    assert refused.errors == ['"a.jpg" is truncated.']
    tasks = [replace(jobs[0], fields={**jobs[0].fields, "task": f"toy/{name}"}) for name in "abcde"]
    long = Outlook(jobs=tasks, settings=settings, at_once=2)
    part = long.answered(long.questions(), [Survey(error="no."), *[None] * 4])
    assert lines(part)[-2:] == ["error     toy/a with toy/mlp: no.", "time      not known: nothing like it ran before"]
    assert outlook.errors == []


def facts_of(tmp_path, raw, inputs, options):
    for name in ("target-train", "target-test"):
        list(raw)
        write_facts(tmp_path, dict.fromkeys(SPLITS, raw), {name: Inputs((inputs,)) for name in SPLITS}, options)
    return json.loads((tmp_path / "facts.json").read_text())


@pytest.mark.parametrize(
    ("raw", "inputs", "options", "rate", "expected"),
    [
        ([np.zeros((30, 40, 3))] * 2, np.zeros((2, 3, 8, 8)), {}, None, "40x30 -> 8x8 by B"),
        ([np.zeros((30, 40, 3)), np.zeros((20, 50, 3))], np.zeros((2, 3, 8, 8)), {}, None, "40-50x20-30 -> 8x8 by B"),
        ([np.zeros(8000), np.zeros(16000)], np.zeros((2, 100)), {}, 8000, "clips of 1.0-2.0 s at 8000 Hz -> 100"),
        (["a b", "c"], Ragged(np.zeros(7), np.array([0, 5, 7])), {"max_length": 5}, None,
         "2-5 tokens a text by B; 2 of 4 texts reach the limit of 5, where longer ones are cut"),
        (["a b", "c"], Ragged(np.zeros(7), np.array([0, 5, 7])), {"max_length": 9}, None, "no text is cut"),
    ],
)  # fmt: skip
def test_sizes_before_and_after(tmp_path, jobs, raw, inputs, options, rate, expected):
    facts = {"splits": facts_of(tmp_path, SizedExamples(raw), inputs, options), "sample_rate": rate, "classes": 2}
    job = replace(jobs[0], fields={**jobs[0].fields, "backbone": "B"})
    assert expected in dict(data_lines([([job], facts)]))["input"]


def test_estimates_are_rounded():
    assert [duration(seconds) for seconds in (3, 44, 700, 7200, 90_000)] == [
        "about 10 s", "about 40 s", "about 12 min", "about 2.0 h", "about 25 h",
    ]  # fmt: skip
    assert [size(count) for count in (1, 2_340_000, 23_400_000, 796_000_000, 62e9)] == [
        "0.1 MB", "2.3 MB", "23 MB", "0.8 GB", "62 GB",
    ]  # fmt: skip
