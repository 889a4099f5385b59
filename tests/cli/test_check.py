from __future__ import annotations

import json
import sys

import pytest
from support import SOURCES

PROJECT = """
[project]
name = "tlbench-half"
version = "0.3"
[project.entry-points.tlbench]
half = "half_domain.plugin"
absent = "half_domain.nowhere"
"""
PLUGIN = """
from tlbench import DomainSpec, hookimpl

@hookimpl
def tlbench_domains():
    return [DomainSpec(name="half", title="Half", summary="A domain without a task.")]
"""
WATCHER = """
from tlbench import hookimpl

@hookimpl
def tlbench_event():
    pass
"""


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A folder with a package that is not installed: one of its plugins has an empty domain, one is not there."""
    folder = tmp_path / "package"
    for name, text in (("pyproject.toml", PROJECT), ("half_domain/__init__.py", ""), ("half_domain/plugin.py", PLUGIN)):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield folder
    for name in [name for name in sys.modules if name.startswith("half_domain")]:
        del sys.modules[name]


def test_a_folder_is_checked_without_being_installed(tlbench, package):
    status, output, _ = tlbench("check", str(package))
    assert status == 1
    assert ["domain", "half", "module", "is", "light", "ok"] in [line.split() for line in output.splitlines()]
    assert 'failed: domain half: domain has a task\n  Domain "half" has no task: add one named "half/..."' in output
    assert "Plugin error: absent (tlbench-half 0.3): load: ModuleNotFoundError" in output
    assert "checks: 4 ok, 0 note, 0 skipped, 1 failed" in output


def test_json_says_the_same(tlbench, package):
    status, output, _ = tlbench("check", str(package), "--json")
    found = json.loads(output)
    assert status == 1
    assert [result["status"] for result in found["results"]] == ["ok", "ok", "ok", "ok", "failed"]
    assert found["results"][0] == {
        "spec": "domain half",
        "check": "spec fields are valid",
        "status": "ok",
        "reason": "",
    }
    assert [problem["stage"] for problem in found["problems"]] == ["load"]


def test_a_single_file_is_checked_and_may_import_heavy_libraries(tlbench, monkeypatch):
    monkeypatch.delitem(sys.modules, "broken_domain", raising=False)
    status, output, _ = tlbench("check", str(SOURCES / "broken_domain.py"))
    sys.modules.pop("broken_domain", None)
    assert status == 1
    assert "skipped: domain empty: module is light\n" in output
    assert "failed: domain empty: domain has a task\n" in output


def test_a_heavy_import_of_a_package_is_named(tlbench, package):
    (package / "half_domain/plugin.py").write_text(f"import numpy\n{PLUGIN}")
    status, output, _ = tlbench("check", str(package))
    assert status == 1
    assert "failed: domain half: module is light\n" in output
    assert "imports numpy" in output


LATE = """
import functools
import importlib
from tlbench import Access, StrategySpec, deferred, hookimpl

def by_name(request):
    return importlib.import_module("half_domain." + request.options["name"]).adapt(request)

def strategy(name, adapt):
    return StrategySpec(
        name=name, title=name, summary=name, paper="unpublished", access=frozenset({Access.TARGET_LABELS}),
        trains_encoder=True, adapt=adapt,
    )

@hookimpl
def tlbench_strategies():
    return [
        strategy("no-module", deferred("half_domain.nowhere", "adapt")),
        strategy("no-name", functools.partial(deferred("half_domain.plugin", "adept"), 1)),
        strategy("at-run-time", by_name),
    ]
"""


def test_what_is_deferred_must_exist_and_code_that_cannot_be_followed_is_noted(tlbench, package):
    (package / "half_domain/plugin.py").write_text(LATE)
    _, output, _ = tlbench("check", str(package), "--json")
    results = {(result["spec"].split()[1], result["check"]): result for result in json.loads(output)["results"]}
    for name, missing in (("no-module", '"half_domain.nowhere"'), ("no-name", '"half_domain.plugin" has no "adept"')):
        result = results[name, "deferred functions exist"]
        assert (result["status"], missing in result["reason"]) == ("failed", True)
    assert results["at-run-time", "deferred functions exist"]["status"] == "ok"
    result = results["at-run-time", "code can be followed"]
    assert (result["status"], "half_domain.plugin" in result["reason"]) == ("note", True)
    assert results["no-module", "code can be followed"]["status"] == "ok"


def test_a_spec_that_lacks_a_field_is_a_problem_that_names_it(tlbench, package):
    tasks = "\nimport tlbench\n\n@hookimpl\ndef tlbench_tasks():\n    return [tlbench.TaskSpec(name='half/a')]\n"
    (package / "half_domain/plugin.py").write_text(PLUGIN + tasks)
    status, output, _ = tlbench("check", str(package), "--json")
    answer = json.loads(output)
    assert status == 1
    assert {result["check"]: result["status"] for result in answer["results"]}["module is light"] == "ok"
    (problem,) = [problem for problem in answer["problems"] if problem["stage"] == "hook"]
    assert "tlbench_tasks" in problem["cause"] + problem["advice"]
    assert "backbone" in problem["cause"]


@pytest.mark.parametrize(
    ("word", "advice"),
    [
        ("tlbnech", '"tlbnech". Did you mean "tlbench"'),
        ("tests/nowhere.py", '"tests/nowhere.py". Valid names: '),
        (".", "[project.entry-points.tlbench]"),
    ],
)
def test_what_is_no_plugin_is_a_request_that_makes_no_sense(tlbench, word, advice):
    status, _, errors = tlbench("check", word)
    assert status == 2
    assert advice in errors


def test_a_name_of_the_toy_is_taken(tlbench, package):
    (package / "half_domain/plugin.py").write_text(PLUGIN.replace('name="half"', 'name="toy"'))
    status, output, _ = tlbench("check", str(package))
    assert (status, '"toy" of tlbench_domains already exists in toy (tlbench-toy' in output) == (1, True)


def test_a_plugin_that_only_watches_has_nothing_to_check(tlbench, package):
    (package / "pyproject.toml").write_text(PROJECT.replace('absent = "half_domain.nowhere"\n', ""))
    (package / "half_domain/plugin.py").write_text(WATCHER)
    status, output, _ = tlbench("check", str(package))
    assert (status, output) == (0, "The plugin offers nothing to check.\n")
