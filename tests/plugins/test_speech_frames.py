"""The backbone audio/logmel-frames."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch

from tlbench import BadInputError, BuildRequest, FitRequest, PrepareRequest
from tlbench.learning import Inputs, TransferModel

pytest.importorskip("torchaudio")

from tlbench_speech.backbones import frames
from tlbench_speech.backbones.frame_samples import preprocessor
from tlbench_speech.transcripts.best_path import BestPath

OPTIONS = {"width": 16, "max_seconds": 2.0}
RATE = 8000
FITTED = {"sample_rate": RATE, "window": 200, "longest": 2 * RATE}


def clips(*sizes):
    random = np.random.default_rng(0)
    return [(0.3 * random.standard_normal(size)).astype(np.float32) for size in sizes]


def prepare(waveforms, layout="sequence"):
    return frames.prepare(PrepareRequest(inputs=waveforms, fitted=FITTED, layout=layout, options=OPTIONS))


def build(layout="sequence"):
    torch.manual_seed(0)
    return frames.build(BuildRequest(fitted=FITTED, layout=layout, options=OPTIONS)).eval()


def test_fit_takes_window_and_longest_from_the_rate():
    request = FitRequest(inputs=clips(8000), options=OPTIONS, sample_rate=11025, layout="sequence")
    assert frames.fit(request) == {"sample_rate": 11025, "window": 276, "longest": 22050}
    with pytest.raises(BadInputError, match="sample rate"):
        frames.fit(FitRequest(inputs=clips(8000), options=OPTIONS, layout="sequence"))


@pytest.mark.parametrize("layout", ["sequence", "pooled"])
def test_a_clip_does_not_hear_its_neighbours(layout):
    waveforms = clips(3000, 9000, 120, 5001)
    batch = Inputs(prepare(waveforms)).batch(np.arange(4))
    encoder = build(layout)
    for layer in encoder.layers:  # At the start the norms have no biases.
        torch.nn.init.normal_(layer.norm.bias)
    model = TransferModel(encoder, {})
    with torch.no_grad():
        together = model.encoded(*batch)
        for place, waveform in enumerate(waveforms):
            alone = model.encoded(*Inputs(prepare([waveform])).batch(np.arange(1)))
            assert torch.allclose(together.split()[place], alone.units, atol=1e-5)


def test_there_is_a_frame_for_each_20_ms_and_one_at_least():
    encoder = build()
    batch = Inputs(prepare(clips(RATE, 100, 1000))).batch(np.arange(3))
    with torch.no_grad():
        features, units = encoder(*batch), encoder.units(*batch)
    assert features.shape[:2] == units.shape
    # (8000 - 200) // 80 + 1 = 98 spectra, two in a frame.
    assert units.sum(1).tolist() == [49, 1, 6]
    assert not features[~units].any()


def test_an_export_keeps_all_frames_of_a_clip_that_runs_alone():
    encoder, prepare_one = build(), preprocessor(FITTED, OPTIONS, "sequence")
    samples, own = prepare_one(clips(4321)[0])
    with torch.no_grad():
        outputs = encoder(torch.from_numpy(samples)[None], torch.from_numpy(own)[None])[0].numpy()
    assert len(BestPath().crop(outputs, None, [samples, own])) == len(outputs)


def test_an_export_carries_what_it_needs_of_other_modules():
    from tlbench.deploy.package.carried import source_of

    carried = {}
    exec(source_of(preprocessor), carried)
    prepared = [make(FITTED, OPTIONS, "sequence")(clips(4321)[0]) for make in (preprocessor, carried["preprocessor"])]
    assert all(map(np.array_equal, *prepared))
    with pytest.raises(ValueError, match="one channel"):
        carried["preprocessor"](FITTED, OPTIONS, "sequence")(np.zeros((5, 2)))


def test_what_is_cut_is_warned_of_and_what_is_no_waveform_refused():
    with pytest.warns(UserWarning, match=r"1 of 2 clips are longer than 2 s.*backbone.max_seconds"):
        columns = prepare(clips(20000, 4000))
    assert columns[1].tolist() == [16000, 4000]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        prepare(clips(16000))
    with pytest.raises(BadInputError, match="one channel"):
        prepare([np.zeros((100, 2), np.float32)])


def test_the_spectrogram_is_torchaudio_s():
    from torchaudio.transforms import MelSpectrogram

    encoder, batch = build(), Inputs(prepare(clips(RATE))).batch(np.arange(1))
    with torch.no_grad():
        mel = MelSpectrogram(RATE, n_fft=200, hop_length=80, f_max=4000, n_mels=frames.MELS, center=False)
        power = mel(batch[0].float()) + frames.SILENCE
        logarithm = (power / power.max()).clamp(min=frames.FLOOR).log()
        expected = (logarithm - logarithm.mean()) / logarithm.std(correction=0)
        assert torch.allclose(encoder.spectrogram(*batch), expected, atol=1e-3)


def test_loudness_does_not_count_and_silence_has_finite_features():
    encoder, (clip,) = build(), clips(4000)
    with torch.no_grad():
        loud, quiet, silent = (
            encoder(*Inputs(prepare([scale * clip])).batch(np.arange(1))) for scale in (0.5, 0.2, 0.0)
        )
    assert torch.allclose(loud, quiet, atol=0.05)
    assert torch.isfinite(silent).all()
