"""The workflows: what they may do, that actions are pinned, and the step that checks submissions."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support import HERE

from tlbench.cli import app

yaml = pytest.importorskip("yaml")
FOLDER = HERE.parent / ".github" / "workflows"
NAMES = ("submission", "pages")


def text_of(name: str) -> str:
    path = FOLDER / f"{name}.yml"
    if not path.exists():
        pytest.skip("the tests run on an sdist, which has no files of the repository alone")
    return path.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", NAMES)
def test_actions_are_pinned_and_a_workflow_reads_alone(name):
    text = text_of(name)
    workflow = yaml.safe_load(text)
    assert workflow["permissions"] == {"contents": "read"}
    uses = re.findall(r"uses: (.*)", text)
    assert all(re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40} # v[\d.]+", one) for one in uses)
    assert "secrets." not in text
    # What a stranger writes into a pull request is never a part of a script.
    scripts = [step["run"] for job in workflow["jobs"].values() for step in job["steps"] if "run" in step]
    assert not any("${{" in script for script in scripts)
    checkouts = [
        step for job in workflow["jobs"].values() for step in job["steps"] if "checkout" in step.get("uses", "")
    ]
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)


def test_a_submission_is_checked_by_the_code_of_the_base_branch_without_rights():
    workflow = yaml.safe_load(text_of("submission"))
    (job,) = workflow["jobs"].values()
    assert set(workflow[True]) == {"pull_request"}  # YAML takes `on` for a truth value.
    assert "permissions" not in job
    first, second, *_ = job["steps"]
    assert "base.sha" in first["with"]["ref"]
    assert ("head.sha" in second["with"]["ref"], second["with"]["path"]) == (True, "proposed")
    assert "submit" in app.COMMANDS


def test_only_the_job_that_deploys_may_write_pages():
    jobs = yaml.safe_load(text_of("pages"))["jobs"]
    assert "permissions" not in jobs["build"]
    assert jobs["deploy"]["permissions"] == {"pages": "write", "id-token": "write"}


def test_the_step_checks_new_submissions_alone_and_fails_for_one_that_is_wrong(tmp_path):
    (job,) = yaml.safe_load(text_of("submission"))["jobs"].values()
    script = job["steps"][-1]["run"]
    environment = {
        **os.environ,
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md"),
    }

    def status() -> int:
        done = subprocess.run(["bash", "-e", "-c", script], cwd=tmp_path, env=environment, check=False)
        return done.returncode

    if shutil.which("tlbench", path=environment["PATH"]) is None:
        pytest.skip("the command is not installed beside this Python")
    for place in ("submissions/old", "proposed/submissions/old"):
        (tmp_path / place).mkdir(parents=True)
        (tmp_path / place / "SUMMARY.md").write_text("As it was.")
    assert status() == 0
    assert not (tmp_path / "summary.md").exists()
    (tmp_path / "proposed/submissions/new").mkdir()
    (tmp_path / "proposed/submissions/new/run.sh").write_text("echo hello")
    assert status() == 1
    summary = (tmp_path / "summary.md").read_text()
    assert "## Submission new" in summary
    assert "run.sh" in summary
