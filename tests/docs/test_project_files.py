"""Files that tell the same in another place: hooks before a commit and CI, versions, what an sdist holds."""

from __future__ import annotations

import configparser
import os
import re
import tomllib

import pytest
from support import HERE

from tlbench.cli import app

ROOT = HERE.parent
yaml = pytest.importorskip("yaml")


def read(name: str) -> str:
    if not (ROOT / name).exists():
        pytest.skip("the tests run on an sdist, which has no files of the repository alone")
    return (ROOT / name).read_text(encoding="utf-8")


def test_the_hooks_before_a_commit_are_what_tox_checks():
    tox = configparser.ConfigParser(interpolation=None)
    tox.read(ROOT / "tox.ini")
    commands = [line for env in ("lint", "type") for line in tox[f"testenv:{env}"]["commands"].split("\n") if line]
    (local,) = yaml.safe_load(read(".pre-commit-config.yaml"))["repos"]
    assert [hook["entry"] for hook in local["hooks"]] == commands
    assert local["repo"] == "local", "no hook comes from a network"


def test_the_workflow_runs_what_ci_runs_with_a_python_that_is_supported():
    (job,) = yaml.safe_load(read(".github/workflows/test.yml"))["jobs"].values()
    *_, last = job["steps"]
    assert os.access(ROOT / last["run"], os.X_OK)
    (version,) = (step["with"]["python-version"] for step in job["steps"] if "with" in step)
    assert tomllib.loads(read("pyproject.toml"))["project"]["requires-python"] == f">={version}"


@pytest.mark.parametrize("name", ["bug", "plugin", "result"])
def test_an_issue_form_names_commands_that_exist(name):
    text = read(f".github/ISSUE_TEMPLATE/{name}.yml")
    assert {"name", "description", "body"} <= yaml.safe_load(text).keys()
    assert set(re.findall(r"`tlbench (\w+)", text)) <= set(app.COMMANDS)


def test_the_version_is_the_same_everywhere():
    version = tomllib.loads(read("pyproject.toml"))["project"]["version"]
    assert yaml.safe_load(read("CITATION.cff"))["version"] == version
    assert re.findall(r"^## ([\d.]+)", read("CHANGELOG.md"), re.M)[0] == version


def test_the_wheel_holds_every_plugin():
    wheel = tomllib.loads(read("pyproject.toml"))["tool"]["hatch"]["build"]["targets"]["wheel"]
    plugins = {f"plugins/{path.parent.name}" for path in (ROOT / "plugins").glob("*/plugin.py")}
    assert set(wheel["packages"]) == {"tlbench", *plugins}
