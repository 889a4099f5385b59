"""Parts of tests that are no fixtures: distributions made by hand, and runs in other processes."""

from __future__ import annotations

import json
import os
import re
import shutil
import site
import subprocess
import sys
import venv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tlbench.planning.catalog import Catalog
from tlbench.planning.expand import make_plan
from tlbench.planning.plan import Plan
from tlbench.planning.selection import RunRequest
from tlbench.planning.settings import Settings

HERE = Path(__file__).parent
SOURCES = HERE / "fakes" / "plugins"


def install(site: Path, distribution: str, entry_points: Mapping[str, str], version: str = "1.0") -> None:
    """Put a distribution with entry points into a site folder as an installer would: modules and a dist-info folder.

    Modules are those of `fakes/plugins`; what is named beyond them is there already.
    """
    site.mkdir(parents=True, exist_ok=True)
    for module in {re.split("[.:]", target)[0] for target in entry_points.values()}:
        source = SOURCES / module
        if source.is_dir():
            shutil.copytree(source, site / module, ignore=shutil.ignore_patterns("__pycache__"))
        elif module != "tlbench":
            shutil.copy(source.with_suffix(".py"), site)
    info = site / f"{distribution.replace('-', '_')}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n")
    lines = [f"{name} = {target}" for name, target in entry_points.items()]
    (info / "entry_points.txt").write_text("\n".join(["[tlbench]", *lines, ""]))
    (info / "INSTALLER").write_text("tests\n")


@dataclass(frozen=True)
class Finished:
    """What a driven process left."""

    status: int
    report: dict[str, Any]
    """`rows`, `computed`, `seconds` and `modules`; empty where the process was killed."""
    errors: str


def drive(site: Path | str, cache: Path, board: Path, *words: str) -> Finished:
    """Run `fakes/run_plan.py` in a fresh interpreter that finds the distributions of `site`, a path or several."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(site), str(HERE)]), "TLBENCH_CACHE": str(cache)}
    command = [sys.executable, "-m", "fakes.run_plan", "--board", str(board), *words]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)
    report = json.loads(done.stdout.splitlines()[-1]) if done.returncode == 0 else {}
    return Finished(done.returncode, report, done.stderr)


C_LOCALE = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
"""Variables under which Python knows ASCII alone."""


def run_python(code: str, *words: str, site: Path | None = None, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a script in a fresh interpreter."""
    environment = {**os.environ, **variables, **({"PYTHONPATH": str(site)} if site else {})}
    command = [sys.executable, "-c", code, *words]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)


@dataclass(frozen=True)
class Environment:
    """A virtual environment that finds what this one has; pip installs into it without a network."""

    folder: Path

    @classmethod
    def make(cls, folder: Path) -> Environment:
        venv.create(folder, with_pip=False)
        (packages,) = folder.glob("lib/*/site-packages")
        inherited = "\n".join(f"import site; site.addsitedir({path!r})" for path in site.getsitepackages())
        (packages / "inherited.pth").write_text(inherited)
        command = folder / "bin" / "tlbench"
        command.write_text(f'#!/bin/sh\nexec "{folder}/bin/python" -m tlbench "$@"\n')
        command.chmod(0o755)
        return cls(folder)

    def bash(self, script: str, place: Path) -> subprocess.CompletedProcess[str]:
        """Run a script in a folder, with the environment activated, up to its first failure."""
        variables = {
            "PATH": f"{self.folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "PIP_NO_INDEX": "1",
            "PIP_NO_BUILD_ISOLATION": "0",  # pip reads it as an answer to "isolate?"
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        }
        command = ["bash", "-ex", "-c", script]
        return subprocess.run(
            command,
            cwd=place,
            env={**os.environ, **variables},
            capture_output=True,
            text=True,
            timeout=1200,
            check=False,
        )


def plan_only(catalog: Catalog, settings: Settings, **run_request: Any) -> Plan:
    """Plan a run request without the baselines that it does not name; seed 0 if it names none."""
    references = ("none",) if run_request.get("strategies") else ("all",)
    return make_plan([RunRequest(**{"seeds": (0,), "references": references, **run_request})], catalog, settings)


STABLE = ("created", "commit", "dirty", "seconds", "peak_memory_bytes", "latency", "queries")
"""Fields of a row that two runs of one pairing do not share; beside them, what the clock measured.

The commit is the one at which a shared stage was computed.
"""


def comparable(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row without what depends on the moment of the run."""
    clock = ("_ms", "_ratio", "_per_s", "spread", "contended")
    return {name: value for name, value in row.items() if name not in STABLE and not name.endswith(clock)}


def only(rows: Sequence[Any], **wanted: Any) -> Any:
    """Return the one row whose fields are as wanted."""
    (row,) = [row for row in rows if all(getattr(row, name) == value for name, value in wanted.items())]
    return row


def silent(step: int, loss: float) -> None:
    """Stand for a display of progress."""


def weigh(metric: Any, values: Any, targets: Any) -> Any:
    """Return a metric of one prediction for each target, as a function of example weights."""
    from tlbench.learning import Predictions

    return metric(Predictions.of(values, targets.counts), targets)


def units(values: Any) -> Any:
    """Return outputs `(N, C)` of examples with one unit each."""
    from tlbench.learning import Outputs

    return Outputs(values, shape=(len(values),))


def wanted(values: Any) -> Any:
    """Return targets of a batch, one value for each example."""
    import torch

    from tlbench.learning import BatchTargets

    return BatchTargets(values, torch.ones(len(values), dtype=torch.int64))


def unlock(folder: Path) -> Path:
    """Return the folder of a finished stage, in which everything can be changed now, as damage would."""
    for path in (folder, *folder.iterdir()):
        path.chmod(path.stat().st_mode | 0o200)
    return folder
