"""What the plugin of several models offers."""

from __future__ import annotations

from tlbench import Access, BackboneFamily, Option, StrategySpec, deferred, hookimpl, training_options
from tlbench_ensembles.concat import find

TLBENCH_API = 2

FULL = training_options(steps=120, learning_rate=1e-3)
MODELS = Option(name="models", default=5, summary="models that are fine-tuned", unit="models", least=1)
SOFT = (
    Option(name="temperature", default=2.0, summary="softness of the taught probabilities (T)", least=0.01, tune=4),
    Option(name="weight", default=1.0, summary="weight of what is taught; the labels have 1", least=0, tune=10),
)
HINTON = "Hinton et al. 2015, Distilling the knowledge in a neural network, arXiv:1503.02531"
SOUPS = "Wortsman et al. 2022, Model soups: averaging weights of multiple fine-tuned models, arXiv:2203.05482"


def _uniform_soup() -> StrategySpec:
    return StrategySpec(
        name="uniform-soup",
        title="Uniform model soup",
        summary="The mean of the weights of several fine-tuned models.",
        paper=SOUPS,
        access=frozenset({Access.TARGET_LABELS}),
        trains_encoder=True,
        on_request=True,
        recipe="full",
        options=(*FULL, MODELS),
        adapt=deferred("tlbench_ensembles.soup", "uniform_soup"),
    )


def _greedy_soup() -> StrategySpec:
    return StrategySpec(
        name="greedy-soup",
        title="Greedy model soup",
        summary="The mean of the weights of those fine-tuned models that do not lower its validation score.",
        paper=SOUPS,
        access=frozenset({Access.TARGET_LABELS}),
        trains_encoder=True,
        on_request=True,
        selection="target-validation",
        recipe="full",
        options=(*FULL, MODELS),
        adapt=deferred("tlbench_ensembles.soup", "greedy_soup"),
    )


def _ensemble() -> StrategySpec:
    return StrategySpec(
        name="ensemble",
        title="Ensemble of fine-tuned models",
        summary="Several fine-tuned models in one file; their probabilities, or else their outputs, are averaged.",
        paper="Lakshminarayanan et al. 2017, Simple and scalable predictive uncertainty estimation using deep "
        "ensembles, arXiv:1612.01474",
        access=frozenset({Access.TARGET_LABELS}),
        trains_encoder=True,
        on_request=True,
        recipe="full",
        options=(*FULL, MODELS),
        extend=deferred("tlbench_ensembles.ensemble", "extend"),
        adapt=deferred("tlbench_ensembles.ensemble", "ensemble"),
    )


def _distillation() -> StrategySpec:
    return StrategySpec(
        name="distillation",
        title="Distillation of an ensemble",
        summary="One model learns the labels, and what an ensemble of fine-tuned copies says of unlabelled inputs.",
        paper=HINTON,
        access=frozenset({Access.TARGET_LABELS, Access.TARGET_INPUTS}),
        trains_encoder=True,
        on_request=True,
        needs=("class-probabilities",),
        recipe="full",
        options=(
            *FULL,
            Option(name="teachers", default=5, summary="fine-tuned copies that teach", unit="models", least=1),
            *SOFT,
        ),
        adapt=deferred("tlbench_ensembles.distillation", "distillation"),
    )


def _larger_teacher() -> StrategySpec:
    return StrategySpec(
        name="larger-teacher",
        title="Distillation of a larger backbone",
        summary="The model learns the labels, and what a probe on another backbone says of unlabelled inputs.",
        paper=HINTON,
        access=frozenset({Access.TARGET_LABELS, Access.TARGET_INPUTS}),
        trains_encoder=True,
        on_request=True,
        needs=("class-probabilities", "probe", "one-prediction"),
        recipe="full",
        options=(
            *FULL,
            Option(
                name="backbone",
                default="",
                summary="the backbone that teaches, such as timm/efficientnet-lite0; without one a run is skipped",
                backbone=True,
            ),
            *SOFT,
        ),
        adapt=deferred("tlbench_ensembles.distillation", "larger_teacher"),
    )


@hookimpl
def tlbench_strategies() -> list[StrategySpec]:
    return [_uniform_soup(), _greedy_soup(), _ensemble(), _distillation(), _larger_teacher()]


@hookimpl
def tlbench_backbone_families() -> list[BackboneFamily]:
    return [
        BackboneFamily(
            name="concat",
            modality="any",
            title="Two backbones side by side",
            summary="concat/A+B joins the features of the backbones A and B, which take the same modality.",
            find=find,
            joins=True,
        )
    ]
