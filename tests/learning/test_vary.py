"""Transformations of texts, sounds, series and rows: what the papers promise, and what must not change."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
import torch

from tlbench import AugmentRequest, UnknownNameError
from tlbench.learning import vary_rows, vary_series, vary_sounds, vary_texts
from tlbench.learning.vary import numbers, sounds, texts

RATE = 8000
CLS, SEP = 1, 2


def request(*inputs, names, strength="weak", seed=0):
    return AugmentRequest(inputs=inputs, names=names, strength=strength, generator=torch.Generator().manual_seed(seed))


def nothing(ranges):
    return ranges(**{field.name: 0 for field in fields(ranges)})


def sentences(size=400, words=20, padded=4):
    """Return `[CLS] words [SEP] padding`, each word another number."""
    body = torch.arange(3, 3 + words).expand(size, -1)
    ends = torch.full((size, 1), CLS), torch.full((size, 1), SEP)
    return torch.cat([ends[0], body, ends[1], torch.zeros(size, padded)], 1).int()


# Texts


@pytest.mark.parametrize("strength", ["weak", "strong"])
def test_words_are_dropped_at_the_rate_and_the_others_stay_in_order(strength):
    ids = sentences()
    (made,) = vary_texts(request(ids, names=("word-dropout",), strength=strength), (CLS, SEP))
    assert made.dtype == ids.dtype
    assert made.shape == ids.shape
    rate = texts.RANGES[strength].dropped
    dropped = 1 - ((made > SEP).sum() / (ids > SEP).sum()).item()
    assert abs(dropped - rate) < 4 * (rate * (1 - rate) / (ids > SEP).sum().item()) ** 0.5
    for row in made.tolist():
        kept = [token for token in row if token]
        assert row == kept + [0] * (len(row) - len(kept))
        assert kept[0] == CLS
        assert kept[-1] == SEP
        assert kept[1:-1] == sorted(set(kept[1:-1]))


def test_one_word_at_least_stays():
    ids = sentences(size=200, words=2)
    all_dropped = texts.Ranges(dropped=1.0, places=0)
    (made,) = texts.word_dropout((ids,), ids <= SEP, torch.Generator().manual_seed(0), all_dropped)
    assert ((made > SEP).sum(1) == 1).all()
    assert set(made[:, 1].tolist()) == {3, 4}


@pytest.mark.parametrize("strength", ["weak", "strong"])
def test_no_word_moves_further_than_its_range_or_past_a_special_token(strength):
    ids = sentences()
    ids[:, 9] = SEP  # A pair of texts.
    segments = (torch.arange(ids.shape[1]) > 9).int().expand_as(ids)
    made, moved = vary_texts(request(ids, segments, names=("word-swap",), strength=strength), (CLS, SEP))
    fixed = ids <= SEP
    assert torch.equal(made[fixed], ids[fixed])
    assert torch.equal(made.sort(1).values, ids.sort(1).values)
    assert torch.equal(moved, segments)
    distance = (made.argsort(dim=1, stable=True) - ids.argsort(dim=1, stable=True)).abs().max().item()
    assert distance == texts.RANGES[strength].places


def test_a_text_of_special_tokens_alone_stays():
    ids = torch.tensor([[CLS, SEP, 0], [0, 0, 0]]).int()
    (made,) = vary_texts(request(ids, names=("word-dropout", "word-swap"), strength="strong"), (CLS, SEP))
    assert torch.equal(made, ids)


# Sounds


def clips(size=64, length=4000):
    return (8000 * torch.randn(size, length, generator=torch.Generator().manual_seed(5))).clamp(-32768, 32767).short()


@pytest.mark.parametrize("strength", ["weak", "strong"])
def test_noise_keeps_its_ratio_to_the_signal(strength):
    waveforms = clips() // 4
    (made,) = vary_sounds(request(waveforms, names=("noise",), strength=strength), RATE)
    power = [(one.double() ** 2).mean(1) for one in (waveforms, made - waveforms)]
    ratio = 10 * (power[0] / power[1]).log10()
    ranges = sounds.RANGES[strength]
    assert ratio.min() > ranges.loudest - 0.5
    assert ratio.max() < ranges.quietest + 0.5
    assert ratio.max() - ratio.min() > 0.7 * (ranges.quietest - ranges.loudest)


@pytest.mark.parametrize("strength", ["weak", "strong"])
def test_masks_are_no_longer_and_no_wider_than_their_ranges(strength):
    """SpecAugment: at most T of the time, at most F of the mel channels."""
    waveforms, ranges = clips().clamp(min=1), sounds.RANGES[strength]
    (made,) = vary_sounds(request(waveforms, names=("time-mask",), strength=strength), RATE)
    silent = (made == 0).float().mean(1)
    assert 0.8 * ranges.time < silent.max() <= ranges.time + 1 / 4000
    masked = sounds.Clips(clips().float(), None, RATE)
    cut = sounds.frequency_mask(masked, torch.Generator().manual_seed(0), ranges).samples
    lost = torch.fft.rfft(cut).abs() < 1e-5 * torch.fft.rfft(masked.samples).abs().mean()
    mels = 2595 * torch.log10(1 + torch.fft.rfftfreq(4000, 1 / RATE) / 700)
    for bins in lost:
        places = torch.nonzero(bins)[:, 0]
        if len(places) > 20:
            whole = (mels >= mels[places[0]]) & (mels <= mels[places[-1]])
            assert lost.shape[1] > whole.sum()
            assert bins[whole].float().mean() > 0.9
            assert mels[places[-1]] - mels[places[0]] <= ranges.band * mels[-1] + 1e-3


def test_another_speed_is_numpy_s_interpolation(monkeypatch):
    waveforms = clips(4, 501)
    monkeypatch.setattr(sounds.Clips, "uniform", lambda self, *rest: torch.tensor([[0.8], [0.95], [1.0], [1.2]]))
    made = sounds.speed(sounds.Clips(waveforms.float(), None, RATE), torch.Generator(), sounds.RANGES["weak"])
    for row, factor, samples in zip(made.samples.numpy(), (0.8, 0.95, 1.0, 1.2), waveforms.numpy(), strict=True):
        places = 250 + (np.arange(501) - 250) * factor
        inside = (places >= 0) & (places <= 500)
        expected = np.interp(places, np.arange(501), samples)
        np.testing.assert_allclose(row[inside], expected[inside], atol=2)
        assert abs(row[(places < -1) | (places > 501)]).sum() == 0


def test_lengths_follow_the_speed_and_silence_stays_behind_the_end():
    waveforms, lengths = clips(), torch.linspace(100, 4000, 64).int()
    waveforms = waveforms * (torch.arange(4000) < lengths[:, None])
    names = ("speed", "noise", "time-mask", "frequency-mask")
    made, left = vary_sounds(request(waveforms, lengths, names=names, strength="strong"), RATE)
    assert left.dtype == lengths.dtype
    assert (left >= 1).all()
    assert (left <= 4000).all()
    assert (left / lengths).min() > 1 / 1.21
    assert (left / lengths).max() < 1 / 0.79
    assert made[torch.arange(4000) >= left[:, None]].abs().max() == 0
    quiet = torch.zeros(2, 50, dtype=torch.int16)
    assert vary_sounds(request(quiet, names=names), RATE)[0].abs().max() == 0


@pytest.mark.parametrize("name", ["speed", "time-mask", "frequency-mask"])
def test_sounds_stay_without_a_range(name):
    before = sounds.Clips(clips(4).float(), None, RATE)
    after = sounds.TRANSFORMATIONS[name](before, torch.Generator().manual_seed(0), nothing(sounds.Ranges))
    assert (after.samples - before.samples).abs().max() < 0.1


# Series and rows


@pytest.mark.parametrize("strength", ["weak", "strong"])
def test_warped_time_only_rises_from_the_first_step_to_the_last(strength):
    times = numbers.warped_times(300, 50, torch.Generator().manual_seed(0), numbers.RANGES[strength].warp)
    assert (times[:, 0] == 0).all()
    assert torch.allclose(times[:, -1], torch.tensor(49.0))
    assert (times.diff(dim=1) > 0).all()
    assert torch.allclose(numbers.warped_times(2, 50, torch.Generator(), 0.0), torch.arange(50.0).expand(2, -1))
    series = torch.arange(50.0).expand(300, 2, -1)
    (made,) = vary_series(request(series, names=("time-warp",), strength=strength))
    assert torch.allclose(made[:, 0], times, atol=1e-4)


def test_jitter_and_scaling_have_the_paper_s_size():
    series = torch.sin(torch.linspace(0, 60, 400)).expand(500, 3, -1) * torch.tensor([1.0, 100.0, 0.0])[:, None]
    (made,) = vary_series(request(series, names=("jitter",)))
    ratio = (made - series).std((0, 2)) / series.std((0, 2)).clamp(min=1e-9)
    assert torch.allclose(ratio[:2], torch.tensor(0.05), rtol=0.02)
    assert ratio[2] == 0
    (scaled,) = vary_series(request(series, names=("scaling",)))
    factors = (scaled[:, :2] / series[:, :2])[..., 1:]
    assert torch.allclose(factors, factors[..., :1], rtol=1e-4)
    assert abs(factors[..., 0].std().item() - 0.1) < 0.01
    for one in (series[..., :1], series[..., :2]):
        assert vary_series(request(one, names=("jitter", "scaling", "time-warp")))[0].shape == one.shape


def test_rows_keep_their_whole_numbers():
    generator = torch.Generator().manual_seed(0)
    rows = torch.randn(2000, 3, generator=generator) * torch.tensor([1.0, 50.0, 1.0])
    rows[:, 2] = (rows[:, 2] > 0).float()
    (made,) = vary_rows(request(rows, names=("jitter",), strength="strong"))
    assert torch.equal(made[:, 2], rows[:, 2])
    assert torch.allclose((made - rows).std(0)[:2] / rows.std(0)[:2], torch.tensor(0.15), rtol=0.05)


@pytest.mark.parametrize("vary", [vary_series, vary_rows])
def test_an_unknown_transformation_is_named(vary):
    with pytest.raises(UnknownNameError, match=r'"jiter".*jitter'):
        vary(request(torch.zeros(2, 2, 2), names=("jiter",)))
