"""A model of timm that looks at sound: the log-mel spectrogram as an image (Gong et al. 2021, arXiv:2104.01778)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from torch import Tensor, nn
from torch.nn import functional
from torchaudio.transforms import MelSpectrogram

from tlbench import Array, AugmentRequest, BadInputError, BuildRequest, FitRequest, PrepareRequest, SaveRequest
from tlbench.learning import Columns, Encoder, Tensors, vary_sounds
from tlbench_vision.backbones.timm_model import create, data_config, features_of, pooled, source_of, write

WINDOW, HOP = 0.064, 0.01
"""Length of a spectrum's window, rounded up to a power of two of samples, and from one to the next, in s."""
MELS = 64
TOP = 8000.0
"""Highest frequency in Hz; speech has little above."""
FLOOR = 1e-5
"""Least power of a cell as a part of the clip's loudest, 50 dB below."""
SILENCE = 1.0
"""Power that is added to every cell, less than int16 resolves, so that digital silence has a logarithm."""


def fit(name: str, request: FitRequest) -> dict[str, Any]:
    """Return the sample rate in Hz, the samples that 95 % of the clips do not exceed, and the image's size."""
    if request.sample_rate is None:
        raise BadInputError("The task gives no sample rate for its audio: set TaskData.sample_rate.")
    usual = int(np.percentile([len(clip) for clip in request.inputs], 95))
    longest = int(request.options["max_seconds"] * request.sample_rate)
    return {
        "sample_rate": request.sample_rate,
        "length": max(_window(request.sample_rate), min(usual, longest)),
        "size": list(data_config(source_of(name, request.files), request.options)["input_size"][1:]),
    }


def prepare(request: PrepareRequest) -> Columns:
    """Return waveforms `(N, T)` int16, each cut or zero-padded alike on both sides."""
    return (np.stack([_fixed(_int16(waveform), int(request.fitted["length"])) for waveform in request.inputs]),)


def _fixed(samples: Array, length: int) -> Array:
    skipped, lacking = max(0, len(samples) - length) // 2, max(0, length - len(samples))
    return np.pad(samples[skipped : skipped + length], (lacking // 2, lacking - lacking // 2))


def _int16(waveform: Any) -> Array:
    """Accept int16, and floats in -1..1."""
    samples = np.asarray(waveform)
    if samples.ndim != 1 or not (samples.dtype == np.int16 or samples.dtype.kind == "f"):
        raise BadInputError(
            f"Invalid audio {samples.shape} {samples.dtype}: expected (T,) int16 or float, one channel."
        )
    if samples.dtype == np.int16:
        return samples
    if not np.isfinite(samples).all():
        raise BadInputError("A waveform contains values that are not finite: decode the file again.")
    return (32767 * samples.clip(-1, 1)).round().astype(np.int16)


def augment(request: AugmentRequest) -> Tensors:
    """Return the waveforms with the transformations that the task names."""
    return vary_sounds(request, int(request.fitted["sample_rate"]))


def build(name: str, request: BuildRequest) -> Encoder:
    """Return the encoder, with the checkpoint's weights where the request has them."""
    model, coverage = create(name, request)
    encoder = SpectrogramEncoder(model, request.fitted)
    encoder.coverage = coverage
    return encoder


def _window(sample_rate: int) -> int:
    return int(2 ** math.ceil(math.log2(WINDOW * sample_rate)))


class SpectrogramEncoder(Encoder):
    """Waveforms `(N, T)` int16 -> features `(N, D)`."""

    def __init__(self, model: nn.Module, fitted: Mapping[str, Any]) -> None:
        super().__init__()
        rate = int(fitted["sample_rate"])
        hop, top = round(HOP * rate), min(TOP, rate / 2)
        self.mel = MelSpectrogram(rate, n_fft=_window(rate), hop_length=hop, f_max=top, n_mels=MELS)
        self.size = tuple(fitted["size"])
        self.model = model
        self.feature_dim = features_of(model)

    def forward(self, waveforms: Tensor) -> Tensor:
        image = functional.interpolate(self.spectrogram(waveforms)[:, None], self.size, mode="bilinear")
        return pooled(self.model, image.expand(-1, 3, -1, -1))

    def spectrogram(self, waveforms: Tensor) -> Tensor:
        """Return log-mel spectrograms `(N, 64, frames)`, of mean 0 and deviation 1 as normalised images are."""
        power = self.mel(waveforms.float()) + SILENCE
        # The peak is the clip's own: one taken over the batch would let clips change each other's features.
        logarithm = (power / power.amax((1, 2), keepdim=True)).clamp(min=FLOOR).log()
        return functional.layer_norm(logarithm, logarithm.shape[1:])


def save(request: SaveRequest) -> None:
    """Write the model alone, as timm does, for images of the size that the spectrograms were scaled to."""
    encoder = request.encoder
    assert isinstance(encoder, SpectrogramEncoder)
    write(encoder.model, {"input_size": (3, *encoder.size)}, request.folder)
