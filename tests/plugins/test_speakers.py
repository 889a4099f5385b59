"""The encoder of speakers beside the spectrogram of transformers and the parts of Resemblyzer."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional

from tlbench.testing.backbones import CHECKS, export_matches_the_model
from tlbench.testing.bench import Bench
from tlbench_speech.speakers import encoder as speakers
from tlbench_speech.speakers.find import find_speaker

RATE = speakers.RATE


def encoder(length, rate=RATE):
    torch.manual_seed(0)
    return speakers.SpeakerEncoder({"sample_rate": rate, "length": length}).eval()


def clip(seed, samples, loudness=3000.0):
    drawn = np.random.default_rng(seed).normal(0, loudness, samples)
    return torch.from_numpy(drawn.clip(-32768, 32767).astype(np.int16))


def features(model, *clips):
    length = max(map(len, clips))
    padded = torch.stack([functional.pad(one, (0, length - len(one))) for one in clips])
    with torch.no_grad():
        return model(padded, torch.tensor([len(one) for one in clips]))


def published_starts(samples):
    """Return where Resemblyzer's parts begin, in frames: `compute_partial_slices` with its usual arguments."""
    frames = int(np.ceil((samples + 1) / 160))
    starts = list(range(0, max(1, frames - 160 + 77 + 1), 77))
    if len(starts) > 1 and (samples - 160 * starts[-1]) / (160 * 160) < 0.75:
        del starts[-1]
    return starts


def test_a_clip_has_as_many_parts_as_in_resemblyzer():
    for samples in [1, 159, 160, 161, *range(1000, 200_000, 331)]:
        assert speakers.parts(samples) == len(published_starts(samples)), samples


def test_a_feature_is_the_mean_over_parts_of_the_spectrogram_of_transformers():
    from transformers.audio_utils import mel_filter_bank, spectrogram, window_function

    samples = 36_000
    model, waveform = encoder(samples), clip(1, samples)
    starts = published_starts(samples)
    padded = np.pad(waveform.numpy() / 32768, (0, 160 * (starts[-1] + 160) - samples))
    filters = mel_filter_bank(201, 40, 0, 8000, RATE, norm="slaney", mel_scale="slaney")
    frames = spectrogram(
        padded, window_function(400, "hann"), 400, 160, power=2.0, pad_mode="constant", mel_filters=filters
    ).T
    parts = torch.tensor(np.stack([frames[start : start + 160] for start in starts]), dtype=torch.float32)
    with torch.no_grad():
        _, (hidden, _) = model.lstm(parts)
        embedded = torch.relu(model.linear(hidden[-1]))
    embedded = embedded / embedded.norm(dim=1, keepdim=True)
    mean = embedded.mean(0)
    assert torch.allclose(features(model, waveform)[0], mean / mean.norm(), atol=1e-5)


def test_padding_changes_nothing():
    model = encoder(70_000)
    short, long = clip(2, 21_000), clip(3, 70_000)
    alone = features(encoder(21_000), short)
    assert torch.allclose(features(model, short, long)[0], alone[0], atol=1e-6)


def test_a_faint_clip_is_made_louder_and_a_loud_one_stays():
    model = encoder(30_000)
    faint, loud = clip(4, 30_000, 200.0), clip(4, 30_000, 3000.0)
    with torch.no_grad():
        scaled = speakers._loud(faint[None].float() / 32768, torch.tensor([30_000]))
        kept = speakers._loud(loud[None].float() / 32768, torch.tensor([30_000]))
    assert 20 * scaled.square().mean().sqrt().log10() == pytest.approx(-30, abs=1e-3)
    assert torch.equal(kept, loud[None].float() / 32768)
    assert features(model, torch.zeros(30_000, dtype=torch.int16)).isfinite().all()


def test_clips_of_another_rate_are_resampled():
    time = torch.arange(16_000) / RATE
    tone = (8000 * torch.sin(2 * torch.pi * 440 * time)).short()
    at_once = features(encoder(16_000), tone)
    resampled = features(encoder(8_000, rate=8_000), tone[::2])
    assert functional.cosine_similarity(at_once, resampled) > 0.99


def test_a_checkpoint_of_resemblyzer_passes_the_conformance_tests(catalog, tmp_path):
    state = {"similarity_weight": torch.ones(1), "similarity_bias": torch.ones(1)}
    state |= {name: part for name, part in encoder(1).state_dict().items() if name.startswith(("lstm.", "linear."))}
    folder = tmp_path / "mine"
    folder.mkdir()
    torch.save({"step": 1, "model_state": state, "optimizer_state": {}}, folder / "pretrained.pt")
    bench = Bench(catalog=catalog, folder=tmp_path)
    for check in CHECKS:
        if check is not export_matches_the_model:  # Tracing an LSTM takes half a minute; a run of it checks the parity.
            check(find_speaker(str(folder)), bench)
