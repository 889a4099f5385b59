from __future__ import annotations

import shutil
import subprocess
import sys

import pytest
from click.shell_completion import ShellComplete
from support import run_python

from tlbench.cli import app as cli

ASK = """
import sys
from tlbench.cli import main
sys.argv = ["tlbench"]
try:
    main()
except SystemExit:
    pass
print(sorted({"torch", "numpy", "onnx", "onnxruntime"} & set(sys.modules)), file=sys.stderr)
"""


@pytest.mark.parametrize(
    ("words", "incomplete", "names"),
    [
        ([], "lea", {"leaderboard"}),
        (["run"], "--str", {"--strategy"}),
        (["run", "--task"], "toy/", {"toy/alone", "toy/blobs", "toy/names", "toy/rare", "toy/shapes", "toy/table"}),
        (["run", "--backbone"], "toy/", {"toy/mlp", "toy/mlp-batchnorm"}),
        (["run", "--backbone"], "timm", {"timm/"}),
        (["run", "--strategy"], "ad", {"adabn", "adapters", "adversarial"}),
        (["run", "--suite"], "r", {"real"}),
        (["run", "--estimator"], "", {"a-distance", "class-share", "gbc", "h-score", "leep", "logme", "nce"}),
        (["run", "--analysis"], "feat", {"feature-map", "feature-shift"}),
        (["show"], "class", {"class-share", "classical"}),
        (["show"], "finet", {"finetune"}),
        (["inspect"], "toy/b", {"toy/blobs"}),
        (["completion"], "", {"bash", "zsh", "fish"}),
        (["rum"], "x", set()),
    ],
)
def test_commands_options_and_names_are_completed(toy_site, words, incomplete, names):
    asked = ShellComplete(cli.cli, {}, "tlbench", "_TLBENCH_COMPLETE")
    assert {item.value for item in asked.get_completions(words, incomplete)} == names


def test_a_row_is_completed_once_its_name_is_more_than_a_task_s(toy_site, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    row = tmp_path / "leaderboards/local/rows/toy/blobs--toy-mlp--finetune--s0--0123456789ab-abcdef.json"
    row.parent.mkdir(parents=True)
    row.touch()
    asked = ShellComplete(cli.cli, {}, "tlbench", "_TLBENCH_COMPLETE")
    assert [item.value for item in asked.get_completions(["show"], "toy/blobs")] == ["toy/blobs"]
    assert [item.value for item in asked.get_completions(["show"], "toy/blobs-")] == [f"toy/{row.stem}"]


def test_completion_loads_nothing_heavy(toy_site):
    asked = {"_TLBENCH_COMPLETE": "bash_complete", "COMP_WORDS": "tlbench run --task toy/bl", "COMP_CWORD": "3"}
    done = run_python(ASK, site=toy_site, **asked)
    assert (done.stdout, done.stderr) == ("plain,toy/blobs\n", "[]\n")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_is_one_that_its_shell_understands(tlbench, shell, tmp_path):
    status, script, errors = tlbench("completion", shell)
    assert status == 0, errors
    if not shutil.which(shell):
        pytest.skip(f"{shell} is not installed")
    (tmp_path / "script").write_text(script)
    assert subprocess.run([shell, "-n", str(tmp_path / "script")], check=False).returncode == 0


@pytest.mark.skipif(not shutil.which("bash"), reason="bash is not installed")
def test_bash_completes_a_task(tlbench, toy_site, tmp_path, monkeypatch):
    (tmp_path / "tlbench").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m tlbench "$@"\n')
    (tmp_path / "tlbench").chmod(0o755)
    monkeypatch.setenv("PYTHONPATH", str(toy_site))
    script = tlbench("completion", "bash")[1]
    asked = 'COMP_WORDS=(tlbench inspect toy/sh); COMP_CWORD=2; _tlbench_completion ./tlbench; echo "${COMPREPLY[@]}"'
    done = subprocess.run(["bash", "-c", f"{script}\n{asked}"], capture_output=True, text=True, check=True)
    assert done.stdout == "toy/shapes\n"
