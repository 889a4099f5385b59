"""Tests of the heavy libraries, each in a process of its own, because a library may crash.

python -m tlbench.cli.probes torch
python -m tlbench.cli.probes onnxruntime
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tlbench.engine.processes import ending, run_module

TIMEOUT = 300
"""Seconds. The first import of torch from a slow disk takes long."""


def probe(library: str) -> dict[str, Any]:
    """Return what a library can do here. `error` says why it does not work, or is empty."""
    try:
        done = run_module("tlbench.cli.probes", library, timeout=TIMEOUT)
    except subprocess.TimeoutExpired:
        return {"error": f"no answer within {TIMEOUT} s"}
    if done.returncode:
        lines = done.stderr.strip().splitlines()
        return {"error": lines[-1] if lines and done.returncode > 0 else f"it {ending(done)}"}
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return {**answer, "error": ""}


def torch_here() -> dict[str, Any]:
    """Return which CUDA version torch was built for, and whether it computes on a GPU."""
    import torch

    works = torch.cuda.is_available() and float(torch.ones(2, device="cuda").sum()) == 2.0
    built = f"CUDA {torch.version.cuda}" if torch.version.cuda else "CPU only"
    return {"built_for": built, "runs_on_graphics": works}


def onnxruntime_here() -> dict[str, Any]:
    """Return, for each device, an empty string if a session on its provider opens, else the reason."""
    import onnxruntime

    from tlbench.deploy.reference import reference_model
    from tlbench.deploy.session import PROVIDERS, open_session

    if hasattr(onnxruntime, "preload_dlls"):
        onnxruntime.preload_dlls()
    providers = {}
    with tempfile.TemporaryDirectory() as folder:
        model = reference_model(Path(folder))
        for device, provider in PROVIDERS.items():
            try:
                open_session(model, device, 1)
                providers[provider] = ""
            except Exception as error:  # noqa: BLE001 - any error is the answer
                providers[provider] = str(error).strip().splitlines()[0]
    return {"providers": providers}


if __name__ == "__main__":
    print(json.dumps({"torch": torch_here, "onnxruntime": onnxruntime_here}[sys.argv[1]]()))
