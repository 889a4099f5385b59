"""Hooks: the functions that a plugin implements.

A plugin is a module named by an entry point of the group `tlbench`:

    [project.entry-points.tlbench]
    l2sp = "my_package.plugin"

It implements any of these hooks with `tlbench.hookimpl`. Hooks return specs, small frozen records; keep the module
light and import torch inside the functions that the specs carry. An implementation may take fewer arguments than
its specification. New arguments and new spec fields come with defaults; a break would come as a hook of a new name.
"""

from __future__ import annotations

from collections.abc import Iterable

import pluggy

from tlbench.contract.backbone_specs import BackboneFamily, BackboneSpec
from tlbench.contract.diagnostics import AnalysisSpec, EstimatorSpec
from tlbench.contract.events import Event
from tlbench.contract.specs import DomainSpec, StrategySpec, TaskSpec

GROUP = "tlbench"
hookspec = pluggy.HookspecMarker("tlbench")
hookimpl = pluggy.HookimplMarker("tlbench")
"""Decorator of a plugin's implementation of a hook."""


@hookspec
def tlbench_domains() -> Iterable[DomainSpec]:  # type: ignore[empty-body]
    """Return the domains this plugin adds.

    Example:
        return [DomainSpec(name="vision", title="Vision", summary="Images of everyday things.")]
    """


@hookspec
def tlbench_tasks() -> Iterable[TaskSpec]:  # type: ignore[empty-body]
    """Return the tasks this plugin adds, into its own domain or another plugin's.

    Example:
        return [TaskSpec(name="vision/digits", ..., load=load_digits)]
    """


@hookspec
def tlbench_backbones() -> Iterable[BackboneSpec]:  # type: ignore[empty-body]
    """Return the backbones this plugin adds.

    Example:
        return [BackboneSpec(name="image/resnet-small", modality="image", ..., build=build_resnet)]
    """


@hookspec
def tlbench_backbone_families() -> Iterable[BackboneFamily]:  # type: ignore[empty-body]
    """Return families of backbones that are found by name, being too many to list.

    Example:
        return [BackboneFamily(name="timm", modality="image", ..., find=find_timm_model)]
    """


@hookspec
def tlbench_strategies() -> Iterable[StrategySpec]:  # type: ignore[empty-body]
    """Return the strategies this plugin adds.

    Example:
        return [StrategySpec(name="frozen", access=frozenset({Access.TARGET_LABELS}), ..., adapt=adapt)]
    """


@hookspec
def tlbench_estimators() -> Iterable[EstimatorSpec]:  # type: ignore[empty-body]
    """Return the estimators this plugin adds: numbers that say before adaptation how well it may go.

    Example:
        return [EstimatorSpec(name="leep", ..., estimate=leep)]
    """


@hookspec
def tlbench_analyses() -> Iterable[AnalysisSpec]:  # type: ignore[empty-body]
    """Return the analyses this plugin adds: what adaptation changed inside a model.

    Example:
        return [AnalysisSpec(name="cka", ..., analyse=compare_features)]
    """


@hookspec
def tlbench_event(event: Event) -> None:
    """Watch a run: progress displays and trackers live here. An exception is reported once and goes no further.

    Example:
        if event.name == "row-written":
            print(event.values["row"].score)
    """
