"""Which strategies, tasks and backbones fit together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tlbench.contract.backbone_specs import BackboneSpec
from tlbench.contract.diagnostics import SOURCE_FEATURES, AnalysisSpec, EstimatorSpec
from tlbench.contract.requests import SELF_LABELLED
from tlbench.contract.specs import KindSpec, Setting, StrategySpec, TaskSpec
from tlbench.contract.task_data import Access

if TYPE_CHECKING:
    from tlbench.planning.plan_parts import Remembered

SETTINGS = {
    "transductive": "the same labels in both domains",
    "inductive": "different labels in the two domains",
    "target-only": "no source domain",
}
"""What each setting means, for readers who know the words from other fields."""
TRAITS = {
    "probe": "a linear probe",
    "batchnorm": "batch normalisation",
    "class-probabilities": "class probabilities",
    "distances": "a head of distances from normal examples",
    "two-views": "two views of an example",
    "label-vectors": "vectors of label names",
    "masked-tokens": "a mask token",
    "one-prediction": "one prediction for each example",
    "unit-targets": "a target for each unit of prediction",
    "linear-head": "a head that a linear model can replace",
    "one-encoder": "a single encoder",
    "plain-layers": "a linear layer or a two-dimensional convolution",
    SOURCE_FEATURES: "a source with a target for each unit of prediction",
}
"""Traits whose name is not the term that a reader knows."""
KIND_TRAITS = ("probe", "class-probabilities", "distances", "one-prediction", "unit-targets", "linear-head")
"""Traits that only kinds give, so that a message names the kind alone."""
SOURCE_TRAITS = ("source-probe", "source-class-probabilities", SOURCE_FEATURES)
"""Traits of the source's kind, which may be another than the target's."""
BACKBONE_TRAITS = ("batchnorm", "scales", "label-vectors", "masked-tokens", "one-encoder", "plain-layers")
"""Traits that only backbones give."""


def mismatch(task: TaskSpec, setting: Setting, backbone: BackboneSpec, strategy: StrategySpec) -> str:
    """Return why a strategy cannot run on a task in this setting and a backbone, or an empty string."""
    return (
        _wrong_setting(task, setting, strategy)
        or _wrong_task(task, strategy)
        or lacking_traits(task, setting, backbone, strategy)
        or lacking_layout(task, backbone)
    )


def _wrong_setting(task: TaskSpec, setting: Setting, strategy: StrategySpec) -> str:
    fits = setting in strategy.settings
    if setting == "target-only" and (not fits or Access.SOURCE in strategy.access):
        return f'"{strategy.name}" needs source data; "{task.name}" has {SETTINGS[setting]} ({setting}).'
    if not fits:
        required = " or ".join(f"{SETTINGS[name]} ({name})" for name in strategy.settings)
        return f'"{strategy.name}" requires {required}; "{task.name}" has {SETTINGS[setting]} ({setting}).'
    return ""


def _wrong_task(task: TaskSpec, strategy: StrategySpec) -> str:
    if strategy.modalities and task.modality not in strategy.modalities:
        taken = " or ".join(strategy.modalities)
        return f'"{strategy.name}" requires {taken} inputs; "{task.name}" has {task.modality} inputs.'
    if task.kind.layout in SELF_LABELLED and Access.TARGET_INPUTS in strategy.access:
        return f'"{strategy.name}" reads target inputs, which contain the labels of a {task.kind.name} task.'
    if not task.kind.supervised and strategy.trains_encoder:
        return f'"{strategy.name}" trains on labels; all training examples of "{task.name}" have the same label.'
    return ""


def lacking_traits(
    task: TaskSpec, setting: Setting, backbone: BackboneSpec, spec: StrategySpec | EstimatorSpec | AnalysisSpec
) -> str:
    """Return which trait a spec requires that neither backbone nor task nor kind has, or an empty string."""
    for trait in spec.needs:
        if trait not in given(task, setting, backbone):
            return f'"{spec.name}" requires {_words(trait)}, which {_lacks(trait, task, setting, backbone)}.'
    return ""


def given(task: TaskSpec, setting: Setting, backbone: BackboneSpec) -> set[str]:
    """Return the traits that a task, its kind and a backbone give together, including those that follow from them."""
    derived = {"two-views"} if task.augment and backbone.augment else set()
    derived |= {"label-vectors"} if backbone.encode_labels else set()
    derived |= set() if backbone.parts else {"one-encoder"}
    derived |= set() if "conv1d-only" in backbone.traits else {"plain-layers"}
    derived |= {f"source-{trait}" for trait in task.kind_of_source.traits}
    derived |= {SOURCE_FEATURES} if setting != "target-only" and "probe" in task.kind_of_source.traits else set()
    return {*backbone.traits, *task.traits, *derived, *_of_kind(task.kind)}


def _of_kind(kind: KindSpec) -> set[str]:
    """Return the traits of a kind, and those that follow from them: a probe is fitted to a target of each unit."""
    derived = {"one-prediction"} if kind.layout == "pooled" else set()
    derived |= {"unit-targets"} if "probe" in kind.traits else set()
    derived |= set() if "embeddings" in kind.traits else {"linear-head"}
    return {*kind.traits, *derived}


def _words(trait: str) -> str:
    of_source = trait.removeprefix("source-")
    if trait in TRAITS or of_source == trait:
        return TRAITS.get(trait, trait)
    return f"{TRAITS.get(of_source, of_source)} in the source domain"


def _lacks(trait: str, task: TaskSpec, setting: Setting, backbone: BackboneSpec) -> str:
    """Return who could give a trait and does not."""
    kind = f"the kind {task.kind.name}"
    if trait == "two-views":
        unnamed = f'"{task.name}" lacks: it names no transformations in `augment`'
        return unnamed if not task.augment else f'"{backbone.name}" lacks: it has no `augment`'
    if trait == SOURCE_FEATURES and setting == "target-only":
        return f'"{task.name}" lacks: it has {SETTINGS[setting]}'
    if trait in SOURCE_TRAITS:
        return f"the kind {task.kind_of_source.name} lacks"
    if trait in BACKBONE_TRAITS:
        return f'"{backbone.name}" lacks'
    return f"{kind} lacks" if trait in KIND_TRAITS else f'"{backbone.name}", {kind} and "{task.name}" lack'


def unfit_to_remember(kept: Remembered, task: TaskSpec) -> str:
    """Return why forgetting of a task cannot be measured on models of another, or an empty string."""
    if kept.task.modality != task.modality:
        return f"it has the modality {kept.task.modality}, expected {task.modality}."
    if kept.kind.layout != task.kind.layout:
        return f"it requires {kept.kind.layout} features, but the encoder gives {task.kind.layout} features."
    if "probe" not in kept.kind.traits:
        return f"forgetting is measured by a linear probe, which {kept.kind.name} lacks."
    return ""


def lacking_layout(task: TaskSpec, backbone: BackboneSpec) -> str:
    """Return which features a task requires that a backbone does not give, or an empty string."""
    for layout in {task.kind.layout, task.kind_of_source.layout}:
        if layout not in backbone.layouts:
            return f'"{task.name}" requires {layout} features; "{backbone.name}" gives {", ".join(backbone.layouts)}.'
    return ""
