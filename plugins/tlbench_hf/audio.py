"""Speech encoders that read waveforms: wav2vec 2.0 (Baevski et al. 2020) and HuBERT (Hsu et al. 2021).

Every clip has one length, cut or padded on the right: the first layers of most of these models normalise over time,
so that the length of a batch would change what is said of each clip. Features are the mean over the clip's frames. In
the layout `sequence` they are these frames: as large a part of all frames as the clip is of all samples, rounded up.
"""

from __future__ import annotations

import json
import shutil
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from tlbench import AugmentRequest, BadInputError, BuildRequest, FitRequest, PrepareRequest, SaveRequest
from tlbench.learning import Columns, Encoder, Tensors, blocks_of, prepare_each, vary_sounds
from tlbench_hf.load import auto_class, covered, load, write
from tlbench_hf.places import EXTRACTOR
from tlbench_hf.tokens import configuration
from tlbench_hf.waveform import preprocessor

# WavLM calls torch so; its user can change nothing about it.
warnings.filterwarnings("ignore", "Support for mismatched key_padding_mask")

CONVOLUTIONS = 7
"""Of a new model, whose kernels and strides are those of the paper: a frame for each 20 ms."""
POSITIONS = 32
"""Frames, 0.64 s, that the convolution which says where a frame stands looks at: the paper's 128 outlast a word."""

ROOM = 1.5
"""Of transcripts: the length of all clips as a multiple of the longest that is known, for others may be longer."""
COUNTS, MOST = {"sampling_rate", "hop_length", "n_fft"}, 10**6
"""Settings of a feature extractor that count samples, and the greatest value of them that makes sense."""


