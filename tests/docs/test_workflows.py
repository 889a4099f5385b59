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
    assert ("github.sha" in second["with"]["ref"], second["with"]["path"]) == (True, "proposed")
    assert second["with"]["fetch-depth"] == 2  # The step compares with the first parent.
    assert "submit" in app.COMMANDS


def test_only_the_job_that_deploys_may_write_pages():
    jobs = yaml.safe_load(text_of("pages"))["jobs"]
    assert "permissions" not in jobs["build"]
    assert jobs["deploy"]["permissions"] == {"pages": "write", "id-token": "write"}


@pytest.fixture
def step(tmp_path):
    """Run the step that checks submissions on a pull request with some files; return its status and its summary."""
    (job,) = yaml.safe_load(text_of("submission"))["jobs"].values()
    script = job["steps"][-1]["run"]
    environment = {
        **os.environ,
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md"),
    }

    if shutil.which("tlbench", path=environment["PATH"]) is None:
        pytest.skip("the command is not installed beside this Python")

    def git(*words: str) -> None:
        who = ("-c", "user.name=x", "-c", "user.email=x@example.org", "-c", "commit.gpgsign=false")
        subprocess.run(["git", *who, *words], cwd=tmp_path / "proposed", check=True, capture_output=True)

    for place in ("submissions/old", "proposed/submissions/old"):
        (tmp_path / place).mkdir(parents=True)
        (tmp_path / place / "SUMMARY.md").write_text("As it was.")
    git("init", "-q")
    git("add", ".")
    git("commit", "-qm", "before")

    def run(**files: str) -> tuple[int, str]:
        for name, text in files.items():
            path = tmp_path / "proposed" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        git("add", ".")
        git("commit", "-qm", "after", "--allow-empty")
        done = subprocess.run(["bash", "-e", "-c", script], cwd=tmp_path, env=environment, check=False)
        summary = tmp_path / "summary.md"
        return done.returncode, summary.read_text() if summary.exists() else ""

    return run


def test_the_step_checks_new_submissions_alone_and_fails_for_one_that_is_wrong(step):
    assert step() == (0, "")
    status, summary = step(**{"submissions/new/run.sh": "echo hello"})
    assert status == 1
    assert "## Submission new" in summary
    assert "run.sh" in summary
    assert "belong to no submission" not in summary


def test_the_step_names_other_files_and_finds_hidden_folders_and_links(step, tmp_path):
    status, summary = step(**{"leaderboards/rows/x.json": "{}", "submissions/.mine/rows/a/b.txt": "x"})
    assert (status, "    leaderboards/rows/x.json\n" in summary) == (1, True)
    assert "## Submission .mine" in summary
    assert "    submissions/.mine" not in summary
    (tmp_path / "summary.md").unlink()
    shutil.rmtree(tmp_path / "proposed/submissions/.mine")
    (tmp_path / "proposed/submissions/link").symlink_to(tmp_path)
    status, summary = step()
    assert (status, "    submissions/link\n" in summary, "## Submission" in summary) == (1, True, False)
