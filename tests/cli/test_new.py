"""Packages that `tlbench new` writes."""

from __future__ import annotations

import dataclasses
import tomllib

import pytest

from tlbench.cli.scaffold import MODALITIES, OFFERS
from tlbench.cli.task_forms import FORMS
from tlbench.contract import hooks
from tlbench.contract.specs import TaskSpec
from tlbench.planning.catalog import load_catalog
from tlbench.results.row import Row
from tlbench.testing.bench import Bench
from tlbench.testing.child import sources_of
from tlbench.testing.conformance import CHECKS, make

FIRST = {
    "domain": ("chemistry", "tlbench-chemistry"),
    "task": ("vision/mine", "tlbench-vision-mine"),
    "strategy": ("lp.ft", "tlbench-lp-ft"),
    "backbone": ("tabular/mine", "tlbench-tabular-mine"),
    "estimator": ("my-leep", "tlbench-my-leep"),
    "analysis": ("my-cka", "tlbench-my-cka"),
    "kind": ("anomaly/stars", "tlbench-anomaly-stars"),
    "family": ("rows", "tlbench-rows"),
    "tracker": ("jsonl", "tlbench-jsonl"),
}
"""A name of each kind, and the distribution that it leads to."""


@pytest.mark.parametrize("kind", FIRST)
def test_a_package_is_whole_and_says_how_to_go_on(tlbench, kind, tmp_path):
    name, distribution = FIRST[kind]
    status, output, errors = tlbench("new", kind, name, "-o", "plugins")
    assert (status, errors) == (0, "")
    assert f"cd plugins/{distribution}" in output
    folder = tmp_path / "plugins" / distribution
    project = tomllib.loads((folder / "pyproject.toml").read_text())
    ((_, module),) = project["project"]["entry-points"]["tlbench"].items()
    assert project["project"]["name"] == distribution
    assert (folder / module.replace(".", "/")).with_suffix(".py").is_file()
    assert "TLBENCH_API = 2" in (folder / module.replace(".", "/")).with_suffix(".py").read_text()
    assert f"tlbench check {distribution}" in (folder / "README.md").read_text()
    for path in (path for path in folder.rglob("*") if path.is_file()):
        assert "$" not in path.read_text()
        if path.suffix == ".py":
            compile(path.read_text(), path, "exec")
    assert [path.name for path in (tmp_path / "plugins").iterdir()] == [distribution]


def test_the_packages_pass_their_own_tests_as_they_are(environment, session_cache, tmp_path):
    """The strategy's too, in the test of the guide."""
    made = [(kind, *FIRST[kind]) for kind in FIRST if kind not in ("strategy", "backbone")]
    made += [("backbone", f"{modality}/mine", f"tlbench-{modality}-mine") for modality in MODALITIES]
    made += [("task --kind policy", "robotics/mine", "tlbench-robotics-mine")]
    lines = [f"tlbench new {kind} {name}" for kind, name, _ in made]
    folders = [folder for *_, folder in made]
    install = "python -m pip install -q " + " ".join(f"-e ./{folder}[test]" for folder in folders)
    done = environment.bash("\n".join([*lines, install, f"python -m pytest -q {' '.join(folders)}"]), tmp_path)
    assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    assert "failed" not in done.stdout


def test_the_tracker_reads_fields_that_a_row_has(tlbench, tmp_path):
    tlbench("new", "tracker", "jsonl")
    read = {}
    exec((tmp_path / "tlbench-jsonl" / "tlbench_jsonl" / "tracker.py").read_text(), read)
    assert set(read["FIELDS"]) <= {field.name for field in dataclasses.fields(Row)}
    assert read["VARIABLE"] == "TLBENCH_JSONL_FILE"


def test_every_hook_has_a_template():
    assert {offer.hook for offer in OFFERS.values()} == {name for name in vars(hooks) if name.startswith("tlbench_")}
    assert set(FIRST) == set(OFFERS)


SLOW = ("loading_is_reproducible", "runs_to_a_result", "export_predicts_what_was_scored")
"""Checks that start processes or train; `tlbench check` makes them, of one form in the test of all packages."""


