"""A small convolutional network over time series, after the FCN of Wang, Yan & Oates 2017 (arXiv:1611.06455)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from tlbench import BuildRequest, FitRequest, PrepareRequest
from tlbench.learning import Columns, Encoder, as_bad_input, prepare_each, standardise_lost
from tlbench_robotics.preprocess import preprocessor, series

CLAMP = 6.0
"""Standard deviations of the source at which a value is cut."""


def fit(request: FitRequest) -> dict[str, Any]:
    """Return the longest series' length, mean and standard deviation of each channel's finite values, and what makes
    them fit into float32.
    """
    with as_bad_input():
        channels = series(request.inputs[0]).shape[1]
        examples = [series(example, channels) for example in request.inputs]
    steps = np.concatenate(examples)
    narrow = standardise_lost(steps)
    scaled = ((steps - narrow["shift"]) / narrow["unit"]).astype(np.float32)
    values = np.ma.masked_invalid(scaled.astype(np.float64))
    mean, std = values.mean(0).filled(0.0), values.std(0).filled(0.0)
    # Rounding noise of a constant channel must not be blown up to unit variance.
    std = np.where(std > 1e-7 * np.abs(mean), std, 1.0)
    return {"length": max(map(len, examples)), "mean": mean.tolist(), "std": std.tolist(), **narrow}


def prepare(request: PrepareRequest) -> Columns:
    """Return series `(N, C, T)` float32, T the source's longest: a longer one is cut, a shorter one filled."""
    (columns,) = prepare_each(preprocessor, request)
    return (np.stack(columns),)


def build(request: BuildRequest) -> Encoder:
    """Return the encoder."""
    return SeriesCnn(request.fitted, width=int(request.options["width"]))


class SeriesCnn(Encoder):
    """Series `(N, C, T)` -> features `(N, 4 * width)`: mean and maximum over time of the last layer."""

    mean: Tensor
    std: Tensor

    def __init__(self, fitted: Mapping[str, Any], width: int) -> None:
        super().__init__()
        self.feature_dim = 4 * width
        self.register_buffer("mean", torch.tensor(fitted["mean"], dtype=torch.float32).view(1, -1, 1))
        self.register_buffer("std", torch.tensor(fitted["std"], dtype=torch.float32).view(1, -1, 1))
        self.layers = nn.Sequential(
            *_layer(len(fitted["mean"]), width, 7), *_layer(width, 2 * width, 5), *_layer(2 * width, 2 * width, 3)
        )

    def forward(self, series: Tensor) -> Tensor:
        states = self.layers(((series - self.mean) / self.std).clamp(-CLAMP, CLAMP))
        return torch.cat([states.mean(2), states.amax(2)], 1)


def _layer(inputs: int, outputs: int, kernel: int) -> tuple[nn.Module, ...]:
    convolution = nn.Conv1d(inputs, outputs, kernel, stride=2, padding=kernel // 2, bias=False)
    return convolution, nn.BatchNorm1d(outputs), nn.ReLU()
