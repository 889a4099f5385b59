from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from tlbench import CLASSIFICATION
from tlbench.api.running import run_requests
from tlbench.errors import UnknownNameError, UsageError
from tlbench.planning.catalog import load_catalog
from tlbench.planning.expand import make_plan
from tlbench.planning.selection import RunRequest
from tlbench.planning.suites import read_suite, suite_names


@pytest.fixture
def suite(tmp_path):
    def write(text: str) -> str:
        path = tmp_path / "suite.toml"
        path.write_text(text)
        return str(path)

    return write


def test_embedded_is_whatever_needs_no_data(catalog, settings):
    plan = make_plan(read_suite("embedded").runs, catalog, settings)
    assert {pairing.task.data_from for pairing in plan.pairings} == {"package"}
    assert "toy/blobs" in {pairing.task.name for pairing in plan.pairings}


def test_every_shipped_suite_can_be_read(catalog):
    for name in suite_names():
        suite = read_suite(name)
        assert all(catalog.task(task) for run in suite.runs for task in run.tasks)


def test_every_task_on_published_files_that_is_no_classification_is_in_a_suite():
    catalog = load_catalog()
    # Other tests may have installed tasks of their own in this process.
    published = {
        name
        for name, task in catalog.tasks.items()
        if task.data_from == "data-root" and task.kind is not CLASSIFICATION
        if catalog.origin(task).distribution == "tlbench"
    }
    assert published <= {task for name in suite_names() for run in read_suite(name).runs for task in run.tasks}
    assert "nlp/qa-shift" in published


@pytest.mark.skipif(not os.environ.get("TLBENCH_DATA"), reason="TLBENCH_DATA is not set")
def test_of_the_suite_of_kinds_no_run_is_skipped(settings):
    """But for the encoder of speakers, which has to be downloaded first."""
    runs = [replace(run, seeds=[0]) for run in read_suite("kinds").runs if not run.backbones]
    data = replace(settings, data_root=Path(os.environ["TLBENCH_DATA"]))
    plan = make_plan(runs, load_catalog(), data)
    assert {pairing.task.kind.name for pairing in plan.pairings} == {
        *("detection", "segmentation", "span", "generation", "transcription", "anomaly")
    }
    assert [pairing.skip for pairing in plan.pairings if pairing.skip] == []


def test_a_file_says_tasks_seeds_and_options(suite):
    text = 'tasks = ["toy/blobs"]\nseeds = [7]\n[set]\n"finetune.steps" = 5\n"adversarial.conditional" = true\n'
    expected = {"finetune.steps": 5, "adversarial.conditional": True}
    assert read_suite(suite(text)).runs == (RunRequest(tasks=["toy/blobs"], seeds=[7], overrides=expected),)


def test_all_mistakes_of_a_file_are_told_at_once(suite):
    with pytest.raises(UsageError, match=r"tasks: .*; seeds\.0: "):
        read_suite(suite('tasks = "toy/blobs"\nseeds = ["many"]\n'))


def test_an_unknown_key_is_answered_with_the_right_one(suite):
    with pytest.raises(UnknownNameError, match='"tasks"'):
        read_suite(suite('task = ["toy/blobs"]\n'))


def test_what_is_not_toml_is_named(suite):
    with pytest.raises(UsageError, match="not valid TOML"):
        read_suite(suite("tasks = ["))


def test_an_unknown_suite_is_answered_with_a_near_one():
    with pytest.raises(UnknownNameError, match='"real"'):
        read_suite("reel")


def test_quick_trains_with_a_quarter_of_the_steps(catalog, settings):
    full, quick = (
        make_plan([RunRequest(tasks=["toy/blobs"], seeds=[0], quick=quick)], catalog, settings)
        for quick in (False, True)
    )
    for one, other in zip(full.pairings, quick.pairings, strict=True):
        assert other.source_options["steps"] == int(one.source_options["steps"]) // 4
        assert one.key() != other.key()


