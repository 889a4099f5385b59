"""A plugin with parts that need packages which are not installed."""

from __future__ import annotations

import dataclasses

from tlbench import CLASSIFICATION, BackboneSpec, StrategySpec, TaskSpec, hookimpl
from tlbench.testing.toy import plugin

NEEDS = ("a_module_that_is_nowhere",)


@hookimpl
def tlbench_strategies() -> list[StrategySpec]:
    return [
        StrategySpec(
            name="needs-absent",
            title="Needs what is absent",
            summary="",
            access=frozenset(),
            trains_encoder=False,
            requires=("numpy", *NEEDS),
            adapt=lambda request: request.model,
        )
    ]


@hookimpl
def tlbench_tasks() -> list[TaskSpec]:
    blobs = plugin.tlbench_tasks()[0]
    kind = dataclasses.replace(CLASSIFICATION, name="odd", requires=NEEDS, extra="odd")
    return [
        dataclasses.replace(blobs, name="toy/needs-absent", requires=NEEDS, extra="nowhere"),
        dataclasses.replace(blobs, name="toy/odd-source", source_kind=kind),
    ]


@hookimpl
def tlbench_backbones() -> list[BackboneSpec]:
    return [dataclasses.replace(plugin.tlbench_backbones()[0], name="tabular/needs-absent", requires=NEEDS)]
