"""The encoder of Whisper (Radford et al. 2023): from the waveform through its log-mel spectrogram to mean features.

Published models read 30 s, however short a clip is. Here the window is as long as the longest clip that is kept, with
the positions of its frames alone: a clip of one second costs a thirtieth.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torchaudio.transforms import MelSpectrogram

from tlbench import BuildRequest, FitRequest, SaveRequest, UsageError
from tlbench.learning import Encoder
from tlbench_hf.audio import given_rate, own_frames, settings_of, usual_length
from tlbench_hf.load import covered, load, write
from tlbench_hf.places import EXTRACTOR
from tlbench_hf.tokens import configuration

WINDOW, HOP, RATE = 400, 160, 16000
"""Samples of a spectrum's window and from one to the next, and samples in a second, if the checkpoint says nothing."""
FRAME = 2
"""Spectra in one frame: the stride of the second convolution."""
TOP = 8000.0
"""Highest frequency in Hz."""
FLOOR, RANGE = 1e-10, 8.0
"""Least power of a cell, and how far below the clip's loudest cell values are cut, in powers of ten."""
SECONDS = "max_seconds"


def fit(request: FitRequest) -> dict[str, Any]:
    """Return both sample rates in Hz, the samples from one spectrum to the next, and the samples of the window.

    The window takes 95 % of the clips in full. Raises `UsageError` if `max_seconds` exceeds what the model reads.
    """
    config, settings = configuration(request.files, {}), settings_of(request.files)
    rate, hop = int(settings.get("sampling_rate", RATE)), int(settings.get("hop_length", HOP))
    longest = config.max_source_positions * FRAME * hop
    if float(request.options[SECONDS]) * rate > longest:
        raise UsageError(f"Invalid {SECONDS} {request.options[SECONDS]}: the model reads at most {longest / rate:g} s.")
    window = int(settings.get("n_fft", WINDOW))
    frames = -(-max(window, usual_length(request, rate)) // (FRAME * hop))
    length = min(longest, frames * FRAME * hop)
    return {"from": given_rate(request), "rate": rate, "length": length, "hop": hop, "window": window}


def build(request: BuildRequest) -> Encoder:
    """Return the encoder, without the decoder."""
    from transformers.models.whisper.modeling_whisper import WhisperEncoder

    config = configuration(request.files, request.fitted)
    model, lacking = load(WhisperEncoder, request.files, config, request.options, {r"^(model\.)?encoder\.": ""})
    coverage = covered(model, lacking)
    encoder = LogMelEncoder(model, request.fitted, pooled=request.layout == "pooled")
    encoder.coverage = coverage
    return encoder


class LogMelEncoder(Encoder):
    """Waveforms `(N, T)` int16 and their lengths `(N,)` -> features `(N, D)`, the mean over each clip's own frames, or
    these frames, `(N, F, D)`."""

    positions: Tensor
    """`(P, D)`: the positions of a window as long as the checkpoint's."""

    def __init__(self, model: Any, fitted: Mapping[str, Any], pooled: bool = True) -> None:
        super().__init__()
        self.pooled = pooled
        config = model.config
        self.samples_of_frame = FRAME * int(fitted["hop"])
        self.mel = MelSpectrogram(
            int(fitted["rate"]),
            n_fft=int(fitted["window"]),
            hop_length=int(fitted["hop"]),
            f_max=min(TOP, fitted["rate"] / 2),
            n_mels=config.num_mel_bins,
            norm="slaney",
            mel_scale="slaney",
        ).double()
        self.feature_dim = config.d_model
        self.model = model
        self.register_buffer("positions", model.embed_positions.weight.detach().clone(), persistent=False)
        frames = int(fitted["length"]) // self.samples_of_frame
        _set_positions(model, self.positions[:frames])

    def forward(self, waveforms: Tensor, lengths: Tensor) -> Tensor:
        states: Tensor = self.model(self.spectrogram(waveforms))[0]
        if not self.pooled:
            return states
        count = -(-lengths.long() // self.samples_of_frame)
        own = torch.arange(states.shape[1], device=states.device) < count.clamp(min=1)[:, None]
        return (states * own[..., None]).sum(1) / own.sum(1, keepdim=True)

    def units(self, *inputs: Tensor) -> Tensor | None:
        if self.pooled:
            return None
        waveforms, lengths = inputs
        return own_frames(waveforms.shape[1] // self.samples_of_frame, lengths, waveforms.shape[1])

    def spectrogram(self, waveforms: Tensor) -> Tensor:
        """Return log-mel spectrograms `(N, M, frames)` as the model was trained on.

        In float64: the logarithm of cells that are nearly silent, such as the empty upper half of a recording at 8 kHz,
        would differ by more between two libraries than the features may.
        """
        power = self.mel(waveforms.double() / 32768)[..., :-1]
        logarithm = power.clamp(min=FLOOR).log10()
        loudest = logarithm.amax((1, 2), keepdim=True)
        return ((torch.maximum(logarithm, loudest - RANGE) + 4) / 4).float()


def _set_positions(model: Any, positions: Tensor) -> None:
    model.embed_positions = nn.Embedding.from_pretrained(positions.clone())  # type: ignore[no-untyped-call]
    model.config.max_source_positions = len(positions)


def save(request: SaveRequest) -> None:
    """Write config.json, model.safetensors and the feature extractor's settings: the encoder with all its positions."""
    from transformers import WhisperFeatureExtractor

    encoder, fitted = request.encoder, request.fitted
    assert isinstance(encoder, LogMelEncoder)
    model = copy.deepcopy(encoder.model)
    _set_positions(model, encoder.positions)
    write(model, request.folder, prefix="encoder.")
    seconds = len(encoder.positions) * encoder.samples_of_frame / fitted["rate"]
    extractor = WhisperFeatureExtractor(  # type: ignore[no-untyped-call]
        feature_size=model.config.num_mel_bins,
        sampling_rate=int(fitted["rate"]),
        hop_length=int(fitted["hop"]),
        n_fft=int(fitted["window"]),
        chunk_length=int(seconds) if seconds.is_integer() else seconds,
    )
    extractor.save_pretrained(request.folder)
    assert (request.folder / EXTRACTOR).is_file()
