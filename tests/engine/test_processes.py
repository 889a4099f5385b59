"""Interpreters that the host and its plugins start: what they import, and how their end is told."""

from __future__ import annotations

import ast
import os
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from test_imports import HOST, PLUGINS

from tlbench.cli.probes import probe
from tlbench.deploy.reference import reference_model
from tlbench.engine.measuring import measure_in_child
from tlbench.engine.processes import ending, run_module
from tlbench.errors import TlbenchError
from tlbench.planning.discovery import plugin_file
from tlbench.testing.child import ask
from tlbench.testing.toy import toy_candidate

LIBRARIES = ("statistics", "json", "tempfile", "click", "pluggy", "numpy", "onnx", "onnxruntime", "torch", "tlbench")
PLUGIN = """
from tlbench import hookimpl

@hookimpl
def tlbench_strategies():
    return []
"""


@pytest.fixture
def shadowed(tmp_path, monkeypatch):
    """The current folder, with files named like libraries; returns the libraries whose files were executed."""
    folder = tmp_path / "shadowed"
    folder.mkdir()
    for library in LIBRARIES:
        code = (
            f"open({str(tmp_path / 'executed')!r}, 'a').write({library + ' '!r})\nraise ImportError('not the library')"
        )
        (folder / f"{library}.py").write_text(code)
    monkeypatch.chdir(folder)
    return lambda: (tmp_path / "executed").read_text().split() if (tmp_path / "executed").is_file() else []


@pytest.fixture
def measure(tmp_path, settings):
    """Measures the reference model as the stage of a run; returns the file of results."""
    folder = tmp_path / "export"
    folder.mkdir()
    reference_model(folder).rename(folder / "model.onnx")
    one, many = np.ones((1, 1, 32, 32), np.float32), np.ones((16, 1, 32, 32), np.float32)
    np.savez(folder / "latency.npz", one_0=one, many_0=many)

    def measured():
        measure_in_child(folder, settings.device, settings.threads, tmp_path)
        return tmp_path / "latency.json"

    return measured


def test_measuring_executes_no_file_of_the_current_folder(shadowed, measure):
    assert measure().is_file()
    assert shadowed() == []


@pytest.mark.parametrize("library", ["torch", "onnxruntime"])
def test_a_probe_executes_no_file_of_the_current_folder(shadowed, library):
    assert probe(library)["error"] == ""
    assert shadowed() == []


def test_a_check_executes_no_file_of_the_current_folder(shadowed):
    assert ask(toy_candidate().origin, None)["heavy"] == []
    assert shadowed() == []


@pytest.mark.parametrize("words", [["--help"], ["show", "toy"]])
def test_the_module_executes_no_file_of_the_current_folder(shadowed, words):
    Path("tlbench.py").unlink()  # Python looks for this one itself.
    command = [sys.executable, "-m", "tlbench", *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert (done.returncode == 0) == (words == ["--help"]), done.stderr
    assert "Traceback" not in done.stderr
    assert shadowed() == []


def test_a_synthesis_executes_no_file_of_the_current_folder(shadowed):
    pytest.importorskip("espeakng_loader")
    from tlbench_speech.synthesis import Utterance, speak

    assert len(speak([Utterance(text="yes", voice="en-us", rate=170, pitch=50, range=50)])) == 1
    assert shadowed() == []


@pytest.mark.parametrize("name", ["mine.py", "./mine.py"])
def test_a_plugin_in_the_current_folder_is_found_by_its_path(shadowed, name):
    Path("mine.py").write_text(PLUGIN)
    assert ask(plugin_file(Path(name)).origin, Path(name))["heavy"] == []
    assert shadowed() == []


def test_a_package_in_the_current_folder_is_found_by_its_path(tmp_path, monkeypatch):
    from tlbench.testing.child import sources_of

    monkeypatch.chdir(tmp_path)
    Path("pyproject.toml").write_text(
        '[project]\nname = "mine"\n[project.entry-points.tlbench]\nmine = "mine_module"\n'
    )
    Path("mine_module.py").write_text(PLUGIN)
    (source,) = sources_of(Path())
    assert ask(source.origin, Path())["heavy"] == []


def test_every_interpreter_is_started_without_the_current_folder():
    modules = [ast.parse(path.read_text()) for path in (*HOST.values(), *PLUGINS.values())]
    lists = [node for module in modules for node in ast.walk(module) if isinstance(node, ast.List | ast.Tuple)]
    words = [[ast.unparse(word) for word in node.elts] for node in lists]
    commands = [command for command in words if command[:1] == ["sys.executable"]]
    assert commands
    # The example of an export imports its neighbours, in a folder that was empty before we wrote it.
    assert all(command[1] == "'-P'" for command in commands if "'predict.py'" not in command)


@pytest.fixture
def interpreter(tmp_path, monkeypatch):
    """Lets a shell script run before the interpreter of every child process; it is given what "$@" runs."""

    def replaced(script):
        path = tmp_path / "interpreter"
        path.write_text(f'#!/bin/sh\n{script}\nexec {shlex.quote(sys.executable)} "$@"\n')
        path.chmod(0o755)
        monkeypatch.setattr(sys, "executable", str(path))

    return replaced


def test_a_measurement_whose_process_is_killed_is_made_once_more(interpreter, measure, tmp_path):
    interpreter(f"[ -e {tmp_path}/killed ] || {{ touch {tmp_path}/killed; kill -KILL $$; }}")
    assert measure().is_file()
    assert (tmp_path / "killed").exists()


def test_a_measurement_whose_process_is_killed_again_names_the_signal(interpreter, measure, tmp_path):
    interpreter(f"echo started >> {tmp_path}/log; kill -SEGV $$")
    with pytest.raises(TlbenchError, match=r"^the measuring process was ended by SIGSEGV in each of 2 attempts$"):
        measure()
    assert (tmp_path / "log").read_text().split() == ["started"] * 2


def test_a_measurement_that_fails_by_itself_is_not_repeated(interpreter, measure, tmp_path):
    interpreter(f"echo started >> {tmp_path}/log; echo no such provider >&2; exit 3")
    with pytest.raises(TlbenchError, match=r"^the measuring process ended with status 3: no such provider$"):
        measure()
    assert (tmp_path / "log").read_text().split() == ["started"]


def test_a_measurement_that_does_not_end_is_told_in_a_sentence(interpreter, measure, monkeypatch):
    monkeypatch.setattr("tlbench.engine.measuring.TIMEOUT", 0.2)
    interpreter("exec sleep 60")
    with pytest.raises(TlbenchError, match=r"^the measuring process did not end within 0.2 s$"):
        measure()


def test_a_probe_that_is_killed_names_the_signal(interpreter):
    interpreter("echo importing >&2; kill -ABRT $$")
    assert probe("torch") == {"error": "it was ended by SIGABRT"}


@pytest.mark.parametrize(
    ("status", "errors", "words"),
    [
        (1, "first\nlast\n", "ended with status 1: last"),
        (2, "\n", "ended with status 2: no message"),
        (-9, "last", "was ended by SIGKILL (often: out of memory)"),
        (-40, "", "was ended by signal 40"),
    ],
)
def test_the_end_of_a_process_is_told(status, errors, words):
    assert ending(subprocess.CompletedProcess([], status, stderr=errors)) == words


def test_errors_that_are_no_text_are_read(interpreter):
    interpreter("printf 'caf\\351\\n' >&2; exit 1")
    assert ending(run_module("json", timeout=60, env=dict(os.environ))) == "ended with status 1: caf\\xe9"
