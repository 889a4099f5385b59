"""Work in a process of its own, its CPU time and its memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
# A process inherits its parent's peak until it starts a program: a small parent stands between.
MEASURE = """
import json, os, subprocess, sys
child = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL)
_, status, usage = os.wait4(child.pid, 0)
print(json.dumps([status, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024]))
"""


@dataclass(frozen=True)
class Spent:
    """What a process took."""

    cpu_seconds: float
    peak_mib: float
    errors: str


def spend(*words: str, site: Path | None = None) -> Spent:
    """Run `python WORDS`."""
    places = [str(place) for place in (site, HERE, HERE.parent) if place]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(places)}
    command = [sys.executable, "-I", "-S", "-c", MEASURE, sys.executable, *words]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600, check=True)
    status, seconds, peak = json.loads(done.stdout)
    if status:
        raise RuntimeError(f"{' '.join(words)} ended with status {status}: {done.stderr[-2000:]}")
    return Spent(seconds, peak, done.stderr)


def alone(site: Path, *words: str) -> Spent:
    """Run one function of `alone.py`."""
    return spend(str(HERE / "alone.py"), *words, site=site)
