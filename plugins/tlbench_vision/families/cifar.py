"""`cifar/resnetN`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from tlbench import BackboneSpec, UnknownNameError, deferred
from tlbench_vision.families.weights import found, weights_options

DEPTHS = (20, 32, 44, 56, 110)
PUBLISHED = {20: "resnet20_cifar10/resnet20-12fca82f.th"}
"""Checkpoints of github.com/akamaster/pytorch_resnet_cifar10 below the data root."""
CIFAR: Mapping[str, Any] = {
    "batch_size": 32,
    "source.learning_rate": 1e-3,
    "full.steps": 240,
    "full.learning_rate": 3e-3,
    "all-labels.learning_rate": 3e-3,
}


def find_cifar(name: str) -> BackboneSpec:
    """Return the network of a depth. Raises `UnknownNameError`."""
    known = {f"resnet{depth}": depth for depth in DEPTHS}
    if name not in known:
        raise UnknownNameError("backbone", f"cifar/{name}", [f"cifar/{one}" for one in known])
    depth = known[name]
    return BackboneSpec(
        name=f"cifar/{name}",
        modality="image",
        title=f"ResNet-{depth} for CIFAR",
        summary=f"{depth} layers for images of 32 x 32 pixels; published checkpoints are trained on CIFAR-10.",
        traits=("batchnorm",),
        recipe=CIFAR,
        licence="BSD-2-Clause (published checkpoints)",
        requires=("PIL",),
        extra="vision",
        options=weights_options(PUBLISHED.get(depth, "")),
        checkpoint=partial(found, f"cifar/{name}", PUBLISHED.get(depth, "")),
        prepare=deferred("tlbench_vision.backbones.cifar", "prepare"),
        preprocess=deferred("tlbench_vision.small_photo"),
        build=partial(deferred("tlbench_vision.backbones.cifar", "build"), depth),
        own_head=partial(deferred("tlbench_vision.backbones.cifar", "own_head"), depth),
        save=deferred("tlbench_vision.backbones.cifar", "save"),
        augment=deferred("tlbench.learning", "vary_images"),
        augments_on_device=True,
    )
