"""Voices that are synthesised: what their sounds show of them, what a telephone leaves, and the task of their pairs."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

pytest.importorskip("torchaudio")

from tlbench_speech import vocal_tract
from tlbench_speech.verification import voices
from tlbench_speech.verification.kind_spec import ANSWERS
from tlbench_speech.verification.specs import verification_tasks
from tlbench_speech.vocal_tract import FREQUENCIES, RATE, draw_voice, say

SMALL = voices.Part(speakers=12, clips=5)
TASK = next(task for task in verification_tasks() if task.name == "speech/voices-telephone")


def small(domain):
    return voices.side(domain._replace(train=SMALL, test=SMALL))


@pytest.fixture(scope="module")
def source():
    return small(voices.SOURCE)


@pytest.fixture(scope="module")
def target():
    return small(voices.TARGET)


def cepstra(clips):
    """Return the mean of the cepstra of each clip, from an implementation that no backbone uses."""
    from transformers.audio_utils import mel_filter_bank, spectrogram, window_function

    filters = mel_filter_bank(257, 40, 0, 8000, RATE)
    made = [
        spectrogram(clip, window_function(400, "hann"), 400, 160, fft_length=512, mel_filters=filters, log_mel="log10")
        for clip in clips
    ]
    cosines = np.cos(np.pi * np.arange(1, 20)[:, None] * (np.arange(40) + 0.5) / 40)
    means = np.stack([(cosines @ one).mean(1) for one in made])
    return (means - means.mean(0)) / means.std(0)


@pytest.mark.parametrize("domain", ["source", "target"])
@pytest.mark.parametrize("split", ["train", "test"])
def test_two_clips_of_one_speaker_are_closer_than_clips_of_two(domain, split, request):
    part = getattr(request.getfixturevalue(domain), split)
    means, speakers = cepstra(part.inputs), np.array(part.labels)
    first, second = np.triu_indices(len(speakers), 1)
    distance = np.linalg.norm(means[first] - means[second], axis=1)
    same = speakers[first] == speakers[second]
    assert distance[same].mean() < 0.9 * distance[~same].mean()
    assert roc_auc_score(same, -distance) > 0.6


def test_a_voice_has_its_pitch():
    random = np.random.default_rng(1)
    for _ in range(6):
        voice = draw_voice(random)
        clip = say(voice, voices.SYLLABLES, random)
        spectrum = np.abs(np.fft.rfft(clip, 2 * len(clip))) ** 2
        likeness = np.fft.irfft(spectrum)[: len(clip)]
        lags = np.arange(RATE // 400, RATE // 60)
        pitch = RATE / lags[likeness[lags].argmax()]
        assert min(abs(np.log2(pitch / voice.pitch) - octave) for octave in (-1, 0, 1)) < 0.4


def test_a_tract_resonates_where_its_resonances_are():
    places = np.array([[500.0, 1500.0, 2500.0]])
    (gains,) = vocal_tract._gains(places, np.ones(3))
    assert gains[0] == pytest.approx(1.0)
    peaks = FREQUENCIES[1:-1][(gains[1:-1] > gains[:-2]) & (gains[1:-1] > gains[2:])]
    assert np.abs(peaks - places[0]).max() < 32
    (wider,) = vocal_tract._gains(places, np.array([1.0, 1.0, 2.0]))
    third = np.abs(FREQUENCIES - 2500).argmin()
    assert gains[third] > 1.5 * wider[third]


def test_a_line_keeps_its_band():
    time = np.arange(RATE) / RATE
    pitches = np.array([[100], [1000], [5000]])
    made = voices.call(np.pad(np.sin(2 * np.pi * pitches * time).sum(0), voices.MARGIN), np.random.default_rng(0))
    heard = np.abs(np.fft.rfft(made[voices.MARGIN : -voices.MARGIN]))[pitches[:, 0]]
    assert heard[1] > 20 * max(heard[0], heard[2])


def test_a_signal_is_companded_to_256_values_by_the_formula_of_mu_law():
    """Its steps are even in sign(x) ln(1 + 255 |x|) / ln(256)."""
    even = np.linspace(-1, 1, 4001)
    made = voices.companded(np.sign(even) * (256 ** np.abs(even) - 1) / 255)
    assert len(np.unique(made)) == voices.LEVELS
    assert np.abs(np.sign(made) * np.log1p(255 * np.abs(made)) / np.log(256) - even).max() < 1.01 / 255


def test_the_data_is_the_same_for_every_call(source, target):
    for domain, made in ((voices.SOURCE, source), (voices.TARGET, target)):
        again = small(domain)
        for split in ("train", "test"):
            one, other = getattr(made, split), getattr(again, split)
            assert all(np.array_equal(*pair) for pair in zip(one.inputs, other.inputs, strict=True))
            assert one.labels == other.labels
            assert len({clip.tobytes() for clip in one.inputs}) == len(one.inputs)


def test_no_speaker_is_in_two_splits_and_clips_are_waveforms(source, target):
    parts = [getattr(side, split) for side in (source, target) for split in ("train", "test")]
    speakers = [set(part.groups) for part in parts]
    assert len(set.union(*speakers)) == len(parts) * SMALL.speakers
    for part in parts:
        assert np.bincount(part.labels).tolist() == [SMALL.clips] * SMALL.speakers
        assert len({name for name, partners in part.references if partners is None}) == len(part.inputs)
        for clip in part.inputs:
            assert clip.dtype == np.float32
            assert np.abs(clip).max() == pytest.approx(0.9)
            assert 0.5 < len(clip) / RATE < 2.0
    assert source.labels == target.labels == ANSWERS


def test_the_spec_says_the_sizes_of_the_splits():
    for domain, said in ((voices.SOURCE, TASK.source), (voices.TARGET, TASK.target)):
        for part in (domain.train, domain.test):
            assert f"{part.speakers} " in said
            assert f"{part.speakers * part.clips:,}" in said
    clips = voices.TARGET.test.speakers * voices.TARGET.test.clips
    assert f"{clips * (clips - 1) // 2:,} pairs" in TASK.target
