"""What this plugin offers."""

from __future__ import annotations

from tlbench import StrategySpec, hookimpl

TLBENCH_API = 2


@hookimpl
def tlbench_strategies() -> list[StrategySpec]:
    return []
