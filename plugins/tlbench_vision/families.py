"""Families of image backbones that are found by name: the checkpoints of others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from tlbench import (
    BackboneFamily,
    BackboneSpec,
    BuildRequest,
    Checkpoint,
    FitRequest,
    MissingDataError,
    Option,
    OwnHead,
    PrepareRequest,
    UnknownNameError,
)
from tlbench_vision import calls

if TYPE_CHECKING:
    from tlbench.data import Columns
    from tlbench.model import Encoder

WEIGHTS = {"weights": ("model.safetensors", "pytorch_model.bin")}
DEPTHS = (20, 32, 44, 56, 110)
PUBLISHED = {20: "resnet20_cifar10/resnet20-12fca82f.th"}
"""Checkpoints of github.com/akamaster/pytorch_resnet_cifar10 below the data root."""
CIFAR: Mapping[str, Any] = {
    "batch_size": 32,
    "source.learning_rate": 1e-3,
    "finetune.steps": 240,
    "finetune.learning_rate": 3e-3,
    "oracle.learning_rate": 3e-3,
}
GENTLE: Mapping[str, Any] = {
    "batch_size": 32,
    "source.learning_rate": 3e-4,
    "finetune.learning_rate": 3e-4,
    "oracle.learning_rate": 3e-4,
}
"""Large pre-trained networks are moved by small steps; nothing was tuned on any task."""
SIZE = Option(name="size", default=0, summary="width and height of the model's images; 0 for its own", unit="px")
MAX_SECONDS = Option(name="max_seconds", default=2.0, summary="longest input; more is cut on both sides", unit="s")


def found(name: str, default: str, options: Mapping[str, Any]) -> Checkpoint:
    """Return the checkpoint that the option `weights` names, `default` where it is empty, none for `random`."""
    from tlbench.checkpoints import find

    chosen = str(options["weights"]) or default
    if not chosen:
        raise MissingDataError(
            f'No weights of "{name}" are published: name a file by --set backbone.weights=FILE, or "random".'
        )
    if chosen == "random":
        return Checkpoint(files={}, origin="random")
    try:
        return find(chosen, WEIGHTS)
    except MissingDataError as error:
        if options["weights"]:
            raise
        raise MissingDataError(
            f"{error} A file is named by --set backbone.weights=FILE; without weights: --set backbone.weights=random."
        ) from error


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
        recipe=CIFAR,
        licence="BSD-2-Clause (published checkpoints)",
        requires=("PIL",),
        extra="vision",
        options=(_weights(PUBLISHED.get(depth, "")),),
        checkpoint=partial(found, f"cifar/{name}", PUBLISHED.get(depth, "")),
        prepare=_prepare_cifar,
        build=partial(_build_cifar, depth),
        own_head=partial(_cifar_head, depth),
        augment=calls.augment,
    )


def _weights(default: str) -> Option:
    summary = 'file of weights, folder or hub name that holds one, or "random"'
    return Option(name="weights", default=default, summary=summary)


def _describe(name: str) -> dict[str, Any]:
    from tlbench_vision.backbones.timm_model import describe

    return describe(name)


def _fit_timm(name: str, request: FitRequest) -> dict[str, Any]:
    from tlbench_vision.backbones.timm_model import fit

    return fit(name, request)


def _prepare_timm(request: PrepareRequest) -> Columns:
    from tlbench_vision.backbones.timm_model import prepare

    return prepare(request)


def _build_timm(name: str, request: BuildRequest) -> Encoder:
    from tlbench_vision.backbones.timm_model import build

    return build(name, request)


def _known(name: str) -> dict[str, Any]:
    """Return what timm says of a model, without importing it where its version has been asked before."""
    from tlbench.checkpoints import remembered

    return remembered(f"timm-{version('timm')}/{name}", partial(_describe, name))


def _find_timm(name: str) -> BackboneSpec:
    known = _known(name)
    return BackboneSpec(
        name=f"timm/{name}",
        modality="image",
        title=f"{name} of timm",
        summary="Its pooled features, with the preprocessing that its weights were trained with.",
        traits=("scales", "batchnorm") if known["batchnorm"] else ("scales",),
        recipe=GENTLE,
        licence=known["licence"],
        requires=("timm",),
        extra="vision",
        options=(_weights(""), SIZE),
        checkpoint=partial(found, f"timm/{name}", known["hub"]),
        fit=partial(_fit_timm, name),
        prepare=_prepare_timm,
        build=partial(_build_timm, name),
        augment=calls.augment,
    )


def _fit_spectrogram(name: str, request: FitRequest) -> dict[str, Any]:
    from tlbench_vision.backbones.spectrogram import fit

    return fit(name, request)


def _prepare_spectrogram(request: PrepareRequest) -> Columns:
    from tlbench_vision.backbones.spectrogram import prepare

    return prepare(request)


def _build_spectrogram(name: str, request: BuildRequest) -> Encoder:
    from tlbench_vision.backbones.spectrogram import build

    return build(name, request)


def _find_spectrogram(name: str) -> BackboneSpec:
    return replace(
        _find_timm(name),
        name=f"spectrogram/{name}",
        modality="audio",
        title=f"{name} of timm on spectrograms",
        summary="A network for images looks at log-mel spectrograms, which torchaudio makes in the served graph.",
        requires=("timm", "torchaudio"),
        extra="all",
        options=(_weights(""), SIZE, MAX_SECONDS),
        fit=partial(_fit_spectrogram, name),
        prepare=_prepare_spectrogram,
        build=partial(_build_spectrogram, name),
        augment=None,
    )


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
        ),
        BackboneFamily(
            name="timm",
            modality="image",
            title="Models of timm",
            summary="timm/NAME for each model that timm knows, with a tag too: timm/resnet50, timm/resnet50.a1_in1k.",
            find=_find_timm,
            requires=("timm",),
            extra="vision",
        ),
        BackboneFamily(
            name="spectrogram",
            modality="audio",
            title="Models of timm on spectrograms",
            summary="spectrogram/NAME for each model that timm knows: from images to sounds.",
            find=_find_spectrogram,
            requires=("timm", "torchaudio"),
            extra="all",
        ),
    ]
