"""A plugin whose hook breaks while its records are taken; its other hook works."""

from __future__ import annotations

from collections.abc import Iterator

from tlbench import DomainSpec, StrategySpec, hookimpl


@hookimpl
def tlbench_domains() -> list[DomainSpec]:
    return [DomainSpec(name="half", title="Half", summary="The half that works.")]


@hookimpl
def tlbench_strategies() -> Iterator[StrategySpec]:
    yield StrategySpec(
        name="never", title="Never", summary="", access=frozenset(), trains_encoder=False, adapt=lambda request: None
    )
    raise LookupError("the registry is empty")
