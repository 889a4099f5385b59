"""What the heavy libraries really do here, tried in a process of its own: one that crashes takes nobody along.

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
"""Seconds: the first import of torch from a slow disk takes its time."""


def probe(library: str) -> dict[str, Any]:
    """Return what a library does here; `error` says why it does nothing, or is empty."""
    try:
        done = run_module("tlbench.cli.probes", library, timeout=TIMEOUT)
    except subprocess.TimeoutExpired:
        return {"error": f"it does not answer within {TIMEOUT} s"}
    if done.returncode:
        lines = done.stderr.strip().splitlines()
        return {"error": lines[-1] if lines and done.returncode > 0 else f"it {ending(done)}"}
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return {**found, "error": ""}


def torch_here() -> dict[str, Any]:
    """Return which CUDA torch was built for, and whether it computes there."""
    import torch

    works = torch.cuda.is_available() and float(torch.ones(2, device="cuda").sum()) == 2.0
    built = f"CUDA {torch.version.cuda}" if torch.version.cuda else "the processor alone"
    return {"built_for": built, "runs_on_graphics": works}


def onnxruntime_here() -> dict[str, Any]:
    """Return for each device whether a session on its provider opens; a reason where it does not."""
    import onnxruntime

    from tlbench.deploy.latency import reference_model
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
            except Exception as error:  # noqa: BLE001 - whatever it is, it is the answer
                providers[provider] = str(error).strip().splitlines()[0]
    return {"providers": providers}


if __name__ == "__main__":
    print(json.dumps({"torch": torch_here, "onnxruntime": onnxruntime_here}[sys.argv[1]]()))
