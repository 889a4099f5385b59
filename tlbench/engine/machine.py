"""How much of this machine a run may use."""

from __future__ import annotations

import os
import sys
from pathlib import Path

CHILD = 1.5 * 2**30
"""Bytes that a child of a small task takes, most of it libraries."""
KEPT = 2**30
"""Bytes that are left to everything else."""


def usable_cores() -> int:
    """Return the cores that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def available_memory() -> int:
    """Return the bytes of memory that can be taken now, also within a container; 0 if that is not known."""
    if sys.platform != "linux":
        return 0
    lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    free = next((int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")), 0)
    return min([free, *_left_in_group()])


def _left_in_group() -> list[int]:
    """Return what the control group of a container leaves, where it limits memory."""
    try:
        limit = Path("/sys/fs/cgroup/memory.max").read_text(encoding="ascii").strip()
        used = int(Path("/sys/fs/cgroup/memory.current").read_text(encoding="ascii"))
        facts = dict(map(str.split, Path("/sys/fs/cgroup/memory.stat").read_text(encoding="ascii").splitlines()))
        # Files that were read count as used; the system drops them when memory is needed.
        return [] if limit == "max" else [max(0, int(limit) - used + int(facts.get("inactive_file", 0)))]
    except (OSError, ValueError):
        return []


def usual_jobs(pairings: int, threads: int, device: str) -> int:
    """Return how many pairings run at a time unless the user says: as many as cores and memory allow, one on a GPU."""
    if device != "cpu":
        return 1
    memory = available_memory()
    by_memory = int((memory - KEPT) // CHILD) if memory else pairings
    return max(1, min(usable_cores() // threads, by_memory, pairings))


def usual_memory(jobs: int, device: str) -> int:
    """Return the default of the memory limit of a pairing in bytes: its share of the free memory; 0 for no limit.

    There is no limit on a GPU: the limit counts addresses, and the driver of a GPU reserves more addresses than memory.
    """
    memory = available_memory()
    return int((memory - KEPT) // jobs) if memory > 2 * KEPT and device == "cpu" else 0
