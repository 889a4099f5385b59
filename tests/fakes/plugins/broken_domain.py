"""A domain without a task, and a module that is not light."""

import numpy as np  # noqa: F401

from tlbench import DomainSpec, hookimpl


@hookimpl
def tlbench_domains() -> list[DomainSpec]:
    return [DomainSpec(name="empty", title="Empty", summary="No task is in it.")]
