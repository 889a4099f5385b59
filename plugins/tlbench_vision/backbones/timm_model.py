"""Any model of timm as an encoder: its own preprocessing, its pooled features before the classifier."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import numpy as np
import timm
import torch
from timm.data.config import resolve_data_config
from timm.data.transforms_factory import create_transform
from timm.models import get_pretrained_cfg
from torch import Tensor, nn

from tlbench import BuildRequest, FitRequest, PrepareRequest, UnknownNameError
from tlbench.checkpoints import common_prefix, load_into, read_weights
from tlbench.data import Columns
from tlbench.model import Encoder
from tlbench_vision.backbones.pixels import Normalise, rgb


def describe(name: str) -> dict[str, Any]:
    """Return what a plan asks of a model: where its weights are published, whether it has BatchNorm.

    Raises `UnknownNameError` for a name that timm does not know.
    """
    architecture, _, tag = name.partition(".")
    if not timm.is_model(architecture) or (tag and name not in timm.list_pretrained()):
        known = timm.list_pretrained() if tag else timm.list_models()
        raise UnknownNameError("backbone", f"timm/{name}", [f"timm/{one}" for one in known])
    with torch.device("meta"):
        model = timm.create_model(name)
    published = get_pretrained_cfg(name)
    return {
        "hub": (published and published.hf_hub_id) or "",
        "licence": (published and published.license) or "",
        "batchnorm": any(isinstance(part, nn.modules.batchnorm._BatchNorm) for part in model.modules()),
    }


def data_config(name: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the size, resizing and normalisation that a model was trained with; the option `size` changes the size."""
    published = get_pretrained_cfg(name)
    config: dict[str, Any] = resolve_data_config(  # type: ignore[no-untyped-call]
        pretrained_cfg=vars(published) if published else {}
    )
    if size := int(options["size"]):
        config["input_size"] = (3, size, size)
    return config


def fit(name: str, request: FitRequest) -> dict[str, Any]:
    """Return the model's data config."""
    return data_config(name, request.options)


def prepare(request: PrepareRequest) -> Columns:
    """Return images `(N, 3, H, W)` uint8, resized and cropped as for the model's own evaluation."""
    # For a prefetcher, which normalises later, as the encoder does.
    transform = create_transform(**request.fitted, use_prefetcher=True)
    return (np.stack([transform(rgb(image)) for image in request.inputs]),)


def build(name: str, request: BuildRequest) -> Encoder:
    """Return the encoder, with the checkpoint's weights where the request has them."""
    return TimmEncoder(create(name, request), request.fitted)


def create(name: str, request: BuildRequest) -> nn.Module:
    """Return a model of timm without its classifier."""
    size: dict[str, Any] = (
        {"img_size": int(request.options["size"])} if _fixed(name) and request.options["size"] else {}
    )
    model: nn.Module = timm.create_model(name, num_classes=0, **size)
    if "weights" in request.files:
        state: Any = read_weights(request.files["weights"])
        prefix = common_prefix(state, model.state_dict())
        state = {key.removeprefix(prefix): part for key, part in state.items()}
        # By timm's own convention: weights of other code and positions of another image size are fitted by it.
        if convert := getattr(sys.modules[type(model).__module__], "checkpoint_filter_fn", None):
            state = convert(state, model)
        load_into(model, state, f"timm/{name}", without=_classifiers(name))
    return model


def _fixed(name: str) -> bool:
    """Return whether a model is made for one image size."""
    published = get_pretrained_cfg(name)
    return bool(published and published.fixed_input_size)


def _classifiers(name: str) -> tuple[str, ...]:
    published = get_pretrained_cfg(name)
    names = (published and published.classifier) or ()
    return tuple(f"{part}." for part in ((names,) if isinstance(names, str) else names))


class TimmEncoder(Encoder):
    """uint8 images `(N, 3, H, W)` -> features `(N, D)`."""

    def __init__(self, model: nn.Module, config: Mapping[str, Any]) -> None:
        super().__init__()
        self.normalise = Normalise(config["mean"], config["std"])
        self.model = model
        self.feature_dim = features_of(model)

    def forward(self, images: Tensor) -> Tensor:
        return pooled(self.model, self.normalise(images))


def features_of(model: nn.Module) -> int:
    """Return the length of `pooled`."""
    width = model.head_hidden_size
    assert isinstance(width, int)
    return width


def pooled(model: Any, pixels: Tensor) -> Tensor:
    """Return what a model's classifier reads of normalised pixels, `(N, D)`."""
    if torch.compiler.is_exporting():
        for part in model.modules():
            # Fused attention over windows has no form in ONNX; that of plain products, as timm has it too, is the same.
            if hasattr(part, "fused_attn"):
                part.fused_attn = False
    features: Tensor = model.forward_head(model.forward_features(pixels), pre_logits=True)
    return features
