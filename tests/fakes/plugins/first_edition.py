"""Plugins of the first edition of the plugin API: each hook uses something that the second edition has not."""

from __future__ import annotations

import dataclasses
from typing import Any

from tlbench import Access, KindSpec, StrategySpec, hookimpl
from tlbench.testing.toy import plugin


def _strategy(**fields: Any) -> StrategySpec:
    return StrategySpec(
        title="Old",
        summary="Written for the first edition.",
        paper="unpublished",
        access=frozenset({Access.TARGET_LABELS}),
        trains_encoder=True,
        adapt=lambda request: request.model,
        **fields,
    )


@hookimpl
def tlbench_domains() -> Any:
    return [KindSpec(name="old", activation="softmax")]


@hookimpl
def tlbench_strategies() -> Any:
    return [_strategy(name="old", kinds=("classification",))]


@hookimpl
def tlbench_tasks() -> Any:
    return [_strategy(name="odd", colour="red")]


@hookimpl
def tlbench_backbones() -> Any:
    mlp = plugin.tlbench_backbones()[0]
    return [dataclasses.replace(mlp, name="toy/old", recipe={"finetune.steps": 3})]
