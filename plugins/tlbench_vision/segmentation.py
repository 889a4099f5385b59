"""What the vision plugin offers for masks: a task on one's own images, and a backbone with features of every pixel."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tlbench import (
    AUGMENT_OPTION,
    SEGMENTATION,
    SPLIT_OPTIONS,
    BackboneSpec,
    LoadRequest,
    Option,
    TaskSpec,
    deferred,
)


def _mask_files(request: LoadRequest) -> Sequence[Path]:
    from tlbench.assets import integer_option, mask_sides

    integer_option(request, "size", least=8)
    sides = [side for side in mask_sides(request) if side]
    tables = [side.train.where for side in sides if side.train.where.is_file()]
    pairs = [pair for side in sides for half in (side.train, side.test) for pair in half.inputs]
    return [*tables, *(path for pair in pairs for path in pair)]


def segmentation_tasks() -> list[TaskSpec]:
    """Return the task on one's own images with masks."""
    return [
        TaskSpec(
            name="vision/mask-folder",
            title="Your own images with masks",
            summary="A folder of images, each with a mask that labels every pixel; a second one is the source.",
            source="The folder in task.source, if there is one.",
            target="The folder in task.target.",
            shift="Any difference between the two; the labels stay the same.",
            modality="image",
            kind=SEGMENTATION,
            metric="mean-iou",
            backbone="image/unet-small",
            label_budget=20,
            augment=("crop", "light"),
            augment_strength="none",
            data_from="user",
            requires=("PIL",),
            extra="vision",
            options=(
                Option(
                    name="source",
                    default="",
                    summary="folder with images/ and masks/ whose files have the same names without extension (or "
                    "_mask, _label, _gt behind it); train/ and test/ are outside or inside of both, else a fifth is "
                    "held out by name; or table with the columns file and mask (and split, task.group, task.time). "
                    "Labels are grey values or palette indices. Empty: no source domain",
                ),
                Option(name="target", default="", summary="folder with the same layout and labels"),
                Option(name="size", default=64, summary="width and height that images are scaled to", unit="px"),
                Option(name="grey", default=False, summary="one grey channel instead of RGB"),
                AUGMENT_OPTION,
                *SPLIT_OPTIONS,
            ),
            files=_mask_files,
            load=deferred("tlbench_vision.tasks.mask_folder", "load"),
            labels=deferred("tlbench_vision.tasks.mask_folder", "labels"),
            reader=deferred("tlbench.assets", "image_reader"),
        )
    ]


def segmentation_backbones() -> list[BackboneSpec]:
    """Return the small U-Net."""
    return [
        BackboneSpec(
            name="image/unet-small",
            modality="image",
            title="Small U-Net",
            summary="Convolutions on three scales, down and up, with a label for every pixel; for images of any size.",
            layouts=("map",),
            traits=("batchnorm",),
            recipe={
                "batch_size": 16,
                "source.steps": 300,
                "source.learning_rate": 4e-3,
                "full.steps": 120,
                "full.learning_rate": 1e-3,
                "adversarial.steps": 200,
                "adversarial.learning_rate": 2e-3,
            },
            options=(
                Option(
                    name="width", default=12, summary="features of a pixel; smaller scales have 2 and 4 times as many"
                ),
            ),
            requires=("timm",),
            extra="vision",
            fit=deferred("tlbench_vision.backbones.resnet", "fit"),
            preprocess=deferred("tlbench_vision.preprocess"),
            prepare=deferred("tlbench_vision.backbones.resnet", "prepare"),
            build=deferred("tlbench_vision.backbones.unet", "build"),
            augment=deferred("tlbench.learning", "vary_images"),
            augments_on_device=True,
        )
    ]