def test_every_kind_of_a_task_that_ships_has_a_form():
    kinds = {task.kind.name for task in load_catalog().tasks.values()}
    assert kinds <= {"classification", *FORMS}
    assert set(FORMS) - kinds == {"policy"}


@pytest.mark.parametrize("problem", FORMS)
def test_a_task_of_each_kind_loads_and_keeps_what_it_promises(tlbench, tmp_path, problem):
    name = f"vision/my-{problem}"  # A name of its own: Python keeps the modules of the others.
    status, output, _ = tlbench("new", "task", name, "--kind", problem)
    folder = tmp_path / f"tlbench-vision-my-{problem}"
    assert (status, f"--task {name} --strategy {FORMS[problem].strategy} " in output) == (0, True)
    for path in (path for path in folder.rglob("*") if path.is_file()):
        assert "$" not in path.read_text()
        assert path.suffix != ".py" or max(map(len, path.read_text().splitlines())) <= 120
    catalog = load_catalog(also=sources_of(folder))
    task = catalog.tasks[name]
    assert task.kind.name == ("regression" if problem == "policy" else problem)
    assert not catalog.problems
    bench = Bench(catalog=catalog, folder=tmp_path, plugin=folder)
    done = {check.__name__: make(check, task, bench) for check in CHECKS[TaskSpec] if check.__name__ not in SLOW}
    assert {name: reason for name, (status, reason) in done.items() if status != "ok"} == {}
    assert len(done) > 10


def test_only_a_task_has_a_kind_of_problem(tlbench):
    status, _, errors = tlbench("new", "strategy", "mine", "--kind", "detection")
    assert (status, "--kind names the kind of problem of a task" in errors) == (2, True)


@pytest.mark.parametrize("modality", MODALITIES)
def test_a_backbone_has_the_modality_of_its_name(tlbench, tmp_path, modality):
    status, output, _ = tlbench("new", "backbone", f"{modality}/mine")
    package = tmp_path / f"tlbench-{modality}-mine" / f"tlbench_{modality}_mine"
    assert (status, f"--task {MODALITIES[modality].task} " in output) == (0, True)
    assert f'modality="{modality}",' in (package / "plugin.py").read_text()


@pytest.mark.parametrize(
    ("kind", "name", "message"),
    [
        ("strategy", "finetune", '"finetune" already exists, from finetune (tlbench '),
        ("domain", "vision", '"vision" already exists, from vision (tlbench '),
        ("strategy", "vision", '"tlbench_vision" already exists'),
        ("estimator", "a/b", 'Invalid estimator name "a/b"'),
        ("analysis", "..", 'Invalid analysis name ".."'),
        ("task", "visio/mine", 'Unknown domain "visio"'),
        ("task", "mine", "DOMAIN/NAME"),
        ("kind", "mine", 'Invalid kind name "mine": use DOMAIN/NAME'),
        ("kind", "visio/mine", 'Unknown domain "visio"'),
        ("kind", "anomaly/flows", '"anomaly/flows" already exists, from anomaly (tlbench '),
        ("family", "timm", '"timm" already exists, from '),
        ("tracker", "a/b", 'Invalid tracker name "a/b"'),
        ("task", "vision/../mine", 'Invalid task name "vision/../mine"'),
        ("backbone", "../mine", 'Invalid backbone name "../mine"'),
        ("strategy", "..", 'Invalid strategy name ".."'),
        ("strategy", "größe", 'Invalid strategy name "größe"'),
        ("backbone", "mine", "MODALITY/NAME, with one of image, text"),
        ("backbone", "smell/mine", 'no template for the modality "smell"'),
        ("strategy", "a b", 'Invalid strategy name "a b"'),
    ],
)
def test_a_name_that_will_not_do_is_refused_with_the_reason(tlbench, tmp_path, kind, name, message):
    status, _, errors = tlbench("new", kind, name)
    assert (status, message in errors) == (2, True), errors
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_there_is_left_as_it_is(tlbench, tmp_path):
    (tmp_path / "tlbench-mine").mkdir()
    status, _, errors = tlbench("new", "strategy", "mine")
    assert status == 2
    assert '"tlbench-mine" already exists' in errors
    assert not list((tmp_path / "tlbench-mine").iterdir())
