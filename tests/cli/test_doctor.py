from __future__ import annotations

import json

import pytest
from support import install

from tlbench.cli.health import _broken, _lacks, _unusable
from tlbench.cli.probes import probe
from tlbench.planning import versions
from tlbench.planning.catalog import load_catalog
from tlbench.planning.selection import RunRequest
from tlbench.planning.suites import Suite


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
        suite = Suite(name="few", runs=(RunRequest(tasks=[name]),))
        return list(_unusable(suite, [catalog.task(name)], catalog))

    assert complaints("toy/shelved") == []
    assert complaints("toy/closed") == [
        'No task of the suite few can run, because packages are missing: pip install "tlbench[all]".'
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


@pytest.mark.parametrize(("suite", "can"), [("real", True), ("checkpoints", False)])
def test_the_last_line_is_the_truth_for_the_suite_that_was_asked_for(
    tlbench, data_root, tmp_path, monkeypatch, suite, can
):
    monkeypatch.setenv("TLBENCH_DATA", str(data_root))
    monkeypatch.setenv("TLBENCH_CACHE", str(tmp_path / "empty"))  # Others may have made checkpoints.
    status, output, _ = tlbench("doctor", "--suite", suite)
    last = output.rstrip().splitlines()[-1]
    assert (status, last.startswith(f"The suite {suite} can run: ")) == (1 - can, can)
    assert ("tlbench pretrain --suite checkpoints" in output) is not can


def test_missing_data_is_told_once_with_the_tasks_that_need_it(tlbench, monkeypatch):
    monkeypatch.delenv("TLBENCH_DATA", raising=False)
    status, output, _ = tlbench("doctor", "--suite", "real")
    (line,) = [line for line in output.splitlines() if line.startswith("  - Data of ")]
    assert (status, output.rstrip().splitlines()[-1]) == (1, "The suite real cannot run: see the errors above.")
    assert "medical/wbc" in line
    assert line.endswith("TLBENCH_DATA is not set. To download it: tlbench fetch --suite real")


@pytest.mark.parametrize(
    ("installed", "said"),
    [(("onnxruntime-gpu", "onnxruntime"), "overwrite each other"), ((), "not installed"), (("onnxruntime",), "")],
)
def test_one_distribution_of_onnx_runtime_is_enough_and_two_are_too_many(monkeypatch, installed, said):
    monkeypatch.setattr(versions, "_version", lambda name: "1.0" if name in installed else None)
    monkeypatch.setattr(versions, "find_spec", lambda name: None)
    assert said in versions.runtime_fault()
    assert bool(said) == bool(versions.runtime_fault())


def test_a_run_without_onnx_runtime_says_how_to_install_it(tlbench, monkeypatch):
    monkeypatch.setattr(versions, "_version", lambda name: None)
    monkeypatch.setattr(versions, "find_spec", lambda name: None)
    status, _, errors = tlbench("run", "--task", "toy/blobs")
    assert (status, 'pip install "tlbench[cpu]"' in errors) == (2, True)
