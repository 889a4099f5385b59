"""Linear heads whose outputs are numbers: in the unit of the targets, or distances from what is normal."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from tlbench.contract.task_data import Array


class ScaledLinear(nn.Linear):
    """A linear head whose outputs are in the unit of the targets, and whose weights are in that of their spread.

    Optimisers take steps of one size whatever the unit; so the first targets that the head is fitted to set the scale.
    """

    scale: Tensor
    """`(C,)`: the spread of the first targets."""
    settled: Tensor
    """Whether the scale was set."""

    def __init__(self, features: int, outputs: int) -> None:
        super().__init__(features, outputs)
        self.register_buffer("scale", torch.ones(outputs))
        self.register_buffer("settled", torch.tensor(False))

    def forward(self, features: Tensor) -> Tensor:
        return super().forward(features) * self.scale

    @torch.no_grad()
    def settle(self, targets: Array) -> None:
        """Take scale and start from targets `(M, C)`, unless that was done before."""
        if not self.settled:
            spread = targets.std(0)
            self.put(self.weight.cpu().numpy(), targets.mean(0), np.where(spread > 0, spread, 1.0))

    @torch.no_grad()
    def put(self, weight: Array, bias: Array, scale: Array) -> None:
        """Set all: weights `(C, D)` in units of the scale `(C,)`, the bias `(C,)` in the unit of the targets."""
        for part, value in ((self.weight, weight), (self.bias, bias / scale), (self.scale, scale)):
            part.copy_(torch.from_numpy(np.asarray(value, np.float32)))
        self.settled.fill_(True)


class Distance(nn.Linear):
    """A linear head `(..., features) -> (..., 2)` that adds |(f - c) R|^2 to the second output; R is 0 at the start."""

    center: Tensor
    """`(D,)`: c."""
    root: Tensor
    """`(D, D)`: R."""
    second: Tensor
    """`(2,)`: 0 and 1, what the distance is multiplied by."""

    def __init__(self, features: int) -> None:
        super().__init__(features, 2)
        self.register_buffer("center", torch.zeros(features))
        self.register_buffer("root", torch.zeros(features, features))
        self.register_buffer("second", torch.tensor([0.0, 1.0]))

    def forward(self, features: Tensor) -> Tensor:
        distance = ((features - self.center) @ self.root).square().sum(-1, keepdim=True)
        return super().forward(features) + distance * self.second

    @torch.no_grad()
    def place(self, center: Array, root: Array) -> None:
        """Set c `(D,)` and R `(D, D)`, and make both outputs of the linear head 0."""
        self.weight.zero_()
        self.bias.zero_()
        self.center.copy_(torch.from_numpy(center))
        self.root.copy_(torch.from_numpy(root))
