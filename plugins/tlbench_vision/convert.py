"""Published checkpoints of other libraries -> folders that timm reads: `tlbench fetch` calls these functions."""

from __future__ import annotations

from pathlib import Path

import timm
from timm.data.config import resolve_data_config
from torch import nn

from tlbench import BadInputError
from tlbench.assets import check_finite_weights, read_weights
from tlbench_vision.backbones.timm_model import write


def efficientnet_lite0(source: Path, folder: Path) -> None:
    """Write EfficientNet-Lite0 with its classifier of ImageNet."""
    _write(source, folder, timm.create_model("tf_efficientnet_lite0"))


def mobilenet_v2(source: Path, folder: Path) -> None:
    """Write MobileNetV2, which is published without a classifier."""
    _write(source, folder, timm.create_model("mobilenetv2_100", num_classes=0))


def _write(source: Path, folder: Path, model: nn.Module) -> None:
    """Write a model of timm with the weights in the only file of a folder."""
    fill_in_order(model, next(source.iterdir()))
    config = resolve_data_config(model=model)  # type: ignore[no-untyped-call]
    write(model, config, folder)


def fill_in_order(model: nn.Module, path: Path) -> None:
    """Load weights whose names differ from the model's, but whose order and shapes are the same.

    Raises `BadInputError` if a weight is lacking, left over or of another shape.
    """
    state, wanted = read_weights(path), model.state_dict()
    shapes, expected = ([tuple(part.shape) for part in weights.values()] for weights in (state, wanted))
    if shapes != expected:
        raise BadInputError(
            f'"{path.name}" does not fit: it has {len(shapes)} weights and the model {len(expected)}, or their shapes '
            f"differ. Download it again."
        )
    check_finite_weights(state, path.name)
    model.load_state_dict(dict(zip(wanted, state.values(), strict=True)))
