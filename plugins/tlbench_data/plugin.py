"""What the plugin of tasks on files offers: into domains that other plugins bring."""

from __future__ import annotations

from tlbench import TaskSpec, hookimpl
from tlbench_data.own import own_tasks
from tlbench_data.public import public_tasks


@hookimpl
def tlbench_tasks() -> list[TaskSpec]:
    return [*own_tasks(), *public_tasks()]
