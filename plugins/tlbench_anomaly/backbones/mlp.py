"""A multi-layer perceptron over rows of numbers; its hidden layers are batch-normalised, its features are not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from tlbench import Array, BadInputError, BuildRequest, FitRequest, PrepareRequest
from tlbench.learning import Columns, Encoder, prepare_each, standardise_lost
from tlbench_anomaly.preprocess import preprocessor

CLAMP = 6.0
"""Standard deviations of the source at which a value is cut."""


def fit(request: FitRequest) -> dict[str, Any]:
    """Return mean and standard deviation of each column's finite values, and what makes it fit into float32."""
    rows = _rows(request.inputs)
    narrow = standardise_lost(rows)
    scaled = ((rows - narrow["shift"]) / narrow["unit"]).astype(np.float32)
    values = np.ma.masked_invalid(scaled.astype(np.float64))
    mean, std = values.mean(0).filled(0.0), values.std(0).filled(0.0)
    # Rounding noise of a constant column must not be blown up to unit variance.
    std = np.where(std > 1e-7 * np.abs(mean), std, 1.0)
    return {"mean": mean.tolist(), "std": std.tolist(), **narrow}


def prepare(request: PrepareRequest) -> Columns:
    """Return rows `(N, F)` float32; the column's source mean stands for what is missing (NaN)."""
    (rows,) = prepare_each(preprocessor, request)
    return (np.stack(rows),)


def _rows(inputs: Iterable[Any]) -> Array:
    rows = [np.asarray(row, np.float64) for row in inputs]
    shapes = sorted({row.shape for row in rows})
    if len(shapes) > 1 or len(shapes[0]) != 1:
        found = ", ".join(map(str, shapes[:3]))
        raise BadInputError(f'Invalid rows {found} for "tabular/mlp": expected the same columns in every row, (F,).')
    return np.stack(rows)


def build(request: BuildRequest) -> Encoder:
    """Return the encoder."""
    return TabularMlp(request.fitted, width=int(request.options["width"]))


class TabularMlp(Encoder):
    """Rows `(N, F)` -> features `(N, width / 2)`."""

    mean: Tensor
    std: Tensor

    def __init__(self, fitted: Mapping[str, Any], width: int) -> None:
        super().__init__()
        self.feature_dim = width // 2
        self.register_buffer("mean", torch.tensor(fitted["mean"], dtype=torch.float32))
        self.register_buffer("std", torch.tensor(fitted["std"], dtype=torch.float32))
        self.layers = nn.Sequential(
            *_hidden(len(fitted["mean"]), width), *_hidden(width, width), nn.Linear(width, self.feature_dim), nn.ReLU()
        )

    def forward(self, rows: Tensor) -> Tensor:
        features: Tensor = self.layers(((rows - self.mean) / self.std).clamp(-CLAMP, CLAMP))
        return features


def _hidden(inputs: int, outputs: int) -> tuple[nn.Module, ...]:
    return nn.Linear(inputs, outputs), nn.BatchNorm1d(outputs), nn.ReLU()
