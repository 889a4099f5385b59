"""What the toy offers: see `tlbench.testing.toy`."""

from __future__ import annotations

from functools import partial

from tlbench import (
    Access,
    AnalysisSpec,
    BackboneSpec,
    DomainSpec,
    EstimatorSpec,
    Option,
    StrategySpec,
    TaskSpec,
    deferred,
    hookimpl,
)
from tlbench.testing.toy.tasks import toy_tasks

TLBENCH_API = 2


@hookimpl
def tlbench_domains() -> list[DomainSpec]:
    return [DomainSpec(name="toy", title="Toy", summary="Small generated data for tests.")]


@hookimpl
def tlbench_tasks() -> list[TaskSpec]:
    return toy_tasks()


@hookimpl
def tlbench_backbones() -> list[BackboneSpec]:
    hidden = Option(name="hidden", default=16, summary="units of the hidden layer")
    recipe = {"steps": 30, "source.steps": 60, "source.learning_rate": 1e-2, "full.steps": 40}
    return [
        BackboneSpec(
            name="toy/mlp",
            modality="tabular",
            title="Perceptron",
            summary="One hidden layer.",
            recipe=recipe,
            options=(hidden,),
            fit=deferred("tlbench.testing.toy.backbones", "fit_rows"),
            prepare=deferred("tlbench.testing.toy.backbones", "prepare_rows"),
            build=partial(deferred("tlbench.testing.toy.backbones", "build_mlp"), batchnorm=False),
            augment=deferred("tlbench.testing.toy.backbones", "jitter"),
        ),
        BackboneSpec(
            name="toy/mlp-batchnorm",
            modality="tabular",
            title="Perceptron with BatchNorm",
            summary="One hidden layer, normalised.",
            traits=("batchnorm",),
            recipe=recipe,
            options=(hidden,),
            fit=deferred("tlbench.testing.toy.backbones", "fit_rows"),
            prepare=deferred("tlbench.testing.toy.backbones", "prepare_rows"),
            build=partial(deferred("tlbench.testing.toy.backbones", "build_mlp"), batchnorm=True),
        ),
        BackboneSpec(
            name="words/window",
            modality="text",
            title="Window of three words",
            summary="Embeddings and one convolution.",
            layouts=("sequence",),
            recipe=recipe,
            fit=deferred("tlbench.testing.toy.backbones", "fit_words"),
            prepare=deferred("tlbench.testing.toy.backbones", "prepare_words"),
            build=deferred("tlbench.testing.toy.backbones", "build_window"),
            encode_labels=deferred("tlbench.testing.toy.backbones", "encode_names"),
        ),
    ]


@hookimpl
def tlbench_strategies() -> list[StrategySpec]:
    return [
        StrategySpec(
            name="nearest-mean",
            title="Nearest class mean",
            summary="The class whose mean feature is nearest; the source encoder stays as it is.",
            paper="Mensink et al. 2013, Distance-based image classification, doi:10.1109/TPAMI.2013.83",
            access=frozenset({Access.TARGET_LABELS}),
            trains_encoder=False,
            adapt=deferred("tlbench.testing.toy.strategy", "nearest_mean"),
        )
    ]


@hookimpl
def tlbench_estimators() -> list[EstimatorSpec]:
    return [
        EstimatorSpec(
            name="class-share",
            title="Variance between classes",
            summary="The share of the features' variance that lies between the classes of the label budget.",
            paper="Fisher 1936, The use of multiple measurements in taxonomic problems",
            estimate=deferred("tlbench.testing.toy.diagnostics", "class_share"),
        )
    ]


@hookimpl
def tlbench_analyses() -> list[AnalysisSpec]:
    return [
        AnalysisSpec(
            name="feature-shift",
            title="Shift of the features",
            summary="How far adaptation moved the features of the test examples.",
            paper="unpublished",
            analyse=deferred("tlbench.testing.toy.diagnostics", "feature_shift"),
        )
    ]
