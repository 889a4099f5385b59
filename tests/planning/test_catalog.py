from __future__ import annotations

import importlib
import shutil

import pytest
from support import install

from tlbench import CLASSIFICATION, Event, hookimpl
from tlbench.errors import UnknownNameError
from tlbench.planning.catalog import load_catalog, missing

SHIPPED_STRATEGIES = {"adversarial", "finetune", "frozen", "source-only"}


def problem_of(catalog, distribution):
    """The one problem of a distribution; the shipped plugins have none."""
    (problem,) = catalog.problems
    assert problem.origin.distribution == distribution
    return problem


def assert_the_rest_is_there(catalog):
    assert catalog.strategies.keys() >= SHIPPED_STRATEGIES
    assert "toy/blobs" in catalog.tasks


def test_shipped_plugins_and_the_toy_load_without_a_problem(catalog):
    assert catalog.problems == ()
    assert_the_rest_is_there(catalog)
    assert list(catalog.tasks) == sorted(catalog.tasks)


def test_a_spec_knows_the_distribution_it_came_from(catalog):
    assert str(catalog.origin(catalog.task("toy/blobs"))) == "toy (tlbench-toy 1.0)"
    assert catalog.origin(catalog.strategy("frozen")).distribution == "tlbench"


@pytest.mark.parametrize(
    ("module", "stage", "cause", "advice"),
    [
        ("absent_import", "load", "ModuleNotFoundError: No module named 'a_module_that_is_nowhere'", "pip uninstall"),
        ("leaving", "load", "SystemExit: 3", "pip uninstall tlbench-odd"),
        ("listeners:nothing", "load", "AttributeError: module 'listeners' has no attribute 'nothing'", "pip uninstall"),
        ("misspelt_hook", "register", '"tlbench_task". Did you mean "tlbench_tasks"', "Rename"),
        ("wrong_argument", "register", "catalog", "Compare the function's arguments"),
    ],
)
def test_a_plugin_that_cannot_be_used_is_a_problem_and_the_rest_goes_on(site, module, stage, cause, advice):
    install(site, "tlbench-odd", {"odd": module}, version="0.3")
    catalog = load_catalog()
    problem = problem_of(catalog, "tlbench-odd")
    assert problem.stage == stage
    assert cause in problem.cause
    assert advice in problem.advice
    assert str(problem).startswith(f"odd (tlbench-odd 0.3): {stage}: ")
    assert_the_rest_is_there(catalog)


def test_a_hook_that_raises_while_its_records_are_taken_costs_that_hook_alone(site):
    install(site, "tlbench-half", {"half": "raising_generator"})
    catalog = load_catalog()
    problem = problem_of(catalog, "tlbench-half")
    assert (problem.stage, problem.cause) == ("hook", "tlbench_strategies: LookupError: the registry is empty")
    assert "half" in catalog.domains
    assert "never" not in catalog.strategies
    assert_the_rest_is_there(catalog)


def test_hooks_that_end_the_program_cost_those_hooks_alone(site):
    install(site, "tlbench-leaving", {"leaving": "leaving_hooks"})
    catalog = load_catalog()
    assert [problem.cause for problem in catalog.problems] == [
        "tlbench_domains: SystemExit: 0",
        "tlbench_backbones: GeneratorExit: ",
        "tlbench_strategies: Panic: index out of bounds",
    ]
    assert_the_rest_is_there(catalog)
    with pytest.warns(UserWarning, match="tlbench_event .*SystemExit: 0"):
        catalog.notify(Event(name="plan-started"))


def test_a_name_that_is_taken_is_a_problem_that_names_both_distributions(site):
    install(site, "tlbench-xerox", {"copy": "same_names"})
    catalog = load_catalog()
    causes = [problem.cause for problem in catalog.problems]
    assert causes == [
        '"toy/blobs" of tlbench_tasks already exists in toy (tlbench-toy 1.0).',
        '"toy/mlp" of tlbench_backbones already exists in toy (tlbench-toy 1.0).',
    ]
    assert all(str(problem).startswith("copy (tlbench-xerox 1.0): spec: ") for problem in catalog.problems)
    assert catalog.origin(catalog.task("toy/blobs")).distribution == "tlbench-toy"
    assert catalog.origin(catalog.task("toy/shapes-again")).distribution == "tlbench-xerox"


