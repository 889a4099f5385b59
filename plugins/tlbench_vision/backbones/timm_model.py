"""Any model of timm as an encoder: its own preprocessing, its pooled features before the classifier.

timm names a model by its architecture, `resnet50.a1_in1k`, or by the folder of one that it saved, `local-dir:FOLDER`.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import timm
import torch
from timm.data.config import resolve_data_config
from timm.models import get_pretrained_cfg, save_for_hf
from timm.models._hub import load_model_config_from_path
from timm.models._manipulate import adapt_input_conv
from torch import Tensor, nn

from tlbench import (
    BadInputError,
    BuildRequest,
    Coverage,
    FitRequest,
    PrepareRequest,
    SaveRequest,
    UnknownNameError,
    UsageError,
)
from tlbench.assets import load_into, log_once, read_weights, reading_weights, strip_prefix
from tlbench.learning import Columns, Encoder, prepare_each
from tlbench_vision.backbones.pixels import Normalise
from tlbench_vision.photo import preprocessor

LARGEST_CELL = 16
"""Pixels, in width and height, of the cells for detection: those of 32 pixels hide small things."""


def architectures() -> dict[str, Any]:
    """Return the names that timm knows, as JSON."""
    return {"names": [*timm.list_models(), *timm.list_pretrained()]}


def describe(name: str) -> dict[str, Any]:
    """Return what a plan asks of a model: where its weights are published, whether it has BatchNorm.

    Raises `UnknownNameError` for a name that timm does not know.
    """
    architecture, _, tag = name.partition(".")
    if not timm.is_model(architecture) or (tag and name not in timm.list_pretrained()):
        known = timm.list_pretrained() if tag else timm.list_models()
        raise UnknownNameError("backbone", f"timm/{name}", [f"timm/{one}" for one in known])
    published = pretrained_config(name)
    return {
        "hub": published.get("hf_hub_id") or "",
        "licence": published.get("license") or "",
        "batchnorm": _has_batchnorm(name),
    }


def describe_saved(folder: Path) -> dict[str, Any]:
    """Return what a plan asks of a model that timm saved. Raises `BadInputError` where no config.json of timm's is."""
    try:
        _, architecture, _ = load_model_config_from_path(folder)
        return {"architecture": architecture, "batchnorm": _has_batchnorm(f"local-dir:{folder}")}
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise BadInputError(
            f'The config.json of "{folder.name}" has no architecture of timm: use a folder that timm saved.'
        ) from error


def _has_batchnorm(source: str) -> bool:
    with torch.device("meta"):
        model = timm.create_model(source)
    return any(isinstance(part, nn.modules.batchnorm._BatchNorm) for part in model.modules())


def pretrained_config(source: str) -> dict[str, Any]:
    """Return what timm keeps beside weights: their input size and normalisation, the classifier's name and more."""
    kind, _, folder = source.partition(":")
    if kind == "local-dir":
        saved: dict[str, Any] = load_model_config_from_path(folder)[0]
        return saved
    published = get_pretrained_cfg(source)
    return dict(vars(published)) if published else {}


def source_of(name: str, files: Mapping[str, Path]) -> str:
    """Return timm's name of a model: the folder of one that was saved, else its architecture."""
    return f"local-dir:{files['config'].parent}" if "config" in files else name


