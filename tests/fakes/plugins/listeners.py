"""A plugin that watches runs: it takes no argument and counts."""

from __future__ import annotations

from tlbench import hookimpl

CALLS: list[None] = []


@hookimpl
def tlbench_event() -> None:
    CALLS.append(None)