def test_what_is_no_record_or_fits_nowhere_is_a_problem(site):
    install(site, "tlbench-odd", {"odd": "wrong_records"})
    catalog = load_catalog()
    causes = {problem.cause for problem in catalog.problems}
    assert causes == {
        "tlbench_strategies returned a str.",
        "tlbench_strategies returned a NoneType.",
        "tlbench_backbones: TypeError: 'int' object is not iterable",
        'Invalid task name "without-domain": expected DOMAIN/NAME.',
        'The default backbone "tabular/nowhere" of "toy/without-backbone" does not exist.',
    }
    assert not {"without-domain", "toy/without-backbone"} & catalog.tasks.keys()
    assert_the_rest_is_there(catalog)


def test_two_entry_points_to_one_module_are_a_problem_of_the_second(site):
    install(site, "tlbench-half", {"half": "raising_generator", "again": "raising_generator"})
    stages = {problem.stage for problem in load_catalog().problems}
    assert stages == {"hook", "register"}


def test_a_distribution_that_is_found_twice_counts_once(site, tmp_path, monkeypatch):
    install(site, "tlbench-listener", {"listener": "listeners"})
    shutil.copytree(site, tmp_path / "second")
    monkeypatch.syspath_prepend(tmp_path / "second")
    catalog = load_catalog()
    assert [origin.entry_point for origin in catalog.plugins].count("listener") == 1
    assert catalog.problems == ()


def test_an_unknown_name_proposes_near_ones(catalog):
    with pytest.raises(UnknownNameError, match=r'task "toy/blob".*"toy/blobs"'):
        catalog.task("toy/blob")
    with pytest.raises(UnknownNameError, match=r'backbone "toy/mpl".*"toy/mlp"'):
        catalog.backbone("toy/mpl")
    with pytest.raises(UnknownNameError, match=r'strategy "finetun".*"finetune"'):
        catalog.strategy("finetun")


def test_a_missing_package_is_one_sentence_with_the_command_that_installs_it(site):
    install(site, "tlbench-poor", {"poor": "absent_needs"})
    catalog = load_catalog()
    assert catalog.problems == ()
    assert missing(catalog.strategy("needs-absent")) == (
        '"needs-absent" requires a_module_that_is_nowhere: pip install a_module_that_is_nowhere'
    )
    assert missing(catalog.task("toy/needs-absent")) == (
        '"toy/needs-absent" requires a_module_that_is_nowhere: pip install "tlbench[nowhere]"'
    )
    assert missing(CLASSIFICATION) == ""


def test_a_plugin_that_listens_may_take_no_argument(site):
    install(site, "tlbench-listener", {"listener": "listeners"})
    catalog = load_catalog()
    catalog.notify(Event(name="plan-started"))
    catalog.notify(Event(name="plan-finished"))
    assert len(importlib.import_module("listeners").CALLS) == 2


class Listener:
    def __init__(self, breaks=False):
        self.names, self.breaks = [], breaks

    @hookimpl
    def tlbench_event(self, event):
        self.names.append(event.name)
        if self.breaks:
            raise RuntimeError("no terminal")


def test_a_listener_that_raises_is_reported_once_and_left_out(toy_site):
    good, bad = Listener(), Listener(breaks=True)
    catalog = load_catalog([bad, good])
    with pytest.warns(UserWarning, match="tlbench_event .*RuntimeError: no terminal"):
        catalog.notify(Event(name="plan-started"))
    catalog.notify(Event(name="plan-finished"))
    assert (good.names, bad.names) == (["plan-started", "plan-finished"], ["plan-started"])
