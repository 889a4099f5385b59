"""Which strategies, tasks and backbones fit together."""

from __future__ import annotations

from tlbench.contract.diagnostics import AnalysisSpec, EstimatorSpec
from tlbench.contract.requests import SELF_LABELLED
from tlbench.contract.specs import BackboneSpec, StrategySpec, TaskSpec
from tlbench.contract.task_data import Access

SETTINGS = {
    "transductive": "the same labels in both domains",
    "inductive": "different labels in the two domains",
}
"""What each setting means, for readers who know the words from other fields."""
TRAITS = {"batchnorm": "batch normalisation"}
"""Traits whose name is not the term that a reader knows."""


def mismatch(task: TaskSpec, backbone: BackboneSpec, strategy: StrategySpec) -> str:
    """Return why a strategy cannot run on a task and a backbone, or an empty string."""
    return _wrong_task(task, strategy) or _wrong_backbone(task, backbone, strategy)


def _wrong_task(task: TaskSpec, strategy: StrategySpec) -> str:
    if task.setting not in strategy.settings:
        required = " or ".join(f"{SETTINGS[setting]} ({setting})" for setting in strategy.settings)
        return f'"{strategy.name}" requires {required}; "{task.name}" has {SETTINGS[task.setting]} ({task.setting}).'
    if task.kind.layout in SELF_LABELLED and Access.TARGET_INPUTS in strategy.access:
        return f'"{strategy.name}" reads target inputs, which contain the labels of a {task.kind.name} task.'
    if strategy.kinds and task.kind.name not in strategy.kinds:
        return f'"{strategy.name}" supports {", ".join(strategy.kinds)}; "{task.name}" is {task.kind.name}.'
    if not task.kind.supervised and strategy.trains_encoder:
        return f'"{strategy.name}" trains on labels; all training examples of "{task.name}" have the same label.'
    return ""


def _wrong_backbone(task: TaskSpec, backbone: BackboneSpec, strategy: StrategySpec) -> str:
    return lacking_traits(task, backbone, strategy) or lacking_layout(task, backbone)


def lacking_traits(task: TaskSpec, backbone: BackboneSpec, spec: StrategySpec | EstimatorSpec | AnalysisSpec) -> str:
    """Return which traits a spec requires that neither backbone nor kind has, or an empty string."""
    if lacking := [trait for trait in spec.needs if trait not in (*backbone.traits, *task.kind.traits)]:
        required = ", ".join(TRAITS.get(trait, trait) for trait in lacking)
        return f'"{spec.name}" requires {required}, which "{backbone.name}" lacks.'
    return ""


def lacking_layout(task: TaskSpec, backbone: BackboneSpec) -> str:
    """Return which features a task requires that a backbone does not give, or an empty string."""
    for layout in {task.kind.layout, task.kind_of_source.layout}:
        if layout not in backbone.layouts:
            return f'"{task.name}" requires {layout} features; "{backbone.name}" gives {", ".join(backbone.layouts)}.'
    return ""
