"""U-Nets of segmentation-models-pytorch: the features of its decoder, for every pixel, on an encoder of timm."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from tlbench import BuildRequest, FitRequest, UsageError
from tlbench.learning import Encoder
from tlbench_vision.backbones import resnet
from tlbench_vision.backbones.pixels import Normalise
from tlbench_vision.backbones.timm_model import create, data_config

STRIDE = 32
"""Pixels, in width and height, of the coarsest cells: images are padded to a multiple of them."""


def fit(name: str, request: FitRequest) -> dict[str, Any]:
    """Return the shape of the images, and the mean and standard deviation that the encoder was trained with."""
    known = data_config(name, {"size": 0})
    return {**resnet.fit(request), "mean": list(known["mean"]), "std": list(known["std"])}


def build(name: str, request: BuildRequest) -> Encoder:
    """Return the encoder; a checkpoint gives the weights of the part of timm, those of the decoder are new.

    Raises `UsageError` for a model of timm that gives no features of five scales, or none of images of this size.
    """
    import segmentation_models_pytorch as smp

    try:
        unet = smp.Unet(f"tu-{name}", encoder_weights=None, in_channels=3, classes=1)
        _try(unet.encoder, request.fitted["shape"][:2])
    except (ValueError, RuntimeError, KeyError, AttributeError, AssertionError) as error:
        raise UsageError(
            f'"{name}" of timm cannot be the encoder of a U-Net ({error}): use one with features of five scales, such '
            f"as smp/resnet18, that takes images of any size."
        ) from error
    encoder = SmpUnet(unet, request.fitted)
    if "weights" in request.files:
        # By way of the whole model, so that the rules for its checkpoints are those of timm/NAME.
        model, encoder.coverage = create(name, replace(request, options={**request.options, "size": 0}))
        _copy(model, unet.encoder.model, name)
    return encoder


def _try(encoder: nn.Module, shape: Sequence[int]) -> None:
    """Encode an image of zeros of the padded shape (height, width); weights, random state and mode stay as they are."""
    height, width = (size + -size % STRIDE for size in shape)
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        encoder.eval()(torch.zeros(1, 3, height, width))
    encoder.train()


def _copy(whole: nn.Module, layers: nn.Module, name: str) -> None:
    """Copy weights into the layers of the same model, whose names may have `_` in place of the first `.`."""
    given, own = whole.state_dict(), layers.state_dict()
    found = {one: given.get(one, given.get(one.replace("_", ".", 1))) for one in own}
    if lacking := [one for one, part in found.items() if part is None or part.shape != own[one].shape]:
        raise UsageError(
            f'Weights of "{name}" cannot be put into the encoder of a U-Net ({lacking[0]}): use random weights, or '
            f"another model, such as smp/resnet18."
        )
    layers.load_state_dict(found)


class SmpUnet(Encoder):
    """uint8 images `(N, C, H, W)`, C 3 or 1 -> features `(N, H, W, 16)`."""

    def __init__(self, unet: Any, fitted: Any) -> None:
        super().__init__()
        self.normalise = Normalise(fitted["mean"], fitted["std"])
        self.encoder, self.decoder = unet.encoder, unet.decoder
        self.feature_dim = 16

    def forward(self, images: Tensor) -> Tensor:
        height, width = images.shape[2:]
        pixels = self.normalise(images.expand(-1, 3, -1, -1))
        padded = functional.pad(pixels, (0, -width % STRIDE, 0, -height % STRIDE), mode="replicate")
        features: Tensor = self.decoder(self.encoder(padded))
        return features[:, :, :height, :width].permute(0, 2, 3, 1)
