"""Every command of the README is carried out, those that train with few steps, those of whole suites as a plan."""

from __future__ import annotations

import os
import re
import runpy
import shlex
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tlbench import cli
from tlbench.cli import app

README = Path(__file__).parents[2] / "README.md"
FEW_SOURCE_STEPS = ("--set", "source.steps=8")
FEW_STEPS = ("--seeds", "1", "--quick", *FEW_SOURCE_STEPS, "--set", "strategy.steps=8")
ONE_STRATEGY = ("--strategy", "finetune", "--references", "none")
"""What each strategy does is tested elsewhere: here it is what the options of a command do."""


def commands() -> list[str]:
    """Return the lines of the README that call tlbench, without their comments."""
    uv = r"(?:uv run (?:--compile-bytecode )?--extra all )?"
    lines = re.findall(rf"^    (?:.*&& )?{uv}(?:eval \"\$\()?(tlbench [^#\n)]*)", README.read_text(), re.M)
    return list(dict.fromkeys(line.strip() for line in lines))


@pytest.fixture(scope="module")
def home(tmp_path_factory, session_cache):
    """A folder as somebody may have it: images of two cameras and, after a first run, a board."""
    folder = tmp_path_factory.mktemp("home")
    random = np.random.default_rng(0)
    for place in ("old-camera", "new-camera", "photos"):
        for label in ("cat", "dog"):
            (folder / place / label).mkdir(parents=True)
            for number in range(10):
                pixels = random.integers(0, 256, (8, 8, 3)).astype(np.uint8)
                Image.fromarray(pixels).save(folder / place / label / f"{number}.png")
    before = Path.cwd()
    os.chdir(folder)
    try:
        assert call("tlbench", "run", "--task", "vision/digits", "--strategy", "finetune", *FEW_STEPS) == 0
    finally:
        os.chdir(before)
    return folder


def call(*words: str) -> int:
    """Call the command line in this process; return its exit status."""
    given, sys.argv = sys.argv, list(words)
    try:
        cli.main()
    except SystemExit as stop:
        return int(stop.code or 0)
    finally:
        sys.argv = given
    return 0


def one_result(home: Path, board: Path) -> Path:
    """Return a board with one result: others are on somebody's own images, which nobody else has."""
    places = home / "leaderboards/local"
    path = min(places.glob("rows/vision/digits--*--finetune--*.json"))
    shutil.copytree(places / "latency", board / "latency")
    (board / "rows/vision").mkdir(parents=True)
    for part in (path, path.with_suffix(".npz")):
        shutil.copy(part, board / "rows/vision")
    return board


def carried_out(line: str, home: Path, tmp_path: Path) -> list[str]:
    """Return the words of a command with real names for its placeholders, made short or dry where it would be long."""
    words = shlex.split(line)
    if "RESULT" in words:
        row = min(home.glob("leaderboards/local/rows/vision/digits--*--finetune--*.json"))
        places = {"RESULT": str(row), "DIR": str(tmp_path / "served"), "served": str(tmp_path / "served")}
        words = [places.get(word, word) for word in words]
    # A network that somebody would use takes long, and its weights would come from the hub.
    if "timm/resnet18" in words:
        words[words.index("timm/resnet18")] = "timm/test_resnet"
        words += ("--set", "backbone.weights=random")
    if "--tune" in words:
        words[words.index("--tune") + 1] = "1"
        words += ONE_STRATEGY
    if "--strategy" in words and "all" in words:
        words.append("--dry-run")
    if words[1] == "pretrain" or (words[1] == "advise" and "--backbones" in words):
        words += FEW_SOURCE_STEPS
    if words[1] == "audit":
        words += (*FEW_SOURCE_STEPS, "--set", "strategy.steps=8", "--board", str(tmp_path / "audited"))
    if "--rerun" in words:
        words[words.index("--rerun") + 1] = "1"
    if words[1] == "submit":
        words[2], words[4] = str(one_result(home, tmp_path / "mine")), str(tmp_path / "submission")
        words.append("--allow-dirty")  # The tests may run on changed code.
    if words[1] == "explain":
        words += ("--analysis", "drift")
    if words[1] == "run" and "--task" not in words:
        words.append("--dry-run")
    if words[1] == "run" and "--dry-run" not in words:
        words += FEW_STEPS[2 if "--seeds" in words else 0 :]
        words += () if "--strategy" in words else ONE_STRATEGY
    return words


@pytest.mark.parametrize("line", commands())
def test_a_command_of_the_readme_does_what_it_is_there_for(line, home, session_cache, tmp_path, monkeypatch, capsys):
    if ("run --suite pretrained" in line or "run --suite kinds" in line) and not (
        Path(os.environ.get("TLBENCH_DATA", "")) / "models"
    ).is_dir():
        pytest.skip("its models are not in TLBENCH_DATA: the line before it downloads them")
    if any(suite in line for suite in ("real", "checkpoints", "pretrained", "kinds")):
        if not os.environ.get("TLBENCH_DATA"):
            pytest.skip("TLBENCH_DATA is not set: this command reads published data")
    else:
        monkeypatch.delenv("TLBENCH_DATA", raising=False)
    if "fetch" in line:
        pytest.skip("it needs a network: its own tests ask a server on 127.0.0.1")
    if "tlbench-mine" in line:
        pytest.skip("it needs the package of the line above, installed: the plugin guide's test does both")
    monkeypatch.chdir(home)
    if "run --suite checkpoints" in line:  # It starts from what the line before it makes.
        assert call("tlbench", "pretrain", "--suite", "checkpoints", *FEW_SOURCE_STEPS) == 0
    model = session_cache / "models" / "my-gpt2"
    if "-o my-gpt2" in line:
        shutil.rmtree(model, ignore_errors=True)
    if "hf/my-gpt2" in line and not model.is_dir():  # Another process had the line before it.
        before = "tlbench pretrain text/gpt2 --task nlp/reviews --objective clm -o my-gpt2"
        assert call(*carried_out(before, home, tmp_path)) == 0
    status = call(*carried_out(line, home, tmp_path))
    output, errors = capsys.readouterr()
    assert status == 0, errors
    assert output


def test_the_python_of_the_readme_runs(home, tmp_path, monkeypatch, capsys):
    pytest.importorskip("pandas")
    (code,) = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    few = '{"source.steps": 8, "whole_model.steps": 8}'
    script = tmp_path / "script.py"
    script.write_text(code.replace('{"whole_model.steps": 50}', few).replace("seeds=3", "seeds=1"))
    assert few in script.read_text()
    monkeypatch.chdir(home)
    left = runpy.run_path(str(script), run_name="__main__")
    assert {row.status for row in left["results"]} == {"ok"}
    assert "whole_model" in capsys.readouterr().out
    assert (home / "scores.png").is_file()
    assert len(left["frame"]) == len(left["results"]) <= len(left["board"])


def test_the_readme_shows_every_command():
    shown = {line.split()[1] for line in commands()}
    assert shown >= set(app.COMMANDS)


@pytest.mark.parametrize("path", re.findall(r"\]\(((?!http)[^)#]+)\)", README.read_text()))
def test_a_link_of_the_readme_leads_to_a_file(path):
    if not (README.parent / "leaderboards").is_dir():
        pytest.skip("no boards beside the tests: they run on an sdist alone")
    assert (README.parent / path).is_file()
