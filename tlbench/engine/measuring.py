"""Latency is measured in a process of its own, with nothing else of ours running."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tlbench.deploy import latency
from tlbench.errors import TlbenchError

TIMEOUT = 900
"""Seconds that the measurement of one graph may take."""


def measure_in_child(served: Path, device: str, threads: int, result: Path) -> dict[str, Any]:
    """Measure the ONNX file of a stage on the inputs beside it; return what `latency.measure` does."""
    files = {"onnx": str(served / "model.onnx"), "inputs": str(served / "latency.npz")}
    job = result.with_name("job.json")
    job.write_text(json.dumps({**files, "device": device, "threads": threads}), encoding="utf-8")
    command = [sys.executable, "-P", "-m", latency.__name__, str(job), str(result)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise TlbenchError(f"the measuring process ended with status {done.returncode}: {last}")
    return json.loads(result.read_text(encoding="utf-8"))
