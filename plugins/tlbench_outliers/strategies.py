"""Scores of an exported model that grow with the distance from normal examples, on the features of a frozen encoder."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from tlbench import Array, NotApplicable
from tlbench.learning import AdaptRequest, Distance, TransferModel, encode

H = TypeVar("H", bound=nn.Module)


def centroid_distance(request: AdaptRequest) -> TransferModel:
    """Score |(f - mean) / deviation|^2."""
    mean, deviation = moments(normal_features(request), bool(request.options["standardise"]))
    head_of(request.model, Distance).place(mean, np.diag(1 / deviation))
    return request.model


def pca_reconstruction(request: AdaptRequest) -> TransferModel:
    """Score |z - V V' z|^2 with z = (f - mean) / deviation.

    The columns of V are the first principal components of normal features, as many as hold the part `variance`.
    """
    from sklearn.decomposition import PCA

    features = normal_features(request)
    mean, deviation = moments(features, bool(request.options["standardise"]))
    standard = (features - mean) / deviation
    if not standard.any():
        raise NotApplicable("Features of normal examples do not vary: they have no principal components.")
    components = PCA(float(request.options["variance"]), svd_solver="full").fit(standard).components_
    outside = np.eye(len(mean)) - components.T @ components
    head_of(request.model, Distance).place(mean, outside / deviation[:, None])
    return request.model


def nearest_neighbours(request: AdaptRequest) -> TransferModel:
    """Score the mean of |z - z_i|^2 over the k nearest z_i of normal examples, z = (f - mean) / deviation.

    If there are more normal examples than the bank holds, it holds a random part of them.
    """
    features = normal_features(request)
    mean, deviation = moments(features, bool(request.options["standardise"]))
    head = head_of(request.model, Nearest)
    if len(features) < head.neighbours:
        raise NotApplicable(f"{len(features)} normal examples are fewer than the {head.neighbours} neighbours.")
    kept = torch.randperm(len(features), generator=request.generator)[: len(head.bank)].sort().values.numpy()
    head.fill(features[kept], mean, deviation)
    return request.model


class Nearest(nn.Module):
    """Features `(..., D)` -> `(..., 2)`: 0, and the mean squared distance to the nearest rows of a bank."""

    absent: Tensor
    """`(B,)`: 0 for rows that hold an example, else a distance beyond all others."""
    mean: Tensor
    """`(D,)`."""
    deviation: Tensor
    """`(D,)`."""

    def __init__(self, features: int, size: int, neighbours: int) -> None:
        super().__init__()
        self.neighbours = neighbours
        self.bank = nn.Parameter(torch.zeros(size, features), requires_grad=False)  # (B, D) in units of the deviation
        self.register_buffer("absent", torch.zeros(size))
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("deviation", torch.ones(features))

    def forward(self, features: Tensor) -> Tensor:
        standard = (features - self.mean) / self.deviation
        distances = standard.square().sum(-1, keepdim=True) - 2 * standard @ self.bank.T + self.bank.square().sum(1)
        nearest = (distances.clamp(min=0) + self.absent).topk(self.neighbours, largest=False).values
        score = nearest.mean(-1, keepdim=True)
        return torch.cat([torch.zeros_like(score), score], -1)

    @torch.no_grad()
    def fill(self, features: Array, mean: Array, deviation: Array) -> None:
        """Put at most as many features `(M, D)` into the bank as it has rows."""
        standard = torch.from_numpy(((features - mean) / deviation).astype(np.float32))
        self.bank[: len(standard)] = standard
        self.absent[len(standard) :] = 1e30
        self.mean.copy_(torch.from_numpy(mean))
        self.deviation.copy_(torch.from_numpy(deviation))


def with_bank(model: TransferModel, options: Mapping[str, Any]) -> TransferModel:
    """Return the model with a bank of features in place of its head `target`."""
    size = max(int(options["bank"]), int(options["neighbours"]))
    model.heads["target"] = Nearest(model.encoder.feature_dim, size, int(options["neighbours"]))
    return model


def normal_features(request: AdaptRequest) -> Array:
    """Return the features `(M, D)` of the normal examples that a strategy is given, float64."""
    return encode(request.model, request.target.train.inputs).astype(np.float64)


def moments(features: Array, standardise: bool) -> tuple[Array, Array]:
    """Return mean and deviation `(D,)` of features; a deviation of 1 for those that do not vary."""
    deviation = features.std(0) if standardise else np.ones(features.shape[1])
    return features.mean(0), np.where(deviation > 1e-8, deviation, 1.0)


def head_of(model: TransferModel, expected: type[H]) -> H:
    """Return the head `target`. Raises `NotApplicable` if it is of another type."""
    head = model.heads["target"]
    if not isinstance(head, expected):
        raise NotApplicable(f"The kind has the head {type(head).__name__}, expected {expected.__name__}.")
    return head
