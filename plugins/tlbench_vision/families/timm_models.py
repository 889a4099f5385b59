"""`timm/NAME` and `spectrogram/NAME`: NAME is an architecture of timm, a model that was saved, or a folder."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from importlib.metadata import version
from typing import Any

from tlbench import BackboneSpec, Checkpoint, Option, deferred
from tlbench_vision.families.weights import Find, found, weights_options

CONFIG = {"config": "config.json"}
GENTLE: Mapping[str, Any] = {
    "batch_size": 32,
    "source.learning_rate": 3e-4,
    "full.learning_rate": 3e-4,
    "all-labels.learning_rate": 3e-4,
}
"""Large pre-trained networks are moved by small steps; nothing was tuned on any task."""
SIZE = Option(name="size", default=0, summary="width and height of input images; 0: those of the model", unit="px")
MAX_SECONDS = Option(
    name="max_seconds", default=2.0, summary="maximum length; longer inputs are cut on both sides", unit="s"
)
ARCHITECTURES = deferred("tlbench_vision.backbones.timm_model", "architectures")


def _asked(what: str, compute: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Return what timm says, without importing it where its version has been asked before."""
    from tlbench.assets import cached_json

    return cached_json(f"timm-{version('timm')}/{what}", compute)


def described(name: str) -> dict[str, Any]:
    """Return what a plan asks of an architecture of timm. Raises `UnknownNameError` for a name that timm lacks."""
    return _asked(name, partial(deferred("tlbench_vision.backbones.timm_model", "describe"), name))


def find_timm(name: str) -> BackboneSpec:
    """Return the backbone of an architecture; of a folder or a saved model where no architecture has the name."""
    from tlbench.assets import is_local_checkpoint

    if is_local_checkpoint(name) and name not in _asked("architectures", ARCHITECTURES)["names"]:
        return _find_saved(name)
    known = described(name)
    return _timm(
        name,
        title=f"{name} of timm",
        batchnorm=known["batchnorm"],
        licence=known["licence"],
        checkpoint=partial(found, f"timm/{name}", known["hub"]),
    )


def _find_saved(name: str) -> BackboneSpec:
    from tlbench.assets import find_checkpoint

    config = find_checkpoint(name, CONFIG).files["config"]
    content = hashlib.sha256(config.read_bytes()).hexdigest()
    known = _asked(
        f"saved-{content}", partial(deferred("tlbench_vision.backbones.timm_model", "describe_saved"), config.parent)
    )
    shown = config.parent.resolve().name
    title = f"{shown}, a {known['architecture']} of timm"
    return _timm(shown, title, known["batchnorm"], licence="", checkpoint=partial(_saved, name))


def _saved(name: str, options: Mapping[str, Any]) -> Checkpoint:
    """Return the files of a saved model, whose weights the option may still replace."""
    from tlbench.assets import find_checkpoint

    weights = found(f"timm/{name}", name, options)
    return Checkpoint(files={**find_checkpoint(name, CONFIG).files, **weights.files}, origin=weights.origin)


def _timm(name: str, title: str, batchnorm: bool, licence: str, checkpoint: Find) -> BackboneSpec:
    return BackboneSpec(
        name=f"timm/{name}",
        modality="image",
        title=title,
        summary="Pooled features, or cells of at most 16 x 16 pixels, with the preprocessing of its training.",
        layouts=("pooled", "cells"),
        traits=("scales", "batchnorm") if batchnorm else ("scales",),
        recipe=GENTLE,
        licence=licence,
        requires=("timm",),
        extra="vision",
        options=(*weights_options(""), SIZE),
        checkpoint=checkpoint,
        fit=partial(deferred("tlbench_vision.backbones.timm_model", "fit"), name),
        prepare=deferred("tlbench_vision.backbones.timm_model", "prepare"),
        preprocess=deferred("tlbench_vision.photo"),
        build=partial(deferred("tlbench_vision.backbones.timm_model", "build"), name),
        own_head=partial(deferred("tlbench_vision.backbones.imagenet_head", "own_head"), name),
        save=deferred("tlbench_vision.backbones.timm_model", "save"),
        augment=deferred("tlbench.learning", "vary_images"),
        augments_on_device=True,
    )


def find_spectrogram(asked: str) -> BackboneSpec:
    """Return the backbone that `find_timm` does, as one for sound."""
    model = find_timm(asked)
    name = model.name.removeprefix("timm/")
    return replace(
        model,
        name=f"spectrogram/{name}",
        modality="audio",
        layouts=("pooled",),
        title=f"{model.title} on spectrograms",
        summary="An image model applied to log-mel spectrograms, which are part of the exported graph.",
        requires=("timm", "torchaudio"),
        extra="all",
        options=(*weights_options(""), SIZE, MAX_SECONDS),
        fit=partial(deferred("tlbench_vision.backbones.spectrogram", "fit"), name),
        prepare=deferred("tlbench_vision.backbones.spectrogram", "prepare"),
        preprocess=None,
        own_head=None,
        build=partial(deferred("tlbench_vision.backbones.spectrogram", "build"), name),
        save=deferred("tlbench_vision.backbones.spectrogram", "save"),
        augment=deferred("tlbench_vision.backbones.spectrogram", "augment"),
        augments_on_device=False,
    )
