"""The functions that several image backbones share; each imports what it needs when it is called."""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING, Any

from tlbench import AugmentRequest, FitRequest, PrepareRequest

if TYPE_CHECKING:
    import torch

    from tlbench.learning import Columns


def fit(request: FitRequest) -> dict[str, Any]:
    """Return the shape of the images, and their channels' mean and spread."""
    from tlbench_vision.backbones.resnet import fit

    return fit(request)


def preprocess() -> ModuleType:
    """Return the module that prepares an image with numpy alone."""
    from tlbench_vision import preprocess

    return preprocess


def prepare(request: PrepareRequest) -> Columns:
    """Return images `(N, C, H, W)` uint8."""
    from tlbench_vision.backbones.resnet import prepare

    return prepare(request)


def augment(request: AugmentRequest) -> tuple[torch.Tensor, ...]:
    """Return the images varied, as the small networks' are."""
    from tlbench_vision.augment import augment as vary

    return vary(request)
