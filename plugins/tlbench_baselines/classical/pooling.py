"""Means over parts of an axis, as a matrix."""

from __future__ import annotations

import torch
from torch import Tensor


def cells(size: int, count: int) -> Tensor:
    """Return `(count, size)`: the weights of the means over `count` equal parts of an axis; no more than its size."""
    count = min(count, size)
    ends = torch.arange(count + 1, dtype=torch.float64) * size / count
    places = torch.arange(size, dtype=torch.float64)
    overlap = torch.minimum(ends[1:, None], places + 1) - torch.maximum(ends[:-1, None], places)
    return (overlap.clamp(min=0) * count / size).float()
