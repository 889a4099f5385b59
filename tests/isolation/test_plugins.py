"""Plugins that harm the process which loads them, or which listens for them, cost neither the command nor a row."""

from __future__ import annotations

import dataclasses
import json
import os
from pathlib import Path

import pytest
from fakes.machine import FEW
from support import run_python

BAD = {
    "ends": "import os; os._exit(0)",
    "crashes": "import ctypes; ctypes.string_at(0)",
    "is_killed": "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
    "forks": "import os; os.fork()",
    "exits": "raise SystemExit(0)",
    "leaves_a_copy": "import os, time; os.fork() or time.sleep(30)",
    "writes": """
import contextlib, os, stat
for descriptor in range(3, 64):
    with contextlib.suppress(OSError):
        if stat.S_ISSOCK(os.fstat(descriptor).st_mode):
            os.write(descriptor, b'{"rank": 0}\\n')
""",
}
WHAT = {"ends": "with status 0", "crashes": "SIGSEGV", "is_killed": "SIGKILL", "exits": "SystemExit"}


REQUIRES = """
from tlbench import Access, StrategySpec, hookimpl

TLBENCH_API = 2

@hookimpl
def tlbench_strategies():
    how = {"access": frozenset({Access.TARGET_LABELS}), "trains_encoder": True, "adapt": adapt}
    return [StrategySpec(name="requires", title="R", summary="R.", requires=("ending",), **how)]

def adapt(request):
    import ending
"""
LISTENER = """
import os
from tlbench import hookimpl

@hookimpl
def tlbench_event(event):
    open(os.environ["SEEN"], "a").write(event.name + chr(10))
    if event.name == "pairing-finished":
        os._exit(0)
"""
RUN = ("--task", "toy/blobs", "--strategy", "finetune", "--strategy", "frozen", *FEW)


@pytest.fixture(scope="module")
def infested(isolated, tmp_path_factory):
    """A machine with a plugin for each harm beside the toy."""
    machine, site = isolated("infested"), tmp_path_factory.mktemp("infested-site")
    for name, code in BAD.items():
        (site / f"{name}.py").write_text(f"{code}\n")
        info = site / f"tlbench_{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: tlbench-{name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[tlbench]\n{name} = {name}\n")
    (site / "ending.py").write_text("import os; print('hello'); os._exit(3)")
    (site / "requiring.py").write_text(REQUIRES)
    (site / "ending_listener.py").write_text(LISTENER)
    return dataclasses.replace(machine, site=f"{site}{os.pathsep}{machine.site}")


@pytest.fixture(scope="module")
def ran(infested, tmp_path_factory):
    """A run on that machine with a listener that ends its process, and one of its strategies needs such a package."""
    site = Path(str(infested.site).split(os.pathsep)[0])
    listener, seen = ("--plugin", str(site / "ending_listener.py")), tmp_path_factory.mktemp("seen") / "events"
    plugins = (*listener, "--plugin", str(site / "requiring.py"))
    first = infested.run(*RUN, "--strategy", "requires", *plugins, "--json", SEEN=str(seen))
    return first, infested.run(*RUN, *listener, SEEN=str(seen)), seen


def without_requires(machine):
    return {name: row for name, row in machine.rows().items() if "requires" not in name}


def test_each_is_a_problem_of_that_plugin_and_the_others_are_listed(infested):
    done = infested.call("plugins", "--json")
    listed = json.loads(done.stdout)
    text = json.dumps(listed)
    assert all(words in text for words in WHAT.values())
    assert "toy" in text


def test_a_run_goes_on_without_them(ran, infested, undisturbed):
    first, again, _ = ran
    assert without_requires(infested) == undisturbed.rows()
    assert all(words in first.stderr for words in WHAT.values())
    assert again.returncode == 0, again.stderr


def test_a_required_package_that_ends_its_process_costs_only_those_that_need_it(ran):
    first, *_ = ran
    rows = {row["strategy"]: row["reason"] for row in json.loads(first.stdout)["rows"] if row["status"] == "failed"}
    assert rows.keys() == {"requires"}
    assert "status 3" in rows["requires"]
    assert first.returncode == 1


def test_a_listener_that_ends_its_process_is_told_of_and_changes_nothing(ran):
    *runs, seen = ran
    for done in runs:
        assert "ending_listener.py" in done.stderr
    assert seen.read_text().splitlines().count("pairing-finished") == len(runs)


def test_the_process_of_a_run_imports_neither_torch_nor_a_plugin(isolated):
    machine = isolated("light")
    code = """
import sys, tlbench
if __name__ == "__main__":
    results = tlbench.run("toy/blobs", strategies="frozen", seeds=1, device="cpu", options={"source.steps": 4})
    print(len(results), "torch" in sys.modules, "tlbench.testing.toy.plugin" in sys.modules, "onnx" in sys.modules)
"""
    done = run_python(
        code,
        site=machine.site,
        TLBENCH_CACHE=str(machine.cache),
        TLBENCH_ENGINE="local",
        TLBENCH_DATA="",
    )
    assert done.stdout.split() == ["6", "False", "False", "False"], done.stderr


def test_a_function_of_a_script_runs_elsewhere_and_its_script_is_not_imported_again(isolated, tmp_path):
    machine = isolated("script")
    code = """
import os, tlbench
print("here", flush=True)
OFFSET = 0.0

def mine(request):
    assert os.getpid() != PARENT
    request.train([request.model.heads["target"]], lambda inputs, targets: None) if OFFSET else None
    return request.model

PARENT = os.getpid()
results = tlbench.run("toy/blobs", strategies=[mine], seeds=1, device="cpu", options={"source.steps": 4})
again = tlbench.run("toy/blobs", strategies=[mine], seeds=1, device="cpu", options={"source.steps": 4})
print(sum(row.status == "ok" for row in results), again.computed)
"""
    (tmp_path / "script.py").write_text(code)
    done = run_python(
        f"import runpy; runpy.run_path({str(tmp_path / 'script.py')!r}, run_name='__main__')",
        site=machine.site,
        TLBENCH_CACHE=str(machine.cache),
        TLBENCH_ENGINE="local",
        TLBENCH_DATA="",
    )
    assert done.stdout.split()[0] == "here", done.stderr
    assert done.stdout.count("here") == 1
