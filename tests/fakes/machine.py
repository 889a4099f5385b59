"""The command line as a user calls it: a process that starts others, with a cache and a board of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support import SOURCES

PLUGIN = SOURCES / "hostile.py"
FEW = ("--set", "source.steps=8", "--set", "strategy.steps=4", "--seeds", "1")
VARYING = {
    "seconds", "p50_ms", "p90_ms", "p99_ms", "mean_ms", "round_spread", "reference_p50_ms", "p50_ratio", "queries",
    "throughput_per_s", "contended", "created", "peak_memory_bytes", "latency", "digest",
}  # fmt: skip
"""Fields of a row that differ between two runs of the same thing."""


@dataclass(frozen=True)
class Machine:
    """A cache and a board of one's own."""

    root: Path
    site: Path | str
    """Folders of distributions, as in PYTHONPATH."""

    @property
    def cache(self) -> Path:
        return self.root / "cache"

    @property
    def board(self) -> Path:
        return self.root / "board"

    def start(self, *words: str, **variables: str) -> subprocess.Popen[str]:
        """Start the command line in a session of its own."""
        (self.root / "work").mkdir(parents=True, exist_ok=True)
        environment = {
            **os.environ,
            "PYTHONPATH": str(self.site),
            "TLBENCH_CACHE": str(self.cache),
            "TLBENCH_ENGINE": "local",
            "HOSTILE_BOARD": str(self.board),
            **variables,
        }
        environment.pop("TLBENCH_DATA", None)
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "tlbench", *words],
            env=environment,
            cwd=self.root / "work",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,
        )

    def call(self, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run the command line to its end."""
        process = self.start(*words, **variables)
        try:
            output, errors = process.communicate(timeout=600)
        finally:
            process.kill()
        return subprocess.CompletedProcess(words, process.returncode, output, errors)

    def run(self, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run pairings onto the board."""
        return self.call("run", "--board", str(self.board), "--device", "cpu", *words, **variables)

    def rows(self) -> dict[str, dict[str, Any]]:
        """Return what must be equal in two runs, by the name of the row's file."""
        return {
            path.name: {name: value for name, value in json.loads(path.read_text()).items() if name not in VARYING}
            for path in sorted((self.board / "rows").glob("*/*.json"))
        }
