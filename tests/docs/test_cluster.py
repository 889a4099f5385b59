"""The files of docs/cluster.md are what their programs read, and the commands in them exist."""

from __future__ import annotations

import re
import subprocess
import textwrap
from pathlib import Path

import pytest

from tlbench.cli.run_command import command

PAGE = Path(__file__).parents[2] / "docs" / "cluster.md"
BLOCKS = [textwrap.dedent(block) for block in re.findall(r"(?m)(?:^(?: {4}.*)?\n)+", PAGE.read_text()) if block.strip()]


@pytest.mark.parametrize("script", [block.strip() for block in BLOCKS if "#!/bin/bash" in block])
def test_job_scripts_are_scripts(script):
    done = subprocess.run(["bash", "-n"], input=script, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_ray_job_is_yaml_with_the_parts_that_kuberay_requires():
    yaml = pytest.importorskip("yaml")
    (job,) = [yaml.safe_load(block) for block in BLOCKS if "kind: RayJob" in block]
    cluster = job["spec"]["rayClusterSpec"]
    assert cluster["workerGroupSpecs"][0]["template"] == cluster["headGroupSpec"]["template"]
    assert cluster["headGroupSpec"]["template"]["spec"]["containers"][0]["image"]


def test_the_options_in_it_are_those_of_the_command():
    known = {name for option in command.params for name in option.opts}
    used = {
        word for line in re.findall(r"tlbench run (.*)", PAGE.read_text()) for word in re.findall(r"--[\w-]+", line)
    }
    assert used
    assert used <= known
