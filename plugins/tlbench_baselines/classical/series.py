"""Features of time series: statistics of each channel, its course and spectrum, and correlations of channels."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from tlbench.learning import Encoder
from tlbench_baselines.classical.pooling import cells

QUANTILES = (0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0)
PARTS = 4
"""Parts of the time in which a channel is averaged."""
BANDS = 8
"""Parts of the lower half of the spectrum."""
SMALL = 1e-5
"""Least spread of a channel as a part of its largest value."""


class Statistics(Encoder):
    """Series `(N, C, T)` -> features `(N, D)`."""

    parts: Tensor
    waves: Tensor
    bands: Tensor
    pairs: Tensor

    def __init__(self, channels: int, length: int) -> None:
        super().__init__()
        self.places = [round(share * (length - 1)) for share in QUANTILES]
        bands = cells(max(1, length // 4), BANDS)
        self.register_buffer("parts", cells(length, PARTS).T.contiguous(), persistent=False)
        self.register_buffer("waves", waves(length, bands.shape[1]), persistent=False)
        self.register_buffer("bands", bands.T.contiguous(), persistent=False)
        self.register_buffer("pairs", torch.triu_indices(channels, channels, 1), persistent=False)
        each = 2 + len(QUANTILES) + 2 + self.parts.shape[1] + len(bands)
        self.feature_dim = channels * each + self.pairs.shape[1]

    def forward(self, series: Tensor) -> Tensor:
        mean, spread = series.mean(2, keepdim=True), series.std(2, correction=0, keepdim=True)
        # The rounding noise of a constant channel must not be blown up.
        varies = spread > SMALL * series.abs().amax(2, keepdim=True)
        standard = torch.where(varies, (series - mean) / spread.clamp(min=1e-30), 0.0)
        change = series[:, :, 1:] - series[:, :, :-1] if series.shape[2] > 1 else torch.zeros_like(series)
        parts = [mean, spread, series.sort(2).values[:, :, self.places], change.abs().mean(2, keepdim=True)]
        parts += [change.std(2, correction=0, keepdim=True), series @ self.parts, self.spectrum(standard)]
        correlations = (standard @ standard.transpose(1, 2) / series.shape[2])[:, self.pairs[0], self.pairs[1]]
        return torch.cat([torch.cat(parts, 2).flatten(1), correlations], 1)

    def spectrum(self, standard: Tensor) -> Tensor:
        """Return the logarithm of each band's mean power, `(N, C, bands)`."""
        real, imaginary = (standard @ self.waves).square().chunk(2, 2)
        return ((real + imaginary) @ self.bands / standard.shape[2] + 1e-3).log()


def waves(length: int, count: int) -> Tensor:
    """Return `(T, 2 count)`: cosines and sines of the lowest frequencies but 0."""
    angles = 2 * np.pi * np.outer(np.arange(length), np.arange(1, count + 1)) / length
    return torch.from_numpy(np.concatenate([np.cos(angles), np.sin(angles)], 1)).float()