def test_quick_shortens_every_training_and_no_other_number_of_updates(settings):
    request = RunRequest(tasks=["anomaly/flows"], strategies=["masked-series", "mcd"], seeds=[0], quick=True)
    pairings = {one.strategy.name: one for one in make_plan([request], load_catalog(), settings).pairings}
    longer, inner = pairings["masked-series"], pairings["mcd"]
    assert longer.strategy_options["pretext_steps"] == 62
    assert inner.strategy_options["encoder_steps"] == 4


def test_runs_share_what_stands_above_them(suite):
    text = 'seeds = [7]\n[set]\n"finetune.steps" = 5\n[[runs]]\ntasks = ["a"]\n'
    text += '[[runs]]\ntasks = ["b", "c"]\nseeds = [8]\nset = {"source.steps" = 2}\n'
    assert read_suite(suite(text)).runs == (
        RunRequest(tasks=["a"], seeds=[7], overrides={"finetune.steps": 5}),
        RunRequest(tasks=["b", "c"], seeds=[8], overrides={"finetune.steps": 5, "source.steps": 2}),
    )


def test_a_task_of_a_suite_runs_as_the_suite_says(suite):
    runs = '[[runs]]\ntasks = ["a", "b"]\nseeds = [8]\n[[runs]]\ntasks = ["b"]\n'
    read = read_suite(suite(runs))
    assert read.of_tasks(()) == read
    assert read.of_tasks(("a",)).runs == (RunRequest(tasks=["a"], seeds=[8]),)
    assert [list(run.tasks) for run in read.of_tasks(("b",)).runs] == [["b"], ["b"]]
    with pytest.raises(UnknownNameError, match='task "d" in the suite'):
        read.of_tasks(("d",))


def test_the_settings_of_one_run_say_nothing_of_another(catalog, settings):
    run_requests = [
        RunRequest(tasks=["toy/blobs"], overrides={"task.noise": 0.5, "finetune.steps": 5}),
        RunRequest(tasks=["toy/rare"], overrides={"finetune.steps": 5}),
    ]
    by_task = {pairing.task.name: pairing for pairing in make_plan(run_requests, catalog, settings).pairings}
    assert by_task["toy/blobs"].task_options["noise"] == 0.5
    with pytest.raises(UnknownNameError, match="finetune\\.stepz"):
        make_plan([*run_requests, RunRequest(tasks=["toy/rare"], overrides={"finetune.stepz": 5})], catalog, settings)


def test_what_a_suite_sets_for_other_strategies_is_no_error_but_a_user_s_own_is(catalog, settings, suite):
    def plan(overrides, **arguments):
        own = read_suite(suite('tasks = ["toy/blobs"]\n[set]\n"strategy.steps" = 5\n"finetune.step" = 6\n'))
        return make_plan(run_requests(own.name, (), False, arguments, overrides), catalog, settings)

    assert {one.strategy.name for one in plan({}, strategies=["constant"], references=["none"]).pairings} == {
        "constant"
    }
    with pytest.raises(UnknownNameError, match=r"finetune\.step"):
        plan({})
    for name in ("strategy.stepz", "finetune.step"):
        with pytest.raises(UnknownNameError, match=name):
            plan({name: 7}, strategies=["constant"], references=["none"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("runs = 3", "\\[\\[runs\\]\\]"),
        ("set = 3", "set must be a table"),
        ('[[runs]]\nset = "a"', "set must be a table"),
        ('[[runs]]\ntask = ["a"]', '"tasks"'),
        ('[[pretrain]]\nname = "a"', "pretrain.0.backbone: "),
        ('[[pretrain]]\nbackbones = "a"', '"backbone"'),
        ('[[runs]]\ntasks = ["a"]\n[[runs]]\ntasks = "b"', "runs.1.tasks: "),
    ],
)
def test_mistakes_in_tables_are_told_where_they_stand(suite, text, message):
    with pytest.raises(UsageError, match=message):
        read_suite(suite(text))
