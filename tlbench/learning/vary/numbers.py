"""Transformations of time series, after Um et al. 2017 (arXiv:1706.00527), and of rows of a table."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from tlbench.contract.requests import AugmentRequest
from tlbench.learning.vary.named import named

KNOTS = 6
"""Places at which the speed of a warped time is drawn, the two ends among them, as in the paper."""
SLOWEST = 0.1
"""Least speed of a warped time, so that it never stands still or runs back."""


@dataclass(frozen=True)
class Ranges:
    """How far the transformations go: standard deviations."""

    jitter: float
    """Of the noise, in standard deviations of the channel or the column."""
    scaling: float
    """Of the factor of a channel."""
    warp: float
    """Of the speed of time."""


RANGES = {
    "weak": Ranges(jitter=0.05, scaling=0.1, warp=0.2),  # Those of the paper.
    "strong": Ranges(jitter=0.15, scaling=0.3, warp=0.6),
}


def vary_series(request: AugmentRequest) -> tuple[Tensor, ...]:
    """Return series `(N, C, T)` float32, each changed by the named transformations in their order.

    `jitter` adds noise; `scaling` multiplies each channel by a number; `time-warp` plays a series faster here and
    slower there, its first and its last step stay. Raises `UnknownNameError`.
    """
    (series,) = request.inputs
    for transform in named(request, {"jitter": jitter, "scaling": scaling, "time-warp": time_warp}):
        series = transform(series, request.generator, RANGES[request.strength])
    return (series,)


def jitter(series: Tensor, generator: torch.Generator, ranges: Ranges) -> Tensor:
    """Add noise to each channel, as a part of how far that varies over time in the series."""
    spread = series.std(2, correction=0, keepdim=True)
    return series + ranges.jitter * spread * torch.randn(series.shape, generator=generator)


def scaling(series: Tensor, generator: torch.Generator, ranges: Ranges) -> Tensor:
    """Multiply each channel by a number about 1."""
    return series * (1 + ranges.scaling * torch.randn((*series.shape[:2], 1), generator=generator))


def time_warp(series: Tensor, generator: torch.Generator, ranges: Ranges) -> Tensor:
    """Read each series at other times, by linear interpolation."""
    times = warped_times(len(series), series.shape[2], generator, ranges.warp)[:, None].expand_as(series)
    left = times.floor().clamp(max=max(0, series.shape[2] - 2))
    part, place = times - left, left.long()
    following = (place + 1).clamp(max=series.shape[2] - 1)
    return series.gather(2, place) * (1 - part) + series.gather(2, following) * part


def warped_times(size: int, length: int, generator: torch.Generator, warp: float) -> Tensor:
    """Return times `(N, T)` from 0 to T - 1 that only rise; the speed is drawn at some places, linear between them."""
    drawn = (1 + warp * torch.randn((size, 1, KNOTS), generator=generator)).clamp(min=SLOWEST)
    if length < 2:
        return torch.zeros(size, length)
    speeds = functional.interpolate(drawn, max(1, length - 1), mode="linear", align_corners=True)[:, 0]
    times = functional.pad(speeds.double().cumsum(1), (1, 0))
    return (times / times[:, -1:] * (length - 1)).float()


def vary_rows(request: AugmentRequest) -> tuple[Tensor, ...]:
    """Return rows `(N, F)` float32: `jitter` adds noise, as a part of how far a column varies over the batch.

    Columns of whole numbers stay, such as counts and yes or no. Raises `UnknownNameError`.
    """
    (rows,) = request.inputs
    for transform in named(request, {"jitter": jitter_columns}):
        rows = transform(rows, request.generator, RANGES[request.strength])
    return (rows,)


def jitter_columns(rows: Tensor, generator: torch.Generator, ranges: Ranges) -> Tensor:
    """Add noise to the columns that have other than whole numbers."""
    spread = rows.std(0, correction=0) * (rows != rows.round()).any(0)
    return rows + ranges.jitter * spread * torch.randn(rows.shape, generator=generator)
