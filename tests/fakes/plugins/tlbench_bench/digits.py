"""The task and the encoder of the benchmarks."""

from __future__ import annotations

from typing import Any

import numpy as np
import timm
from sklearn.datasets import load_digits
from torch import Tensor

from tlbench import BuildRequest, LoadRequest, PrepareRequest, Side, Split, TaskData
from tlbench.learning import Columns, Encoder

LABELS = tuple("0123456789")
TRAIN = 1437


def load(request: LoadRequest) -> TaskData:
    """Return mirrored negatives as the source and the digits themselves as the target."""
    digits = load_digits()
    grey = (digits.images * (255 / 16)).round().astype(np.uint8).repeat(4, 1).repeat(4, 2)
    images = np.repeat(grey[..., None], 3, axis=3)
    order = np.random.default_rng(0).permutation(len(images))
    return TaskData(
        source=_side(255 - images[:, :, ::-1], digits.target, order), target=_side(images, digits.target, order)
    )


def _side(images: Any, labels: Any, order: Any) -> Side:
    parts = [Split(inputs=images[part], labels=labels[part]) for part in (order[:TRAIN], order[TRAIN:])]
    return Side(labels=LABELS, train=parts[0], test=parts[1])


def prepare(request: PrepareRequest) -> Columns:
    """Return images `(N, 3, 32, 32)` uint8."""
    return (np.ascontiguousarray(np.stack(list(request.inputs)).transpose(0, 3, 1, 2)),)


def build(request: BuildRequest) -> Encoder:
    """Return the encoder."""
    return ResNet18()


class ResNet18(Encoder):
    """uint8 images `(N, 3, H, W)` -> features `(N, 512)`."""

    feature_dim = 512

    def __init__(self) -> None:
        super().__init__()
        # The zero gains that timm starts residual branches with would fold away in the ONNX file.
        self.network = timm.create_model("resnet18", num_classes=0, zero_init_last=False)

    def forward(self, images: Tensor) -> Tensor:
        features: Tensor = self.network(images.float() / 255 - 0.5)
        return features
