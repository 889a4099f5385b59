"""The resampling of waveforms, against torchaudio's."""

from __future__ import annotations

import numpy as np
import pytest

from tlbench.assets import resampled

RATES = [(8000, 16000), (44100, 16000), (16000, 8000), (48000, 16000), (22050, 16000), (11025, 8000), (16000, 44100)]


def sound(size, seed=0):
    random = np.random.default_rng(seed)
    return (0.3 * random.normal(size=size) + 0.5 * np.sin(np.arange(size) * 0.11)).clip(-1, 1).astype(np.float32)


@pytest.mark.parametrize(("rate", "wanted"), RATES)
@pytest.mark.parametrize("size", [1, 2, 7, 999, 5000])
def test_samples_agree_with_torchaudio_s_to_a_unit_of_int16(rate, wanted, size):
    torch, functional = pytest.importorskip("torch"), pytest.importorskip("torchaudio.functional")
    waveform = sound(size)
    expected = functional.resample(torch.from_numpy(waveform), rate, wanted).numpy()
    made = resampled(waveform, rate, wanted)
    assert (made.shape, made.dtype) == (expected.shape, np.float32)
    assert np.abs(made - expected).max() <= 1 / 32768


def test_a_waveform_at_the_wanted_rate_is_the_same():
    waveform = sound(10)
    assert resampled(waveform, 8000, 8000) is waveform


def test_rates_without_a_common_divisor_take_little_memory():
    """Every phase of the filter has weights of its own: of all at once there would be 16 GB."""
    made = resampled(sound(44101), 44101, 47999)
    assert made.shape == (47999,)
    assert np.abs(made).max() < 3


def test_a_tone_stays_a_tone():
    times = np.arange(8000) / 8000
    made = resampled(np.sin(2 * np.pi * 440 * times), 8000, 16000)
    expected = np.sin(2 * np.pi * 440 * np.arange(16000) / 16000)
    assert np.abs(made - expected)[200:-200].max() < 1e-3
