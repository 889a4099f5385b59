"""What this plugin offers."""

from __future__ import annotations

from tlbench import AnalysisSpec, hookimpl

TLBENCH_API = 2


@hookimpl
def tlbench_analyses() -> list[AnalysisSpec]:
    return []
