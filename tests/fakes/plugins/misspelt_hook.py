"""A plugin with a hook that nobody calls."""

from __future__ import annotations

from tlbench import TaskSpec, hookimpl


@hookimpl
def tlbench_task() -> list[TaskSpec]:
    return []
