"""A plugin with names that the toy has taken."""

from __future__ import annotations

import dataclasses

from tlbench import BackboneSpec, TaskSpec, hookimpl
from tlbench.testing.toy import plugin


@hookimpl
def tlbench_tasks() -> list[TaskSpec]:
    blobs, shapes, *_ = plugin.tlbench_tasks()
    return [blobs, dataclasses.replace(shapes, name="toy/shapes-again")]


@hookimpl
def tlbench_backbones() -> list[BackboneSpec]:
    return plugin.tlbench_backbones()[:1]
