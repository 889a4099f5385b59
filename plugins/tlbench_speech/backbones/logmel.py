"""Log-mel spectrogram and a small convolutional network, from waveform to features in one graph.

Training varies the spectrogram after SpecAugment (Park et al. 2019, arXiv:1904.08779): shifts in time and in mel
frequency, a masked band, noise.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torchaudio.transforms import MelSpectrogram

from tlbench import AugmentRequest, BadInputError, BuildRequest, FitRequest, PrepareRequest
from tlbench.learning import Columns, Encoder, Tensors, prepare_each, vary_sounds
from tlbench_speech.preprocess import preprocessor

WINDOW = 0.0232
"""Length of a spectrum's window in s: 256 samples at 11,025 Hz; other rates take the nearest power of two."""
MELS = 32
TOP = 8000.0
"""Highest frequency in Hz; speech has little above."""
FLOOR = 1e-3
"""Least power of a cell as a part of the clip's loudest, 30 dB below: what lies lower drowns in an ordinary room."""
SILENCE = 1.0
"""Power that is added to every cell, less than int16 resolves, so that digital silence has a logarithm."""


def fit(request: FitRequest) -> dict[str, Any]:
    """Return the sample rate in Hz, and the samples that 95 % of the clips do not exceed, at most `max_seconds`."""
    if request.sample_rate is None:
        raise BadInputError("The task gives no sample rate for its audio: set TaskData.sample_rate.")
    usual = int(np.percentile([len(clip) for clip in request.inputs], 95))
    longest = int(request.options["max_seconds"] * request.sample_rate)
    shortest = _window(request.sample_rate)
    return {"sample_rate": request.sample_rate, "length": max(shortest, min(usual, longest))}


def prepare(request: PrepareRequest) -> Columns:
    """Return waveforms `(N, T)` int16, each cut or zero-padded alike on both sides."""
    (clips,) = prepare_each(preprocessor, request)
    return (np.stack(clips),)


def augment(request: AugmentRequest) -> Tensors:
    """Return the waveforms with the transformations that the task names."""
    return vary_sounds(request, int(request.fitted["sample_rate"]))


def build(request: BuildRequest) -> Encoder:
    """Return the encoder."""
    return LogMelCnn(request.fitted, width=int(request.options["width"]))


def _window(sample_rate: int) -> int:
    return int(2 ** round(math.log2(WINDOW * sample_rate)))


class LogMelCnn(Encoder):
    """Waveforms `(N, T)` int16 -> features `(N, 16 * width)`: time is averaged, four bands of frequency are kept."""

    def __init__(self, fitted: Mapping[str, Any], width: int) -> None:
        super().__init__()
        rate = int(fitted["sample_rate"])
        window = _window(rate)
        self.mel = MelSpectrogram(rate, n_fft=window, hop_length=window // 2, f_max=min(TOP, rate / 2), n_mels=MELS)
        self.layers = nn.Sequential(
            *_convolution(1, width, 5, 2),
            nn.MaxPool2d(2),
            *_convolution(width, 2 * width, 3, 1),
            *_convolution(2 * width, 2 * width, 3, 1),
            *_convolution(2 * width, 4 * width, 3, 2),
            *_convolution(4 * width, 4 * width, 3, 1),
        )
        self.feature_dim = 4 * width * MELS // 8

    def forward(self, waveforms: Tensor) -> Tensor:
        spectrogram = self.spectrogram(waveforms)
        if self.training:
            spectrogram = vary(spectrogram)
        features: Tensor = self.layers(spectrogram[:, None])
        return features.mean(3).flatten(1)

    def spectrogram(self, waveforms: Tensor) -> Tensor:
        """Return log-mel spectrograms `(N, 32, frames)`; each clip by itself has mean 0 and standard deviation 1."""
        power = self.mel(waveforms.float()) + SILENCE
        # The peak is the clip's own: one taken over the batch would let clips change each other's features.
        logarithm = (power / power.amax((1, 2), keepdim=True)).clamp(min=FLOOR).log()
        return functional.layer_norm(logarithm, logarithm.shape[1:])


def _convolution(inputs: int, outputs: int, size: int, stride: int) -> tuple[nn.Module, ...]:
    return (
        nn.Conv2d(inputs, outputs, size, stride, size // 2, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
    )


def vary(spectrogram: Tensor, roll: int = 4) -> Tensor:
    """Return spectrograms `(N, M, T)`, each rolled by up to `roll` frames, shifted by up to 2 mels, masked, and noisy.

    The mask sets 4 neighbouring mels to 0, the mean; the noise has a standard deviation of 0.2. All is drawn from
    torch's global generator, which the host seeds.
    """
    size, mels, frames = spectrogram.shape
    device = spectrogram.device
    later = torch.randint(-roll, roll + 1, (size, 1), device=device)
    higher = torch.randint(-2, 3, (size, 1), device=device)
    masked = torch.randint(mels - 3, (size, 1), device=device)
    frame = (torch.arange(frames, device=device) - later) % frames
    mel = torch.arange(mels, device=device)
    example = torch.arange(size, device=device)[:, None, None]
    moved = spectrogram[example, (mel - higher).clamp(0, mels - 1)[:, :, None], frame[:, None]]
    band = (mel >= masked) & (mel < masked + 4)
    return moved.masked_fill(band[:, :, None], 0) + 0.2 * torch.randn_like(moved)
