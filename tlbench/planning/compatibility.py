"""Which strategies, tasks and backbones fit together."""

from __future__ import annotations

from tlbench.contract.requests import SELF_LABELLED
from tlbench.contract.specs import BackboneSpec, StrategySpec, TaskSpec
from tlbench.contract.task_data import Access

SETTINGS = {
    "transductive": "the same labels in both domains",
    "inductive": "different labels in the two domains",
}
"""What each setting means, for readers who know the words from other fields."""
TRAITS = {
    "batchnorm": "batch normalisation",
    "class-probabilities": "class probabilities",
    "two-views": "two views of an example",
    "label-vectors": "vectors of label names",
}
"""Traits whose name is not the term that a reader knows."""
KIND_TRAITS = ("probe", "class-probabilities")
"""Traits that only kinds give, so that a message names the kind alone."""
BACKBONE_TRAITS = ("batchnorm", "scales", "label-vectors")
"""Traits that only backbones give."""


def mismatch(task: TaskSpec, backbone: BackboneSpec, strategy: StrategySpec) -> str:
    """Return why a strategy cannot run on a task and a backbone, or an empty string."""
    return _wrong_task(task, strategy) or _wrong_backbone(task, backbone, strategy)


def _wrong_task(task: TaskSpec, strategy: StrategySpec) -> str:
    if task.setting not in strategy.settings:
        required = " or ".join(f"{SETTINGS[setting]} ({setting})" for setting in strategy.settings)
        return f'"{strategy.name}" requires {required}; "{task.name}" has {SETTINGS[task.setting]} ({task.setting}).'
    if task.kind.layout in SELF_LABELLED and Access.TARGET_INPUTS in strategy.access:
        return f'"{strategy.name}" reads target inputs, which contain the labels of a {task.kind.name} task.'
    if not task.kind.supervised and strategy.trains_encoder:
        return f'"{strategy.name}" trains on labels; all training examples of "{task.name}" have the same label.'
    return ""


def _wrong_backbone(task: TaskSpec, backbone: BackboneSpec, strategy: StrategySpec) -> str:
    for trait in strategy.needs:
        if trait not in given(task, backbone):
            return f'"{strategy.name}" requires {TRAITS.get(trait, trait)}, which {_lacks(trait, task, backbone)}.'
    return lacking_layout(task, backbone)


def given(task: TaskSpec, backbone: BackboneSpec) -> set[str]:
    """Return the traits that a task, its kind and a backbone give together, including those that follow from them."""
    derived = {"two-views"} if task.augment and backbone.augment else set()
    derived |= {"label-vectors"} if backbone.encode_labels else set()
    return {*backbone.traits, *task.kind.traits, *task.traits, *derived}


def _lacks(trait: str, task: TaskSpec, backbone: BackboneSpec) -> str:
    """Return who could give a trait and does not."""
    kind = f"the kind {task.kind.name}"
    if trait == "two-views":
        unnamed = f'"{task.name}" lacks: it names no transformations in `augment`'
        return unnamed if not task.augment else f'"{backbone.name}" lacks: it has no `augment`'
    if trait in BACKBONE_TRAITS:
        return f'"{backbone.name}" lacks'
    return f"{kind} lacks" if trait in KIND_TRAITS else f'"{backbone.name}", {kind} and "{task.name}" lack'


def lacking_layout(task: TaskSpec, backbone: BackboneSpec) -> str:
    """Return which features a task requires that a backbone does not give, or an empty string."""
    for layout in {task.kind.layout, task.kind_of_source.layout}:
        if layout not in backbone.layouts:
            return f'"{task.name}" requires {layout} features; "{backbone.name}" gives {", ".join(backbone.layouts)}.'
    return ""
