"""A plugin whose hooks end the program, or raise what `except Exception` lets pass."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from tlbench import BackboneSpec, DomainSpec, Event, StrategySpec, hookimpl


class Panic(BaseException):
    """As libraries written in Rust raise it."""


@hookimpl
def tlbench_domains() -> list[DomainSpec]:
    sys.exit(0)


@hookimpl
def tlbench_backbones() -> Iterator[BackboneSpec]:
    raise GeneratorExit
    yield


@hookimpl
def tlbench_strategies() -> list[StrategySpec]:
    raise Panic("index out of bounds")


@hookimpl
def tlbench_event(event: Event) -> None:
    sys.exit(0)
