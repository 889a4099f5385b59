from __future__ import annotations

import dataclasses
import json

import pytest
from support import install

from tlbench.cli.health import _broken, _lacks, _unusable
from tlbench.cli.probes import probe
from tlbench.planning.catalog import load_catalog


def test_what_is_there_is_listed_and_what_is_missing_comes_with_its_remedy(tlbench, site):
    install(site, "tlbench-poor", {"poor": "absent_needs"})
    install(site, "tlbench-broken", {"broken": "absent_import"})
    status, output, errors = tlbench("doctor", "--json")
    assert status == 0, errors
    health = json.loads(output)
    facts = health["facts"]
    assert {"python", "tlbench", "torch"} <= facts["versions"].keys()
    assert facts["onnxruntime"]["providers"]["CPUExecutionProvider"] == ""
    assert facts["torch"]["error"] == ""
    assert facts["cache"]["writable"]
    assert facts["published data"]["vision/mnist-optdigits"] == "TLBENCH_DATA is not set"
    assert health["fatal"] == []
    needs = '"needs-absent" requires a_module_that_is_nowhere: pip install a_module_that_is_nowhere'
    assert needs in health["problems"]
    assert any(problem.startswith("broken (tlbench-broken 1.0): load:") for problem in health["problems"])


def test_a_task_whose_backbone_is_found_by_name_runs_where_its_family_can_be_used(site):
    install(site, "tlbench-shelf", {"shelf": "found_by_name"})
    catalog = load_catalog()

    def complaints(name):
        return list(_unusable(dataclasses.replace(catalog, tasks={name: catalog.task(name)})))

    assert complaints("toy/shelved") == []
    assert complaints("toy/closed") == [
        'No embedded task can run, because packages are missing: pip install "tlbench[all]".'
    ]
    assert '"closed" requires a_module_that_is_nowhere: pip install a_module_that_is_nowhere' in _lacks(catalog)


def test_published_data_that_is_there_is_found(tlbench, data_root, monkeypatch):
    monkeypatch.setenv("TLBENCH_DATA", str(data_root))
    from tlbench.cli.health import _published

    assert set(_published(load_catalog()).values()) == {"found"}


def test_what_keeps_the_embedded_suite_from_running_ends_with_status_1(tlbench, monkeypatch):
    monkeypatch.setenv("TLBENCH_DATA", "nowhere")
    status, output, _ = tlbench("doctor")
    assert status == 1
    assert 'TLBENCH_DATA is "nowhere"' in output
    assert "CPUExecutionProvider   works" in output


@pytest.mark.parametrize("library", ["torch", "onnxruntime"])
def test_a_library_that_cannot_be_loaded_is_named(library, tmp_path, monkeypatch):
    (tmp_path / f"{library}.py").write_text("raise ImportError('libgone.so: cannot open')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    found = {"torch": {"error": ""}, "onnxruntime": {"error": ""}, library: probe(library)}
    (sentence,) = _broken(found["torch"], found["onnxruntime"])
    assert sentence == f"{library} does not work (ImportError: libgone.so: cannot open): reinstall it."


def test_what_is_skipped_for_want_of_a_package_is_told_with_the_reason(tlbench, site):
    install(site, "tlbench-poor", {"poor": "absent_needs"})
    status, output, errors = tlbench("doctor")
    assert status == 0, errors
    needs = "requires a_module_that_is_nowhere: pip install"
    assert f'Task toy/needs-absent is skipped: "toy/needs-absent" {needs} "tlbench[nowhere]"' in output
    assert f'Task toy/odd-source is skipped: "odd" {needs} "tlbench[odd]"' in output
    assert f'Strategy needs-absent is skipped: "needs-absent" {needs}' in output
    tasks = len([task for task in load_catalog().tasks.values() if task.data_from == "package"])
    assert f"The suite embedded can run: {tasks - 2} of {tasks} tasks, 2 skipped." in output
