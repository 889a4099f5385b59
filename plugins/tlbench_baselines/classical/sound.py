"""Features of sound: statistics of mel-frequency cepstral coefficients (Davis & Mermelstein 1980)."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from tlbench.learning import Encoder
from tlbench_baselines.classical.pooling import cells

WINDOW = 0.025
"""Length of a spectrum's window in s, brought to the nearest power of two of samples; half of it to the next."""
USUAL_RATE = 16000
"""Hz, where a task says nothing."""
MELS, COEFFICIENTS = 32, 13
PARTS = 6
"""Parts of a clip's time in which coefficients are averaged."""
FLOOR = 1e-4
"""Least power of a cell as a part of the clip's loudest, 40 dB below."""
SILENCE = 1.0
"""Power that is added to every cell, so that digital silence has a logarithm."""


class Cepstrum(Encoder):
    """Waveforms `(N, T)` -> features `(N, D)`: mean, spread and course of each coefficient, spread of its change."""

    waves: Tensor
    mels: Tensor
    cosines: Tensor
    parts: Tensor

    def __init__(self, length: int, sample_rate: int | None) -> None:
        super().__init__()
        rate = sample_rate or USUAL_RATE
        self.window: int = min(2 ** round(math.log2(WINDOW * rate)), length)
        frames = (length - self.window) // self._hop + 1
        self.register_buffer("waves", waves(self.window), persistent=False)
        self.register_buffer("mels", mels(self.window, rate).T.contiguous(), persistent=False)
        self.register_buffer("cosines", cosines(), persistent=False)
        self.register_buffer("parts", cells(frames, PARTS), persistent=False)
        self.feature_dim = COEFFICIENTS * (3 + min(frames, PARTS))

    @property
    def _hop(self) -> int:
        return max(1, self.window // 2)

    def forward(self, waveforms: Tensor, *lengths: Tensor) -> Tensor:
        found = self.coefficients(waveforms)
        change = found[:, 1:] - found[:, :-1] if found.shape[1] > 1 else torch.zeros_like(found)
        spreads = [values.std(1, correction=0) for values in (found, change)]
        return torch.cat([found.mean(1), *spreads, (self.parts @ found).flatten(1)], 1)

    def coefficients(self, waveforms: Tensor) -> Tensor:
        """Return `(N, frames, 13)`; loudness does not change any but the first."""
        both = functional.conv1d(waveforms.float()[:, None], self.waves, stride=self._hop)
        real, imaginary = both.square().chunk(2, 1)
        power = (real + imaginary).transpose(1, 2) @ self.mels + SILENCE
        # The peak is the clip's own: one taken over the batch would let clips change each other's features.
        return (power / power.amax((1, 2), keepdim=True)).clamp(min=FLOOR).log() @ self.cosines


def waves(window: int) -> Tensor:
    """Return `(2 bins, 1, window)`: cosines and sines of each frequency under a Hann window."""
    angles = 2 * np.pi * np.outer(np.arange(window // 2 + 1), np.arange(window)) / window
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(window) / window)
    return torch.from_numpy(np.concatenate([np.cos(angles), np.sin(angles)]) * hann).float()[:, None]


def mels(window: int, rate: int) -> Tensor:
    """Return `(MELS, bins)`: triangles that are as wide in mels, 2595 log10(1 + f / 700), up to half the rate."""
    top = 2595 * np.log10(1 + rate / 2 / 700)
    edges = 700 * (10 ** (np.linspace(0, top, MELS + 2) / 2595) - 1)
    bins = np.arange(window // 2 + 1) * rate / window
    triangles = [np.interp(bins, edges[band : band + 3], [0.0, 1.0, 0.0]) for band in range(MELS)]
    return torch.from_numpy(np.stack(triangles)).float()


def cosines() -> Tensor:
    """Return `(MELS, COEFFICIENTS)`: the first columns of the orthonormal discrete cosine transform."""
    from scipy.fft import dct

    return torch.from_numpy(np.ascontiguousarray(dct(np.eye(MELS), norm="ortho")[:, :COEFFICIENTS])).float()
