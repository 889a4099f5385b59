"""A plugin whose hook asks for an argument that there is not."""

from __future__ import annotations

from tlbench import StrategySpec, hookimpl


@hookimpl
def tlbench_strategies(catalog: object) -> list[StrategySpec]:
    return []
