"""The speaker encoder of Wan et al. 2018 (Generalized end-to-end loss, arXiv:1710.10467) as Resemblyzer 0.1.4 has it.

A clip is made louder if it is faint, and divided into parts of 1.6 s that begin every 0.77 s. Each part is a mel
spectrogram, which an LSTM reads; the feature of a clip is the mean over its parts. Resemblyzer also cuts long silences
out of a clip, by WebRTC's voice activity detector; here they stay.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional
from torchaudio.transforms import MelSpectrogram, Resample

from tlbench import AugmentRequest, BadInputError, BuildRequest, FitRequest, PrepareRequest, SaveRequest
from tlbench.assets import load_into, read_weights
from tlbench.learning import Columns, Encoder, Tensors, prepare_each, vary_sounds
from tlbench_speech.preprocess import preprocessor

RATE = 16000
HOP, WINDOW, MELS = 160, 400, 40
"""Samples from frame to frame and in each frame, and bands of a frame."""
FRAMES, STEP = 160, 77
"""Frames of a part, and from the begin of a part to that of the next."""
LEAST = 0.75
"""The share of a part that the clip must cover, unless it is the first part."""
LOUDNESS = -30.0
"""In dB of full scale, the least that a clip is brought to."""
UNUSED = ("similarity_weight", "similarity_bias")
"""Weights of the loss that the encoder was trained with."""


def fit(request: FitRequest) -> dict[str, Any]:
    """Return the sample rate in Hz, and the samples that 95 % of the clips do not exceed, at most `max_seconds`."""
    if request.sample_rate is None:
        raise BadInputError("The task gives no sample rate for its audio: set TaskData.sample_rate.")
    usual = int(np.percentile([len(clip) for clip in request.inputs], 95))
    longest = int(float(request.options["max_seconds"]) * request.sample_rate)
    return {"sample_rate": request.sample_rate, "length": max(1, min(usual, longest)), "measured": True}


def prepare(request: PrepareRequest) -> Columns:
    """Return waveforms `(N, T)` int16, cut on both sides or padded at the end, and their lengths `(N,)` int32."""
    clips, lengths = prepare_each(preprocessor, request)
    return np.stack(clips), np.stack(lengths)


def augment(request: AugmentRequest) -> Tensors:
    """Return the waveforms with the transformations that the task names, and their lengths."""
    return vary_sounds(request, int(request.fitted["sample_rate"]))


def build(request: BuildRequest) -> Encoder:
    """Return the encoder, with the checkpoint's weights where the request has them."""
    encoder = SpeakerEncoder(request.fitted)
    if "weights" in request.files:
        path = request.files["weights"]
        # What is computed, not learnt: filters and windows.
        state = read_weights(path, str(request.options["key"])) | dict(encoder.named_buffers())
        encoder.coverage = load_into(
            encoder, state, path.name, without=UNUSED, partial=bool(request.options["partial"])
        )
    return encoder


def save(request: SaveRequest) -> None:
    """Write model.safetensors."""
    state = {name: part.contiguous() for name, part in request.encoder.state_dict().items()}
    save_file(state, request.folder / "model.safetensors")


class SpeakerEncoder(Encoder):
    """Waveforms `(N, T)` int16 and their lengths `(N,)` -> features `(N, 256)` of length 1, none negative."""

    feature_dim = 256

    def __init__(self, fitted: Mapping[str, Any]) -> None:
        super().__init__()
        rate = int(fitted["sample_rate"])
        self.scale = RATE / rate
        self.resample = nn.Identity() if rate == RATE else Resample(rate, RATE)
        self.parts = parts(math.ceil(int(fitted["length"]) * self.scale))
        self.mel = MelSpectrogram(
            RATE, n_fft=WINDOW, hop_length=HOP, n_mels=MELS, norm="slaney", mel_scale="slaney", pad_mode="constant"
        )
        self.lstm = nn.LSTM(MELS, self.feature_dim, num_layers=3, batch_first=True)
        self.linear = nn.Linear(self.feature_dim, self.feature_dim)

    def forward(self, waveforms: Tensor, lengths: Tensor) -> Tensor:
        lengths = lengths.clamp(min=1)
        samples = self.resample(_loud(waveforms.float() / 32768, lengths))
        end = ((self.parts - 1) * STEP + FRAMES) * HOP
        padded = functional.pad(samples, (0, max(0, end - samples.shape[1])))
        frames = self.mel(padded).transpose(1, 2)  # (N, F, M)
        windows = torch.stack([frames[:, at * STEP : at * STEP + FRAMES] for at in range(self.parts)], 1)
        embedded = self.embedded(windows.flatten(0, 1)).reshape(-1, self.parts, self.feature_dim)
        kept = self._kept(lengths)[..., None]
        return functional.normalize((embedded * kept).sum(1))

    def embedded(self, spectrograms: Tensor) -> Tensor:
        """Return the embedding `(N, 256)` of spectrograms `(N, 160, 40)`, of length 1."""
        states, _ = self.lstm(spectrograms)
        return functional.normalize(self.linear(states[:, -1]).relu())

    def _kept(self, lengths: Tensor) -> Tensor:
        """Return which parts `(N, P)` a clip covers, 1 or 0."""
        starts = torch.arange(self.parts, device=lengths.device) * STEP * HOP
        covered = (lengths[:, None] * self.scale - starts) / (FRAMES * HOP)
        return ((covered >= LEAST) | (starts == 0)).float()


def parts(samples: int) -> int:
    """Return how many parts a clip of so many samples at 16 kHz has."""
    count = 1
    while (samples - count * STEP * HOP) / (FRAMES * HOP) >= LEAST:
        count += 1
    return count


def _loud(samples: Tensor, lengths: Tensor) -> Tensor:
    """Return samples `(N, T)` in -1..1 that are amplified to the least loudness; louder clips stay as they are."""
    power = samples.square().sum(1, keepdim=True) / lengths[:, None]
    # Silence stays silence.
    gain = 10 ** (LOUDNESS / 20) / power.clamp(min=1e-12).sqrt()
    return samples * gain.clamp(min=1.0)
