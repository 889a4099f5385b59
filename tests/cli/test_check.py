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
    assert "domain half  module is light" in " ".join(output.split("\n")).replace("    ", "  ")
    assert 'failed: domain half: it has a task\n  Domain "half" has no task: name one "half/..."' in output
    assert "Plugin error: absent (tlbench-half 0.3): load: ModuleNotFoundError" in output
    assert "checks: 2 ok, 0 note, 0 skipped, 1 failed" in output


def test_json_says_the_same(tlbench, package):
    status, output, _ = tlbench("check", str(package), "--json")
    found = json.loads(output)
    assert status == 1
    assert [result["status"] for result in found["results"]] == ["ok", "ok", "failed"]
    first = {"spec": "domain half", "check": "spec fields are valid", "status": "ok", "reason": ""}
    assert found["results"][0] == first
    assert [problem["stage"] for problem in found["problems"]] == ["load"]


def test_a_single_file_is_checked(tlbench, monkeypatch):
    monkeypatch.delitem(sys.modules, "broken_domain", raising=False)
    status, output, _ = tlbench("check", str(SOURCES / "broken_domain.py"))
    sys.modules.pop("broken_domain", None)
    assert status == 1
    assert "listing its specs imports numpy: import it inside the functions that need it." in output


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
