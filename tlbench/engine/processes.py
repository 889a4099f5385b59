"""Modules of the host that run in an interpreter of their own."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

from tlbench.planning.supervised import signal_name


def run_module(module: str, *words: str, timeout: float, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run `python -m MODULE WORDS` to its end and return it with its output; `options` are those of `subprocess.run`.

    Raises `subprocess.TimeoutExpired` after `timeout` seconds.
    """
    # Without -P the current folder is first on the import path: a file there named like a library would be executed.
    command = [sys.executable, "-P", "-m", module, *words]
    return subprocess.run(
        command,
        capture_output=True,
        encoding="utf-8",
        errors="backslashreplace",
        timeout=timeout,
        check=False,
        **options,
    )


def ending(done: subprocess.CompletedProcess[str]) -> str:
    """Return how a failed process ended: by which signal, or with which status and last line of its errors."""
    if done.returncode < 0:
        return f"was ended by {signal_name(-done.returncode)}"
    last = (done.stderr.strip().splitlines() or ["no message"])[-1]
    return f"ended with status {done.returncode}: {last}"
