"""What the benchmarks' plugin offers."""

from __future__ import annotations

from tlbench import (
    CLASSIFICATION,
    BackboneSpec,
    DomainSpec,
    TaskSpec,
    deferred,
    hookimpl,
)


@hookimpl
def tlbench_domains() -> list[DomainSpec]:
    return [DomainSpec(name="bench", title="Benchmarks", summary="What speed is measured on.")]


@hookimpl
def tlbench_tasks() -> list[TaskSpec]:
    return [
        TaskSpec(
            name="bench/digits",
            title="Dark to bright handwriting",
            summary="scikit-learn's 1,797 digits as RGB images of 32 x 32 pixels, 360 of them for the test.",
            source="The digits as negatives, mirrored.",
            target="The digits as they are.",
            shift="Brightness and direction; the labels stay.",
            modality="image",
            kind=CLASSIFICATION,
            metric="accuracy",
            backbone="bench/resnet18",
            label_budget=1437,
            load=deferred("tlbench_bench.digits", "load"),
        )
    ]


@hookimpl
def tlbench_backbones() -> list[BackboneSpec]:
    return [
        BackboneSpec(
            name="bench/resnet18",
            modality="image",
            title="ResNet-18",
            summary="timm's, 11 million parameters.",
            traits=("batchnorm",),
            recipe={"steps": 22, "source.steps": 22, "learning_rate": 1e-3, "batch_size": 64},
            prepare=deferred("tlbench_bench.digits", "prepare"),
            build=deferred("tlbench_bench.digits", "build"),
        )
    ]
