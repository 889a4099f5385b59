"""Plugins that harm the process which loads them, or which listens for them, cost neither the command nor a row."""

from __future__ import annotations

import dataclasses
import json
import os

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
    return dataclasses.replace(machine, site=f"{site}{os.pathsep}{machine.site}")


def test_each_is_a_problem_of_that_plugin_and_the_others_are_listed(infested):
    done = infested.call("plugins", "--json")
    listed = json.loads(done.stdout)
    text = json.dumps(listed)
    assert all(words in text for words in WHAT.values())
    assert "toy" in text


def test_a_run_goes_on_without_them(infested, undisturbed):
    done = infested.run("--task", "toy/blobs", "--strategy", "finetune", "--strategy", "frozen", *FEW)
    assert done.returncode == 0, done.stderr
    assert {name: row["score"] for name, row in infested.rows().items()} == {
        name: row["score"] for name, row in undisturbed.rows().items()
    }
    assert all(words in done.stderr for words in WHAT.values())


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


def test_a_required_package_that_ends_its_process_costs_only_those_that_need_it(isolated, undisturbed, tmp_path):
    machine = isolated("requiring")
    (tmp_path / "ending.py").write_text("import os; print('hello'); os._exit(3)")
    (tmp_path / "requiring.py").write_text(REQUIRES)
    machine = dataclasses.replace(machine, site=f"{tmp_path}{os.pathsep}{machine.site}")
    done = machine.run(
        *("--task", "toy/blobs", "--strategy", "finetune", "--strategy", "frozen", "--strategy", "requires", *FEW),
        *("--plugin", str(tmp_path / "requiring.py"), "--json"),
    )
    rows = {row["strategy"]: row["reason"] for row in json.loads(done.stdout)["rows"] if row["status"] == "failed"}
    assert rows.keys() == {"requires"}
    assert "status 3" in rows["requires"]
    assert {name: row for name, row in machine.rows().items() if "requires" not in name} == undisturbed.rows()


LISTENER = """
import os
from tlbench import hookimpl

@hookimpl
def tlbench_event(event):
    open(os.environ["SEEN"], "a").write(event.name + chr(10))
    if event.name == "pairing-finished":
        os._exit(0)
"""


def test_a_listener_that_ends_its_process_is_told_of_and_changes_nothing(isolated, undisturbed, tmp_path):
    machine = isolated("listening")
    (tmp_path / "ending_listener.py").write_text(LISTENER)
    done = machine.run(
        *("--task", "toy/blobs", "--strategy", "finetune", "--strategy", "frozen", *FEW),
        *("--plugin", str(tmp_path / "ending_listener.py")),
        SEEN=str(tmp_path / "seen"),
    )
    assert done.returncode == 0, done.stderr
    assert machine.rows() == undisturbed.rows()
    assert "ending_listener.py" in done.stderr
    assert (tmp_path / "seen").read_text().splitlines()[-1] == "pairing-finished"


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
