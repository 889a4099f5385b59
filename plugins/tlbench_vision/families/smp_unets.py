"""`smp/NAME`: U-Nets on encoders of timm."""

from __future__ import annotations

from functools import partial

from tlbench import BackboneSpec, UnknownNameError, deferred
from tlbench_vision.families.timm_models import GENTLE, described
from tlbench_vision.families.weights import found, weights_options


def find_smp(name: str) -> BackboneSpec:
    """Return the U-Net on an architecture of timm. Raises `UnknownNameError` for another name."""
    try:
        known = described(name)
    except UnknownNameError as error:
        raise UnknownNameError("backbone", f"smp/{name}", [f"smp/{name}"]) from error
    return BackboneSpec(
        name=f"smp/{name}",
        modality="image",
        title=f"U-Net on {name} of timm",
        summary="Features of every pixel by the decoder of segmentation-models-pytorch, which always starts at random.",
        layouts=("map",),
        traits=("batchnorm",),
        recipe={**GENTLE, "batch_size": 16, "source.learning_rate": 1e-3, "full.learning_rate": 1e-3},
        licence=known["licence"],
        requires=("timm", "segmentation_models_pytorch"),
        extra="medical",
        options=weights_options(""),
        checkpoint=partial(found, f"smp/{name}", known["hub"]),
        fit=partial(deferred("tlbench_vision.backbones.smp_unet", "fit"), name),
        prepare=deferred("tlbench_vision.backbones.resnet", "prepare"),
        preprocess=deferred("tlbench_vision.preprocess"),
        build=partial(deferred("tlbench_vision.backbones.smp_unet", "build"), name),
        augment=deferred("tlbench.learning", "vary_images"),
        augments_on_device=True,
    )
