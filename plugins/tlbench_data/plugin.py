"""What the plugin of tasks on files offers: into domains that other plugins bring."""

from __future__ import annotations

from tlbench import DomainSpec, TaskSpec, hookimpl
from tlbench_data.listed import listed_tasks
from tlbench_data.own import own_tasks
from tlbench_data.public import public_tasks
from tlbench_data.research import research_tasks
from tlbench_data.vectors import vector_domain, vector_tasks

TLBENCH_API = 2


@hookimpl
def tlbench_domains() -> list[DomainSpec]:
    return [vector_domain()]


@hookimpl
def tlbench_tasks() -> list[TaskSpec]:
    return [*own_tasks(), *vector_tasks(), *public_tasks(), *research_tasks(), *listed_tasks()]
