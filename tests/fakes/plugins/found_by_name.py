"""A family of backbones that lack a package, a task that names one of them, and a family that finds anything."""

from __future__ import annotations

import dataclasses

from tlbench import BackboneFamily, BackboneSpec, TaskSpec, UnknownNameError, hookimpl
from tlbench.testing.toy import plugin


def _find(name: str) -> BackboneSpec:
    if name != "mlp":
        raise UnknownNameError("backbone", f"shelf/{name}", ["shelf/mlp"])
    return dataclasses.replace(plugin.tlbench_backbones()[0], name="shelf/mlp")


@hookimpl
def tlbench_backbone_families() -> list[BackboneFamily]:
    shelf = BackboneFamily(name="shelf", modality="tabular", title="A shelf", summary="shelf/mlp.", find=_find)
    anything = dataclasses.replace(shelf, name="anything", find=lambda name: plugin.tlbench_backbones()[0])
    return [shelf, anything, dataclasses.replace(shelf, name="closed", requires=("a_module_that_is_nowhere",))]


@hookimpl
def tlbench_tasks() -> list[TaskSpec]:
    blobs = plugin.tlbench_tasks()[0]
    return [
        dataclasses.replace(blobs, name="toy/shelved", backbone="shelf/mlp"),
        dataclasses.replace(blobs, name="toy/closed", backbone="closed/mlp"),
    ]
