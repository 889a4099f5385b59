"""Log-mel spectrogram and a small convolutional network, from a waveform of any length to features of its frames.

A clip's frames depend on its own samples alone, however long the clips are that it shares a batch with.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torchaudio.functional import melscale_fbanks

from tlbench import BadInputError, BuildRequest, FitRequest, PrepareRequest
from tlbench.learning import Columns, Encoder, Ragged, prepare_each
from tlbench_speech.backbones.frame_samples import preprocessor
from tlbench_speech.backbones.logmel import FLOOR, SILENCE, TOP, vary

SPECTRA = 100
"""Spectra in a second."""
WINDOW = 0.025
"""Length of a spectrum's window in s."""
MELS = 40
STRIDE = 2
"""Spectra in one frame."""
KERNEL = 5
DILATIONS = (1, 2, 4, 8)
"""Of the blocks: the last one sees 0.6 s to both sides."""


def fit(request: FitRequest) -> dict[str, Any]:
    """Return the sample rate in Hz, and the window and the longest clip in samples."""
    rate = request.sample_rate
    if rate is None:
        raise BadInputError("The task gives no sample rate for its audio: set TaskData.sample_rate.")
    window = round(WINDOW * rate)
    longest = max(window, int(float(request.options["max_seconds"]) * rate))
    return {"sample_rate": rate, "window": window, "longest": longest}


def prepare(request: PrepareRequest) -> Columns:
    """Return waveforms int16, each of its own length, and their lengths `(N,)` int32; warn of clips that are cut."""
    longest = int(request.fitted["longest"])
    if cut := sum(len(clip) > longest for clip in request.inputs):
        warnings.warn(
            f"{cut} of {len(request.inputs)} clips are longer than {request.options['max_seconds']:g} s: what comes "
            f"later is cut off, and the end of their transcripts cannot be heard. Use --set backbone.max_seconds=...",
            stacklevel=1,
        )
    clips, lengths = prepare_each(preprocessor, request)
    return Ragged.of(clips, "int16"), np.stack(lengths)


def build(request: BuildRequest) -> Encoder:
    """Return the encoder."""
    return LogMelFrames(request.fitted, int(request.options["width"]), pooled=request.layout == "pooled")


class LogMelFrames(Encoder):
    """Waveforms `(N, S)` int16 and their lengths `(N,)` -> features of frames `(N, T, width)`, each of 20 ms.

    Pooled, they are the mean over a clip's own frames, `(N, width)`.
    """

    spectrum: Tensor
    """`(2 * F, 1, window)`: cosines and sines, each times Hann's window."""
    mels: Tensor
    """`(F, M)`: the filters of the mel scale."""

    def __init__(self, fitted: Mapping[str, Any], width: int, pooled: bool = False) -> None:
        super().__init__()
        rate, self.window, self.pooled = int(fitted["sample_rate"]), int(fitted["window"]), pooled
        self.hop = rate // SPECTRA
        self.register_buffer("spectrum", _waves(self.window), persistent=False)
        filters = melscale_fbanks(self.window // 2 + 1, 0.0, min(TOP, rate / 2), MELS, rate)
        self.register_buffer("mels", filters, persistent=False)
        self.first = nn.Conv1d(MELS, width, KERNEL, STRIDE, KERNEL // 2)
        self.layers = nn.ModuleList(Block(width, dilation) for dilation in DILATIONS)
        self.feature_dim = width

    def forward(self, waveforms: Tensor, lengths: Tensor) -> Tensor:
        spectrogram = self.spectrogram(waveforms, lengths)
        if self.training:
            own = _within(spectrogram.shape[2], self.spectra(lengths))
            spectrogram = vary(spectrogram, roll=0) * own[:, None]
        states = torch.relu(self.first(spectrogram))
        own = _within(states.shape[2], self.frames(lengths))[:, None]
        states = states * own
        for layer in self.layers:
            states = layer(states, own) * own
        if self.pooled:
            return states.sum(2) / own.sum(2)
        return states.transpose(1, 2)

    def units(self, *inputs: Tensor) -> Tensor | None:
        if self.pooled:
            return None
        waveforms, lengths = inputs
        total = torch.full_like(lengths[:1], waveforms.shape[1])
        return _within(int(self.frames(total)), self.frames(lengths))

    def spectra(self, lengths: Tensor) -> Tensor:
        """Return how many whole windows clips `(N,)` have."""
        return torch.div(lengths.long() - self.window, self.hop, rounding_mode="floor") + 1

    def frames(self, lengths: Tensor) -> Tensor:
        """Return how many frames clips `(N,)` have, one at least."""
        return torch.div(self.spectra(lengths) + STRIDE - 1, STRIDE, rounding_mode="floor")

    def spectrogram(self, waveforms: Tensor, lengths: Tensor) -> Tensor:
        """Return log-mel spectrograms `(N, M, spectra)`: in each clip mean 0 and deviation 1, and 0 behind its end."""
        waves = functional.conv1d(waveforms.float()[:, None], self.spectrum, stride=self.hop)
        real, imaginary = waves.chunk(2, 1)
        power = (real.square() + imaginary.square()).transpose(1, 2) @ self.mels + SILENCE
        own = _within(power.shape[1], self.spectra(lengths))[..., None]
        loudest = (power * own).amax((1, 2), keepdim=True)
        # In float64: libraries add the float32 numbers of a long clip in orders that differ by more than outputs may.
        logarithm = (power / loudest).clamp(min=FLOOR).log().double()
        size = own.sum(1, keepdim=True) * MELS
        centred = (logarithm - (logarithm * own).sum((1, 2), keepdim=True) / size) * own
        deviation = (centred.square().sum((1, 2), keepdim=True) / size + 1e-5).sqrt()
        return (centred / deviation).float().transpose(1, 2)


class Block(nn.Module):
    """A dilated convolution over frames `(N, D, T)` with a shortcut; each frame is normalised by itself.

    Frames that are not a clip's own, as `(N, 1, T)` bool says, are 0 to the convolution, as its padding is.
    """

    def __init__(self, width: int, dilation: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.convolution = nn.Conv1d(width, width, KERNEL, padding=dilation * (KERNEL // 2), dilation=dilation)
        self.mix = nn.Conv1d(width, width, 1)

    def forward(self, states: Tensor, own: Tensor) -> Tensor:
        # The norm of a frame of zeros is its bias, which a clip that runs alone does not hear behind its end.
        normed = self.norm(states.transpose(1, 2)).transpose(1, 2) * own
        return states + self.mix(torch.relu(self.convolution(normed)))  # type: ignore[no-any-return]


def _within(size: int, counts: Tensor) -> Tensor:
    """Return `(N, size)` bool: which places are below the counts `(N,)`."""
    return torch.arange(size, device=counts.device) < counts[:, None]


def _waves(window: int) -> Tensor:
    """Return cosines and sines of a discrete Fourier transform `(2 * F, 1, window)`, each times Hann's window."""
    time = torch.arange(window, dtype=torch.float64)
    angles = 2 * torch.pi * torch.arange(window // 2 + 1, dtype=torch.float64)[:, None] * time / window
    hann = 0.5 - 0.5 * torch.cos(2 * torch.pi * time / window)
    return torch.cat([angles.cos() * hann, angles.sin() * hann])[:, None].float()