def data_config(source: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the size, resizing and normalisation that a model was trained with; the option `size` changes the size."""
    config: dict[str, Any] = resolve_data_config(  # type: ignore[no-untyped-call]
        pretrained_cfg=pretrained_config(source)
    )
    if size := int(options["size"]):
        config["input_size"] = (3, size, size)
    return config


def fit(name: str, request: FitRequest) -> dict[str, Any]:
    """Return the model's data config."""
    return data_config(source_of(name, request.files), request.options)


def prepare(request: PrepareRequest) -> Columns:
    """Return images `(N, 3, H, W)` uint8, resized and cropped as for the model's own evaluation."""
    (images,) = prepare_each(preprocessor, request)
    return (np.stack(images),)


def build(name: str, request: BuildRequest) -> Encoder:
    """Return the encoder, with the checkpoint's weights where the request has them."""
    model, coverage = create(name, request)
    encoder = (TimmCells if request.layout == "cells" else TimmEncoder)(model, request.fitted)
    encoder.coverage = coverage
    return encoder


def create(name: str, request: BuildRequest) -> tuple[nn.Module, Coverage | None]:
    """Return a model of timm without its classifier, and how much of it a checkpoint gave that fits only in part."""
    source = source_of(name, request.files)
    known, wanted = pretrained_config(source), int(request.options["size"])
    size: dict[str, Any] = {"img_size": wanted} if known.get("fixed_input_size") and wanted else {}
    model: nn.Module = timm.create_model(source, num_classes=0, **size)
    if "weights" not in request.files:
        return model, None
    state, where = state_for(model, request), request.files["weights"].name
    state = _for_three_channels(state, model.state_dict(), known, where)
    partial = bool(request.options["partial"])
    return model, load_into(model, state, where, without=_classifiers(known), partial=partial)


def state_for(model: nn.Module, request: BuildRequest) -> dict[str, Tensor]:
    """Return the weights of a checkpoint by the names of a model, those of its classifier too."""
    path = request.files["weights"]
    state: Any = strip_prefix(read_weights(path, str(request.options["key"])), model.state_dict())
    # By timm's own convention: weights of other code and positions of another image size are fitted by it.
    if convert := getattr(sys.modules[type(model).__module__], "checkpoint_filter_fn", None):
        with reading_weights(path):
            state = convert(state, model)
    return dict(state)


def _for_three_channels(
    state: dict[str, Tensor], own: Mapping[str, Tensor], known: Mapping[str, Any], where: str
) -> dict[str, Tensor]:
    """Return weights whose first convolutions, made for other images, take three channels, as timm adapts them."""
    adapted = dict(state)
    for name in (f"{part}.weight" for part in names_of(known.get("first_conv"))):
        given, channels = state.get(name), own[name].shape[1] if name in own else 3
        if given is None or given.ndim != 4 or channels != 3 or given.shape[1] == 3:
            continue
        adapted[name] = adapt_input_conv(3, given, base_chans=given.shape[1])
        log_once(
            f'"{where}" is for images of {given.shape[1]} channels: the weights of "{name}" are repeated or cut to 3 '
            f"channels and scaled, as in timm."
        )
    return adapted


def _classifiers(known: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(f"{part}." for part in names_of(known.get("classifier")))


def names_of(value: str | Sequence[str] | None) -> tuple[str, ...]:
    """Return names of which timm keeps one, several or none."""
    return (value,) if isinstance(value, str) else tuple(value or ())


def save(request: SaveRequest) -> None:
    """Write config.json and model.safetensors, without a classifier. Raises `UsageError` for an encoder of cells."""
    encoder = request.encoder
    if isinstance(encoder, TimmCells):
        raise UsageError("timm saves whole models: an encoder of cells lacks the layers behind them.")
    assert isinstance(encoder, TimmEncoder)
    write(encoder.model, request.fitted, request.folder)


def write(model: nn.Module, config: Mapping[str, Any], folder: Path) -> None:
    """Write a model as timm does, with the data config that it was trained with."""
    model.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload] # safetensors takes no other
    # What timm knows of the published weights is not true of these.
    others = {"pretrained_cfg": dict.fromkeys(("tag", "license", "origin_url"))}
    save_for_hf(model, str(folder), model_config=others, safe_serialization=True, data_config=dict(config))


class TimmEncoder(Encoder):
    """uint8 images `(N, 3, H, W)` -> features `(N, D)`."""

    def __init__(self, model: nn.Module, config: Mapping[str, Any]) -> None:
        super().__init__()
        self.normalise = Normalise(config["mean"], config["std"])
        self.model = model
        self.feature_dim = features_of(model)

    def forward(self, images: Tensor) -> Tensor:
        return pooled(self.model, self.normalise(images))


class TimmCells(TimmEncoder):
    """uint8 images `(N, 3, H, W)` -> features `(N, H/16, W/16, D)`, of the last layer whose cells are not larger.

    Raises `UsageError` for a model that gives no features of its layers.
    """

    def __init__(self, model: nn.Module, config: Mapping[str, Any]) -> None:
        super().__init__(model, config)
        layers: Any = getattr(model, "feature_info", ())
        layers = list(getattr(layers, "info", layers))
        fine = [place for place, layer in enumerate(layers) if int(layer["reduction"]) <= LARGEST_CELL]
        pruned: Any = model
        if not fine or not hasattr(model, "forward_intermediates") or not hasattr(model, "prune_intermediate_layers"):
            raise UsageError(
                f"{type(model).__name__} of timm gives no cells of {LARGEST_CELL} x {LARGEST_CELL} pixels: use another "
                f"model, such as timm/resnet18."
            )
        self.place = fine[-1]
        self.feature_dim = int(layers[self.place]["num_chs"])
        # What lies behind the cells would be trained and exported for nothing.
        pruned.prune_intermediate_layers([self.place], prune_norm=True, prune_head=True)

    def forward(self, images: Tensor) -> Tensor:
        model: Any = self.model
        _split_attention(model)
        cells: list[Tensor] = model.forward_intermediates(
            self.normalise(images), indices=[self.place], norm=False, stop_early=True, intermediates_only=True
        )
        return cells[0].permute(0, 2, 3, 1)


def features_of(model: nn.Module) -> int:
    """Return the length of `pooled`."""
    width = model.head_hidden_size
    assert isinstance(width, int)
    return width


def pooled(model: Any, pixels: Tensor) -> Tensor:
    """Return what a model's classifier reads of normalised pixels, `(N, D)`."""
    _split_attention(model)
    features: Tensor = model.forward_head(model.forward_features(pixels), pre_logits=True)
    return features


def _split_attention(model: Any) -> None:
    """Let a model that is exported compute attention in plain products: fused, over windows, it has no form in ONNX."""
    if torch.compiler.is_exporting():
        for part in model.modules():
            if hasattr(part, "fused_attn"):
                part.fused_attn = False
