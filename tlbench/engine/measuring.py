"""Latency is measured in a process of its own, with nothing else of ours running."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from tlbench.deploy import latency
from tlbench.engine.contents import MEASURED, measured
from tlbench.engine.processes import ending, run_module
from tlbench.errors import TlbenchError

TIMEOUT = 900
"""Seconds that the measurement of one graph may take."""
ATTEMPTS = 2
"""A measuring process that a signal ended is started once more: all rows of the graph depend on it."""


def measure_in_child(served: Path, device: str, threads: int, folder: Path) -> dict[str, Any]:
    """Measure the ONNX file of a stage on the inputs beside it; return what `latency.measure` does."""
    files = {"onnx": str(served / "model.onnx"), "inputs": str(served / "latency.npz")}
    result, job = folder / MEASURED, folder / "job.json"
    # Threads that numpy would start for products of matrices, of which there are none.
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    job.write_text(json.dumps({**files, "device": device, "threads": threads}), encoding="utf-8")
    for _ in range(ATTEMPTS):
        try:
            done = run_module(latency.__name__, str(job), str(result), timeout=TIMEOUT, env=environment)
        except subprocess.TimeoutExpired as error:
            raise TlbenchError(f"the measuring process did not end within {TIMEOUT} s") from error
        # Python ended by itself: it would end the same way again.
        if done.returncode >= 0:
            break
    if done.returncode < 0:
        raise TlbenchError(f"the measuring process {ending(done)} in each of {ATTEMPTS} attempts")
    if done.returncode:
        raise TlbenchError(f"the measuring process {ending(done)}")
    return measured(folder)
