"""Synthesised commands, the log-mel backbone, and one run of them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tlbench import BadInputError, BuildRequest, FitRequest, LoadRequest, PrepareRequest, TlbenchError
from tlbench.planning.catalog import load_catalog

pytest.importorskip("espeakng_loader")
pytest.importorskip("torchaudio")

import espeakng_loader

from tlbench_speech.backbones import logmel
from tlbench_speech.recording import quiet_room, telephone
from tlbench_speech.synthesis import Utterance, speak, trim
from tlbench_speech.tasks.commands import LABELS, MARGIN, SAMPLE_RATE, SOURCE, TARGET, load

TASK = "speech/commands-accents"
OPTIONS = {"width": 8, "max_seconds": 2.0}
VOICES = (*SOURCE.voices, *TARGET.voices)


def utterance(voice, text="yes", rate=170):
    return Utterance(text=text, voice=voice, rate=rate, pitch=50, range=50)


@pytest.fixture(scope="module")
def data():
    return load(LoadRequest(task=TASK, options={}, data_root=None))


@pytest.fixture(scope="module")
def catalog():
    return load_catalog()


def build(sample_rate=SAMPLE_RATE, seconds=0.6):
    torch.manual_seed(0)
    fitted = {"sample_rate": sample_rate, "length": int(seconds * sample_rate)}
    return logmel.build(BuildRequest(fitted=fitted, layout="pooled", options=OPTIONS)), fitted


def prepare(waveforms, fitted):
    return logmel.prepare(PrepareRequest(inputs=waveforms, fitted=fitted, layout="pooled", options=OPTIONS))[0]


def tones(sample_rate, count=6, seconds=0.5):
    random = np.random.default_rng(0)
    time = np.arange(int(seconds * sample_rate)) / sample_rate
    pitches = np.linspace(200, 0.4 * sample_rate, count)
    return [(0.5 * np.sin(2 * np.pi * pitch * time) + 0.01 * random.normal(size=len(time))) for pitch in pitches]


def test_two_processes_say_the_same_in_every_voice():
    corpus = [utterance(voice, word, rate) for voice in VOICES for word, rate in (("stop", 140), ("no", 200))]
    first, second = speak(corpus), speak(corpus)
    assert len(first) == len(corpus)
    assert all(np.array_equal(one, other) for one, other in zip(first, second, strict=True))
    assert len({clip.tobytes() for clip in first}) == len(corpus)


def test_no_voice_breathes():
    folder = f"{espeakng_loader.get_data_path()}/voices/!v"
    for variant in {voice.partition("+")[2] for voice in VOICES} - {""}:
        with open(f"{folder}/{variant}") as lines:
            assert not any(line.startswith("breath") for line in lines), variant


def test_a_voice_that_is_not_there_is_named():
    with pytest.raises(TlbenchError, match='no voice "en-nowhere"'):
        speak([utterance("en-nowhere")])


def test_trimming_takes_the_silence_and_nothing_else():
    assert trim(np.array([0, 1, 900, 0, -1000, 2, 0], np.int16)).tolist() == [900, 0, -1000]
    assert trim(np.zeros(4, np.int16)).tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize(
    ("side", "split", "size"),
    [("source", "train", 1200), ("source", "test", 400), ("target", "train", 800), ("target", "test", 600)],
)
def test_splits_have_the_published_sizes_and_all_words_alike(data, side, split, size):
    part = getattr(getattr(data, side), split)
    assert len(part.inputs) == size
    assert np.bincount(part.labels).tolist() == [size // len(LABELS)] * len(LABELS)
    for clip in part.inputs:
        assert clip.dtype == np.float32
        assert np.abs(clip).max() == pytest.approx(0.9)
        assert 0.2 < len(clip) / data.sample_rate < 1.0


def test_the_telephone_keeps_its_band():
    time = np.arange(SAMPLE_RATE) / SAMPLE_RATE
    power = {
        pitch: np.mean(telephone(np.sin(2 * np.pi * pitch * time), SAMPLE_RATE, MARGIN, np.random.default_rng(0)) ** 2)
        for pitch in (100, 1000, 5000)
    }
    assert power[1000] == pytest.approx(0.5, rel=0.2)
    assert max(power[100], power[5000]) < 0.01 * power[1000]


def test_the_quiet_room_is_20_to_30_decibels_below_the_word():
    word = np.pad(np.sin(np.arange(5000) / 5), MARGIN)
    for seed in range(20):
        noise = quiet_room(word, MARGIN, np.random.default_rng(seed)) - word
        ratio = 10 * np.log10(np.mean(word[MARGIN:-MARGIN] ** 2) / np.mean(noise**2))
        assert 19.9 < ratio < 30.1


def test_fit_takes_rate_and_usual_length_from_the_clips():
    clips = [np.zeros(3000, np.int16)] * 99 + [np.zeros(90000, np.int16)]
    assert logmel.fit(FitRequest(inputs=clips, options=OPTIONS, sample_rate=8000)) == {
        "sample_rate": 8000,
        "length": 3000,
    }
    long = logmel.fit(FitRequest(inputs=clips[-1:], options=OPTIONS, sample_rate=8000))
    assert long["length"] == 16000
    with pytest.raises(BadInputError, match=r"TaskData\.sample_rate"):
        logmel.fit(FitRequest(inputs=clips, options=OPTIONS))


def test_prepare_pads_and_cuts_on_both_sides():
    fitted = {"sample_rate": 8000, "length": 6}
    made = prepare([np.ones(2, np.int16), np.arange(10, dtype=np.int16), np.array([-2.0, 0.5], np.float32)], fitted)
    assert made.dtype == np.int16
    assert made.tolist() == [[0, 0, 1, 1, 0, 0], [2, 3, 4, 5, 6, 7], [0, 0, -32767, 16384, 0, 0]]


@pytest.mark.parametrize(
    ("waveform", "says"),
    [
        (np.zeros((2, 50), np.float32), "one channel"),
        (np.zeros(50, np.uint8), "uint8"),
        (np.array([0.0, np.nan]), "not finite"),
    ],
)
def test_prepare_refuses_what_is_no_waveform(waveform, says):
    with pytest.raises(BadInputError, match=says):
        prepare([waveform], {"sample_rate": 8000, "length": 6})


@pytest.mark.parametrize("sample_rate", [8000, 11025, 16000, 22050, 44100, 48000])
def test_every_mel_hears_something_at_every_rate(sample_rate):
    encoder, fitted = build(sample_rate)
    assert (encoder.mel.mel_scale.fb.sum(0) > 0).all()
    features = encoder.eval()(torch.from_numpy(prepare(tones(sample_rate), fitted)))
    assert features.shape == (6, encoder.feature_dim)
    assert len(torch.unique(features, dim=0)) == 6


def test_a_clip_does_not_hear_its_neighbours_and_loudness_does_not_count():
    encoder, fitted = build()
    encoder.eval()
    loud, *_ = tones(SAMPLE_RATE)
    batch = torch.from_numpy(prepare([0.02 * loud, loud, np.zeros(100)], fitted))
    together = encoder(batch)
    alone = encoder(batch[:1])
    assert torch.allclose(together[:1], alone, atol=1e-5)
    assert torch.allclose(together[0], together[1], atol=0.05)
    assert torch.isfinite(together).all()


def test_training_varies_by_the_global_seed_and_evaluation_does_not():
    encoder, fitted = build()
    batch = torch.from_numpy(prepare(tones(SAMPLE_RATE), fitted))
    spectrogram = encoder.spectrogram(batch)
    torch.manual_seed(1)
    first, second = logmel.vary(spectrogram), logmel.vary(spectrogram)
    torch.manual_seed(1)
    assert torch.equal(logmel.vary(spectrogram), first)
    assert not torch.equal(first, second)
    assert first.shape == spectrogram.shape
    encoder.eval()
    assert torch.equal(encoder(batch), encoder(batch))
    encoder.train()
    assert not torch.equal(encoder(batch), encoder(batch))


def test_a_varied_spectrogram_is_moved_and_masked():
    ramp = torch.arange(32.0)[:, None] * 100 + torch.arange(50.0) + 1
    torch.manual_seed(0)
    varied = logmel.vary(ramp.repeat(40, 1, 1))
    silenced = varied.abs().amax(2) < 2
    assert (silenced.sum(1) == 4).all()
    rows = (varied - ramp)[:, 10].mean(1)[~silenced[:, 10]] / 100
    assert rows.abs().max() < 2.5
    assert len(rows.round().unique()) == 5
