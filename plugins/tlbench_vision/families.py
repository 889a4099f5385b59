"""Families of image backbones that are found by name: the checkpoints of others."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from tlbench import (
    AugmentRequest,
    BackboneFamily,
    BackboneSpec,
    BuildRequest,
    Checkpoint,
    MissingDataError,
    Option,
    OwnHead,
    PrepareRequest,
    UnknownNameError,
)

if TYPE_CHECKING:
    import torch

    from tlbench.data import Columns
    from tlbench.model import Encoder

WEIGHTS = {"weights": ("model.safetensors", "pytorch_model.bin")}
DEPTHS = (20, 32, 44, 56, 110)
PUBLISHED = {20: "resnet20_cifar10/resnet20-12fca82f.th"}
"""Checkpoints of github.com/akamaster/pytorch_resnet_cifar10 below the data root."""
GENTLE: Mapping[str, Any] = {"source.learning_rate": 1e-3, "finetune.learning_rate": 1e-3, "batch_size": 32}
"""A pre-trained encoder is moved by smaller steps than one that starts at random."""


def augment(request: AugmentRequest) -> tuple[torch.Tensor, ...]:
    """Return the images varied, as the small networks' are."""
    from tlbench_vision.augment import augment as vary

    return vary(request)


def found(name: str, default: str, options: Mapping[str, Any]) -> Checkpoint:
    """Return the checkpoint that the option `weights` names, `default` where it is empty, none for `random`."""
    from tlbench.checkpoints import find

    chosen = str(options["weights"]) or default
    if not chosen:
        raise MissingDataError(
            f'No weights of "{name}" are published: name a file by --set backbone.weights=FILE, or "random".'
        )
    return Checkpoint(files={}, origin="random") if chosen == "random" else find(chosen, WEIGHTS)


def _prepare_cifar(request: PrepareRequest) -> Columns:
    from tlbench_vision.backbones.cifar import prepare

    return prepare(request)


def _build_cifar(depth: int, request: BuildRequest) -> Encoder:
    from tlbench_vision.backbones.cifar import build

    return build(depth, request)


def _cifar_head(depth: int, request: BuildRequest) -> OwnHead:
    from tlbench_vision.backbones.cifar import own_head

    return own_head(depth, request)


def _find_cifar(name: str) -> BackboneSpec:
    known = {f"resnet{depth}": depth for depth in DEPTHS}
    if name not in known:
        raise UnknownNameError("backbone", f"cifar/{name}", [f"cifar/{one}" for one in known])
    depth = known[name]
    return BackboneSpec(
        name=f"cifar/{name}",
        modality="image",
        title=f"ResNet-{depth} for CIFAR",
        summary=f"{depth} layers for images of 32 x 32 pixels; the published checkpoints know the classes of CIFAR-10.",
        traits=("batchnorm",),
        recipe=GENTLE,
        licence="BSD-2-Clause (published checkpoints)",
        requires=("PIL",),
        extra="vision",
        options=(_weights(PUBLISHED.get(depth, "")),),
        checkpoint=partial(found, f"cifar/{name}", PUBLISHED.get(depth, "")),
        prepare=_prepare_cifar,
        build=partial(_build_cifar, depth),
        own_head=partial(_cifar_head, depth),
        augment=augment,
    )


def _weights(default: str) -> Option:
    summary = 'file of weights, folder or hub name that holds one, or "random"'
    return Option(name="weights", default=default, summary=summary)


def families() -> list[BackboneFamily]:
    """Return the families."""
    return [
        BackboneFamily(
            name="cifar",
            modality="image",
            title="ResNets for CIFAR",
            summary=f"cifar/resnetN, N one of {', '.join(map(str, DEPTHS))}: for images of 32 x 32 pixels.",
            find=_find_cifar,
            requires=("PIL",),
            extra="vision",
        )
    ]