def fit(request: FitRequest, made: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return both sample rates in Hz, and the samples that 95 % of the clips do not exceed at the model's.

    `made` is what a new model has in place of a checkpoint's files.
    """
    rate = int(settings_of(request.files).get("sampling_rate", 16000))
    shortest = _receptive_field(configuration(request.files, made or {}))
    return {"from": given_rate(request), "rate": rate, "length": max(shortest, usual_length(request, rate))}


def given_rate(request: FitRequest) -> int:
    """Return the sample rate of the task's clips in Hz. Raises `BadInputError` for none."""
    if request.sample_rate is None:
        raise BadInputError("The task gives no sample rate for its audio: set TaskData.sample_rate.")
    return request.sample_rate


def usual_length(request: FitRequest, rate: int) -> int:
    """Return the samples at `rate` that 95 % of the clips do not exceed, at most `max_seconds`.

    In the layout `sequence`, where what is cut off is missed, all clips and longer ones have room.
    """
    sizes = [len(clip) for clip in request.inputs]
    usual = ROOM * max(sizes) if request.layout == "sequence" else np.percentile(sizes, 95)
    usual = usual * rate / given_rate(request)
    return int(min(float(request.options["max_seconds"]) * rate, usual))


def fit_new(request: FitRequest) -> dict[str, Any]:
    """Return what `fit` does, and the configuration of a new wav2vec 2.0 of the size that the options give."""
    options = request.options
    hidden, dropout = int(options["hidden"]), float(options["dropout"])
    config = {
        "model_type": "wav2vec2",
        "hidden_size": hidden,
        "num_hidden_layers": int(options["layers"]),
        "num_attention_heads": int(options["heads"]),
        "intermediate_size": 2 * hidden,
        "conv_dim": [int(options["channels"])] * CONVOLUTIONS,
        "num_conv_pos_embeddings": POSITIONS,
        "num_conv_pos_embedding_groups": int(options["heads"]),
        # Each frame is normalised by itself. The other form, `group`, normalises over time: what a clip is padded
        # with would change its features, and transformers masks nothing in it.
        "feat_extract_norm": "layer",
        "conv_bias": True,
        "do_stable_layer_norm": True,
        "hidden_dropout": dropout,
        "attention_dropout": dropout,
        "activation_dropout": dropout,
        "feat_proj_dropout": dropout,
        "layerdrop": 0.0,
    }
    made = {"config": config}
    return {**made, **fit(request, made)}


def settings_of(files: Mapping[str, Path]) -> dict[str, Any]:
    """Return the settings of the feature extractor that came with the model; none where it came without."""
    if EXTRACTOR not in files:
        return {}
    try:
        settings = json.loads(files[EXTRACTOR].read_text(encoding="utf-8"))
    except (ValueError, RecursionError):
        settings = None
    if not isinstance(settings, dict):
        raise BadInputError(f'"{files[EXTRACTOR]}" is not a JSON object: download it again.')
    for key in COUNTS & settings.keys():
        if type(settings[key]) is not int or not 0 < settings[key] <= MOST:
            raise BadInputError(
                f'"{files[EXTRACTOR]}" has {key}={settings[key]!r}, expected a whole number from 1 to {MOST}: correct '
                f"it."
            )
    return settings


def _receptive_field(config: Any) -> int:
    """Return how many samples make one frame."""
    size = 1
    for kernel, stride in zip(reversed(config.conv_kernel), reversed(config.conv_stride), strict=True):
        size = (size - 1) * stride + kernel
    return int(size)


def prepare(request: PrepareRequest) -> Columns:
    """Return waveforms `(N, T)` int16 at the model's rate, and how many samples each clip has, `(N,)` int32."""
    _warn_of_cuts(request)
    clips, lengths = prepare_each(preprocessor, request)
    return np.stack(clips), np.stack(lengths)


def _warn_of_cuts(request: PrepareRequest) -> None:
    """Warn of clips whose transcripts have no sound any more at their beginning and end."""
    longest = int(request.fitted["length"]) * int(request.fitted["from"]) // int(request.fitted["rate"])
    if request.layout == "sequence" and (cut := sum(len(clip) > longest for clip in request.inputs)):
        warnings.warn(
            f"{cut} of {len(request.inputs)} clips are longer than {longest / int(request.fitted['from']):.3g} s and "
            f"are cut on both sides: what is said there cannot be heard. Use a larger --set backbone.max_seconds=...",
            stacklevel=1,
        )


def augment(request: AugmentRequest) -> Tensors:
    """Return waveforms and lengths with the transformations that the task names."""
    return vary_sounds(request, int(request.fitted["rate"]))


def build(request: BuildRequest) -> Encoder:
    """Return the encoder."""
    config, settings = configuration(request.files, request.fitted), settings_of(request.files)
    # Masks of pre-training are drawn by numpy, whose seed is not ours; their embedding would never be trained.
    config.apply_spec_augment, config.mask_time_prob, config.mask_feature_prob = False, 0.0, 0.0
    model, lacking = load(auto_class("pooled"), request.files, config, request.options)
    masks = bool(settings.get("return_attention_mask", config.feat_extract_norm == "layer"))
    normalise, pooled = bool(settings.get("do_normalize", True)), request.layout == "pooled"
    encoder = SpeechEncoder(model, normalise=normalise, masks=masks, pooled=pooled)
    encoder.coverage = covered(model, lacking)
    return encoder


class SpeechEncoder(Encoder):
    """Waveforms `(N, T)` int16 and their lengths `(N,)` -> features `(N, D)`, or of frames `(N, F, D)`."""

    def __init__(self, model: Any, normalise: bool, masks: bool, pooled: bool = True) -> None:
        super().__init__()
        self.normalise, self.masks, self.pooled = normalise, masks, pooled
        self.feature_dim = model.config.hidden_size
        self.model = model

    def forward(self, waveforms: Tensor, lengths: Tensor) -> Tensor:
        there = torch.arange(waveforms.shape[1], device=waveforms.device) < lengths[:, None]
        samples = waveforms.float() / 32768
        if self.normalise:
            samples = _standardised(samples, there)
        states: Tensor = self.model(samples, attention_mask=there.long() if self.masks else None)[0]
        if not self.pooled:
            return states
        frames = torch.arange(states.shape[1], device=states.device) < self.frames(lengths)[:, None]
        return (states * frames[..., None]).sum(1) / frames.sum(1, keepdim=True)

    def units(self, *inputs: Tensor) -> Tensor | None:
        if self.pooled:
            return None
        waveforms, lengths = inputs
        total = waveforms.shape[1]
        return own_frames(int(self.frames(torch.tensor(total))), lengths, total)

    def blocks(self) -> list[nn.Module]:
        """Return convolutions, projection and layers; some models normalise behind the layers instead of before."""
        blocks, config = blocks_of(self.model), self.model.config
        if getattr(config, "do_stable_layer_norm", False):
            last = self.model.encoder.layer_norm
            blocks = [*(block for block in blocks if block is not last), last]
        return blocks

    def frames(self, lengths: Tensor) -> Tensor:
        """Return how many frames come from a clip's own samples, one at least."""
        count = lengths.long()
        for kernel, stride in zip(self.model.config.conv_kernel, self.model.config.conv_stride, strict=True):
            count = torch.div(count - kernel, stride, rounding_mode="floor") + 1
        return count.clamp(min=1)


def own_frames(frames: int, lengths: Tensor, total: int) -> Tensor:
    """Return which of a number of frames are a clip's own, `(N, frames)` bool, of clips padded to `total` samples."""
    count = torch.div(frames * lengths.long() + total - 1, total, rounding_mode="floor").clamp(min=1)
    return torch.arange(frames, device=lengths.device) < count[:, None]


def _standardised(samples: Tensor, there: Tensor) -> Tensor:
    """Return samples with mean 0 and variance 1 in each clip, and 0 behind its end, as the models were trained."""
    size = there.sum(1, keepdim=True).clamp(min=1)
    mean = (samples * there).sum(1, keepdim=True) / size
    centred = (samples - mean) * there
    return centred / (centred.square().sum(1, keepdim=True) / size + 1e-7).sqrt()


def save(request: SaveRequest) -> None:
    """Write config.json, model.safetensors and the feature extractor's settings, without the head."""
    from transformers import Wav2Vec2FeatureExtractor

    encoder = request.encoder
    assert isinstance(encoder, SpeechEncoder)
    write(encoder.model, request.folder)
    if EXTRACTOR in request.files:
        shutil.copyfile(request.files[EXTRACTOR], request.folder / EXTRACTOR)
        return
    extractor = Wav2Vec2FeatureExtractor(  # type: ignore[no-untyped-call]
        sampling_rate=int(request.fitted["rate"]),
        do_normalize=encoder.normalise,
        return_attention_mask=encoder.masks,
    )
    extractor.save_pretrained(request.folder)
