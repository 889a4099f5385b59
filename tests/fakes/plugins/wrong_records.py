"""A plugin that gives other things than records, and records that fit nowhere."""

from __future__ import annotations

import dataclasses
from typing import Any

from tlbench import TaskSpec, hookimpl
from tlbench.testing.toy import plugin


@hookimpl
def tlbench_strategies() -> list[Any]:
    return ["finetune", None]


@hookimpl
def tlbench_backbones() -> Any:
    return 5


@hookimpl
def tlbench_tasks() -> list[TaskSpec]:
    blobs = plugin.tlbench_tasks()[0]
    return [
        dataclasses.replace(blobs, name="without-domain"),
        dataclasses.replace(blobs, name="toy/without-backbone", backbone="tabular/nowhere"),
    ]
