from __future__ import annotations

import json
from pathlib import Path

import pytest
from support import install

from tlbench.cli.health import _broken, _lacks
from tlbench.cli.probes import probe
from tlbench.cli.suite_health import examine_suite
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
        return examine_suite(Suite(name="few", runs=(RunRequest(tasks=[name]),)), catalog).errors

    assert complaints("toy/shelved") == []
    assert complaints("toy/closed") == [
        'No task of the suite few can run: "closed" requires a_module_that_is_nowhere: pip install '
        "a_module_that_is_nowhere"
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


def test_a_model_that_the_suite_names_and_nobody_downloaded_keeps_it_from_running(tlbench, tmp_path, monkeypatch):
    monkeypatch.setenv("TLBENCH_DATA", str(tmp_path))
    Path("one.toml").write_text('[[runs]]\ntasks = ["toy/blobs"]\nbackbones = ["timm/efficientnet-lite0"]\n')
    status, output, _ = tlbench("doctor", "--suite", "one.toml")
    assert (status, output.rstrip().splitlines()[-1]) == (1, "The suite one.toml cannot run: see the errors above.")
    assert output.count("To download it: tlbench fetch timm/efficientnet-lite0") == 1
    assert "To download it: tlbench fetch timm/efficientnet-lite0" in tlbench("run", "--suite", "one.toml")[2]


def test_a_task_whose_data_nobody_may_publish_is_skipped_as_in_a_run(tlbench, tmp_path, monkeypatch):
    monkeypatch.setenv("TLBENCH_DATA", str(tmp_path))
    Path("two.toml").write_text('[[runs]]\ntasks = ["vision/amazon-webcam", "toy/blobs"]\nstrategies = ["frozen"]\n')
    status, output, _ = tlbench("doctor", "--suite", "two.toml")
    assert (status, output.rstrip().splitlines()[-1]) == (0, "The suite two.toml can run: 1 of 2 tasks, 1 skipped.")
    (line,) = [line for line in output.splitlines() if "Task vision/amazon-webcam is skipped" in line]
    assert "office_caltech" in line
    assert "To download" not in line
    assert "18 runs, 18 skipped" in " ".join(tlbench("run", "--suite", "two.toml", "--dry-run")[1:])


def test_own_data_that_a_suite_does_not_name_keeps_it_from_running(tlbench):
    Path("own.toml").write_text('[[runs]]\ntasks = ["vision/image-folder"]\n')
    status, output, _ = tlbench("doctor", "--suite", "own.toml")
    (line,) = [line for line in output.splitlines() if line.startswith("  - Data of ")]
    assert (status, "task.target" in line, "To download" in line, ".." in line) == (1, True, False, False)


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
