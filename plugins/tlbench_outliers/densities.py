"""Detectors that compare an example with kept normal ones: by the tails of each feature, and by local densities."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from tlbench import Array, NotApplicable
from tlbench.learning import AdaptRequest, TransferModel
from tlbench_outliers.strategies import head_of, moments, normal_features

RAMP = 1e-3
"""Standard deviations by which a value must be beyond another not to be counted at all."""
SYMMETRIC = 1e-9
"""Skewness that counts as 0: rounding alone skews nothing to the left."""
FLOOR = 1e-4
"""Least mean reachability distance, as a part of the median distance to the k-th neighbour.

Examples that are repeated k times are 0 apart, and their density would be infinite.
"""


def ecod(request: AdaptRequest) -> TransferModel:
    """Score an example by Algorithm 1 of arXiv:2201.00382, by its tails among kept normal examples and itself.

    The score is the largest of three sums over features of -log of a tail: of the left tails, of the right tails, and
    of the tails on the side to which kept normal examples are skewed. A value that is less than `RAMP` deviations
    beyond a normal one is counted in part: else a file that rounds otherwise would count others. If there are more
    normal examples than the bank holds, it holds a random part.
    """
    head = head_of(request.model, Tails)
    features = normal_features(request)
    head.fill(features[_kept(request, len(features), len(head.bank))], RAMP * moments(features, standardise=True)[1])
    return request.model


def local_outlier_factor(request: AdaptRequest) -> TransferModel:
    """Score the mean local density of the k nearest normal examples, divided by that of the example.

    The local density is one divided by the mean reachability distance, or by `FLOOR` if that is larger. If there are
    more normal examples than the bank holds, it holds a random part of them, among which densities are estimated.
    """
    head = head_of(request.model, Densities)
    features = normal_features(request)
    if len(features) <= head.neighbours:
        raise NotApplicable(f"{len(features)} normal examples are not more than the {head.neighbours} neighbours.")
    mean, deviation = moments(features, bool(request.options["standardise"]))
    standard = (features[_kept(request, len(features), len(head.bank))] - mean) / deviation
    fill_with_neighbours(head, standard, mean, deviation)
    return request.model


def fill_with_neighbours(head: Densities, standard: Array, mean: Array, deviation: Array) -> None:
    """Put standardised features `(M, D)` of normal examples, and their densities among each other, into a head."""
    from sklearn.neighbors import NearestNeighbors

    distances, nearest = NearestNeighbors(n_neighbors=head.neighbours).fit(standard).kneighbors()
    reach = distances[:, -1]
    floor = FLOOR * float(np.median(reach[reach > 0])) if reach.any() else FLOOR
    density = 1 / np.maximum(np.maximum(distances, reach[nearest]).mean(1), floor)
    head.fill(standard, mean, deviation, reach, density, floor)


class Tails(nn.Module):
    """Features `(..., D)` -> `(..., 2)`: 0, and the largest sum of -log of tails: left, right, or by skewness."""

    held: Tensor
    """`(B,)`: 1 for rows that hold an example, else 0."""
    ramp: Tensor
    """`(D,)`: difference from which on a value beyond another is not counted at all."""
    skewed_left: Tensor
    """`(D,)`: 1 for features whose values in the bank have a negative skewness, else 0."""

    def __init__(self, features: int, size: int) -> None:
        super().__init__()
        self.bank = nn.Parameter(torch.zeros(size, features), requires_grad=False)  # (B, D)
        self.register_buffer("held", torch.zeros(size))
        self.register_buffer("ramp", torch.ones(features))
        self.register_buffer("skewed_left", torch.zeros(features))

    def forward(self, features: Tensor) -> Tensor:
        one = features.unsqueeze(-2)  # (..., 1, D)
        held, total = self.held.unsqueeze(-1), self.held.sum() + 1
        beyond = (self.bank - one) / self.ramp  # (..., B, D); equal values are in both tails
        left = -((((1 - beyond).clamp(0, 1) * held).sum(-2) + 1) / total).log()
        right = -((((1 + beyond).clamp(0, 1) * held).sum(-2) + 1) / total).log()
        longer = self.skewed_left * left + (1 - self.skewed_left) * right
        score = torch.stack([left, right, longer]).sum(-1).amax(0).unsqueeze(-1)
        return torch.cat([torch.zeros_like(score), score], -1)

    @torch.no_grad()
    def fill(self, features: Array, ramp: Array) -> None:
        """Put at most as many features `(M, D)` into the bank as it has rows, with the ramp `(D,)`."""
        self.bank[: len(features)] = torch.from_numpy(features.astype(np.float32))
        self.held[: len(features)] = 1
        self.ramp.copy_(torch.from_numpy(ramp))
        standard = (features - features.mean(0)) / np.maximum(features.std(0), 1e-8)
        self.skewed_left.copy_(torch.from_numpy((standard**3).mean(0) < -SYMMETRIC))


class Densities(nn.Module):
    """Features `(..., D)` -> `(..., 2)`: 0, and the local outlier factor among the rows of a bank."""

    absent: Tensor
    """`(B,)`: 0 for rows that hold an example, else a distance beyond all others."""
    mean: Tensor
    """`(D,)`."""
    deviation: Tensor
    """`(D,)`."""
    reach: Tensor
    """`(B,)`: distance of each row to its k-th neighbour."""
    density: Tensor
    """`(B,)`: local density of each row."""
    floor: Tensor
    """`()`: least mean reachability distance."""

    def __init__(self, features: int, size: int, neighbours: int) -> None:
        super().__init__()
        self.neighbours = neighbours
        self.bank = nn.Parameter(torch.zeros(size, features), requires_grad=False)  # (B, D) in units of the deviation
        for name, start in (("absent", 0.0), ("reach", 0.0), ("density", 1.0)):
            self.register_buffer(name, torch.full((size,), start))
        self.register_buffer("floor", torch.tensor(FLOOR))
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("deviation", torch.ones(features))

    def forward(self, features: Tensor) -> Tensor:
        standard = (features - self.mean) / self.deviation
        squares = standard.square().sum(-1, keepdim=True) - 2 * standard @ self.bank.T + self.bank.square().sum(1)
        nearest = (squares + self.absent).topk(self.neighbours, largest=False).indices  # (..., k)
        # Small distances are lost to rounding in the squares.
        distances = (standard.unsqueeze(-2) - self.bank[nearest]).square().sum(-1).sqrt()
        reachable = torch.maximum(distances, self.reach[nearest]).mean(-1, keepdim=True)
        score = self.density[nearest].mean(-1, keepdim=True) * torch.maximum(reachable, self.floor)
        return torch.cat([torch.zeros_like(score), score], -1)

    @torch.no_grad()
    def fill(self, standard: Array, mean: Array, deviation: Array, reach: Array, density: Array, floor: float) -> None:
        """Put standardised features `(M, D)`, their distances and densities `(M,)` into the bank."""
        self.floor.fill_(floor)
        count = len(standard)
        self.absent[count:] = 1e30
        for part, values in ((self.bank, standard), (self.reach, reach), (self.density, density)):
            part[:count] = torch.from_numpy(values.astype(np.float32))
        self.mean.copy_(torch.from_numpy(mean))
        self.deviation.copy_(torch.from_numpy(deviation))


def with_tails(model: TransferModel, options: Mapping[str, Any]) -> TransferModel:
    """Return the model with a bank of features, of which tails are counted, in place of its head `target`."""
    model.heads["target"] = Tails(model.encoder.feature_dim, int(options["bank"]))
    return model


def with_densities(model: TransferModel, options: Mapping[str, Any]) -> TransferModel:
    """Return the model with a bank of features and their densities in place of its head `target`."""
    neighbours = int(options["neighbours"])
    size = max(int(options["bank"]), neighbours + 1)
    model.heads["target"] = Densities(model.encoder.feature_dim, size, neighbours)
    return model


def _kept(request: AdaptRequest, examples: int, size: int) -> Array:
    """Return the positions of the examples that a bank keeps, in order."""
    chosen: Array = torch.randperm(examples, generator=request.generator)[:size].sort().values.numpy()
    return chosen
