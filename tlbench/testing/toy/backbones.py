"""Encoders of a few hundred parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from tlbench import Array, AugmentRequest, BuildRequest, FitRequest, LabelsRequest, PrepareRequest
from tlbench.learning import Columns, Encoder, Ragged

UNKNOWN = 1
"""Id of a word that the source never showed; 0 is padding."""


def fit_rows(request: FitRequest) -> dict[str, Any]:
    """Return mean and standard deviation of each feature."""
    rows = np.stack(list(request.inputs))
    return {"mean": rows.mean(0).tolist(), "std": rows.std(0).tolist()}


def prepare_rows(request: PrepareRequest) -> Columns:
    """Return rows `(N, F)` float32."""
    return (np.stack(list(request.inputs)).astype(np.float32),)


def jitter(request: AugmentRequest) -> tuple[Tensor, ...]:
    """Add a little noise, or ten times as much."""
    (rows,) = request.inputs
    size = 0.5 if request.strength == "strong" else 0.05
    return (rows + size * torch.randn(rows.shape, generator=request.generator),)


def build_mlp(request: BuildRequest, batchnorm: bool) -> Encoder:
    """Return the perceptron, normalised or not."""
    return Mlp(request.fitted, int(request.options["hidden"]), batchnorm)


class Mlp(Encoder):
    """Rows `(N, F)` -> features `(N, hidden)`."""

    mean: Tensor
    std: Tensor

    def __init__(self, fitted: Mapping[str, Any], hidden: int, batchnorm: bool) -> None:
        super().__init__()
        self.feature_dim = hidden
        self.register_buffer("mean", torch.tensor(fitted["mean"], dtype=torch.float32))
        self.register_buffer("std", torch.tensor(fitted["std"], dtype=torch.float32))
        norm = nn.BatchNorm1d(hidden) if batchnorm else nn.Identity()
        self.layers = nn.Sequential(nn.Linear(len(fitted["mean"]), hidden), norm, nn.ReLU())

    def forward(self, rows: Tensor) -> Tensor:
        features: Tensor = self.layers((rows - self.mean) / self.std)
        return features


def fit_words(request: FitRequest) -> dict[str, Any]:
    """Return the words of the source."""
    return {"vocabulary": sorted({word for sentence in request.inputs for word in sentence})}


def prepare_words(request: PrepareRequest) -> Columns:
    """Return word ids, int32, ragged."""
    ids = {word: position + UNKNOWN + 1 for position, word in enumerate(request.fitted["vocabulary"])}
    return (Ragged.of([[ids.get(word, UNKNOWN) for word in sentence] for sentence in request.inputs]),)


def build_window(request: BuildRequest) -> Encoder:
    """Return the window over the source's words."""
    return Window(request.fitted["vocabulary"])


def encode_names(request: LabelsRequest) -> Array:
    """Return the mean feature of the words of each name, `(C, 16)`."""
    sentences = [name.split() for name in request.names]
    (ids,) = prepare_words(
        PrepareRequest(inputs=sentences, fitted=request.fitted, layout=request.layout, options=request.options)
    )
    assert isinstance(ids, Ragged)
    device = next(request.encoder.parameters()).device
    with torch.no_grad():
        features = [request.encoder(torch.from_numpy(row)[None].to(device))[0].mean(0) for row in ids.split()]
    return torch.stack(features).cpu().numpy()


class Window(Encoder):
    """Word ids `(N, T)` -> features `(N, T, 16)` of each word and its neighbours."""

    feature_dim = 16

    def __init__(self, words: Sequence[str]) -> None:
        super().__init__()
        self.token_texts = ("", "unknown", *words)
        self.embedding = nn.Embedding(len(self.token_texts), 12, padding_idx=0)
        self.window = nn.Conv1d(12, self.feature_dim, 3, padding=1)

    def forward(self, ids: Tensor) -> Tensor:
        embedded: Tensor = self.embedding(ids.long()).transpose(1, 2)
        return torch.relu(self.window(embedded)).transpose(1, 2)

    def units(self, *inputs: Tensor) -> Tensor | None:
        return inputs[0] > 0
