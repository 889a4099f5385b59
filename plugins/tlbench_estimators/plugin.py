"""What this plugin offers."""

from __future__ import annotations

from tlbench import EstimatorSpec, hookimpl

TLBENCH_API = 2


@hookimpl
def tlbench_estimators() -> list[EstimatorSpec]:
    return []
