from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from fakes.hf_backbones import Made, clips, the_library_s
from safetensors.torch import load_file, save_file

from tlbench import BadInputError, UsageError
from tlbench_hf.find import find


def test_features_are_the_library_s(folders):
    import torch
    from transformers import WhisperFeatureExtractor

    made = Made(folders["whisper"], clips(), rate=16000)
    waveforms, lengths = made.columns
    assert waveforms.shape[1] == 3840
    extractor = WhisperFeatureExtractor.from_pretrained(folders["whisper"])
    sound = [clip / 32768 for clip in waveforms]
    ready = extractor(sound, sampling_rate=16000, padding=False, return_tensors="pt").input_features
    with torch.no_grad():
        states = the_library_s(folders["whisper"]).encoder(ready).last_hidden_state
    for feature, row, length in zip(made.features(), states, lengths, strict=True):
        assert np.allclose(feature, row[: -(-int(length) // 320)].mean(0).numpy(), atol=1e-4)


def test_a_window_of_short_clips_has_the_first_positions_alone(folders):
    import torch

    made, whole = (Made(folders["whisper"], inputs, rate=8000) for inputs in ([np.zeros(500, np.int16)], clips()))
    assert made.columns[0].shape[1] == 1280
    short, long = (one.model().encoder.model.embed_positions.weight for one in (made, whole))
    assert len(short) == 4
    assert torch.equal(short, long[:4])


def test_more_seconds_than_the_model_reads_are_refused(folders):
    assert [option.default for option in find(str(folders["whisper"])).options if option.name == "max_seconds"] == [
        0.24
    ]
    with pytest.raises(UsageError, match=r"max_seconds 2.0: the model reads at most 0.24 s"):
        Made(folders["whisper"], clips(), rate=16000, max_seconds=2.0)


@pytest.mark.parametrize(("key", "value"), [("hop_length", 0), ("sampling_rate", "16 kHz"), ("n_fft", 10**9)])
def test_settings_that_make_no_sense_are_named(folders, tmp_path, key, value):
    folder = shutil.copytree(folders["whisper"], tmp_path / "odd")
    settings = json.loads((folder / "preprocessor_config.json").read_text())
    (folder / "preprocessor_config.json").write_text(json.dumps({**settings, key: value}))
    with pytest.raises(BadInputError, match=f'preprocessor_config.json" has {key}={value!r}, expected a whole number'):
        Made(folder, clips(), rate=16000)


def test_an_encoder_alone_is_enough_and_one_that_lacks_weights_is_refused(folders, tmp_path):
    state = load_file(folders["whisper"] / "model.safetensors")
    folder = shutil.copytree(folders["whisper"], tmp_path / "alone")
    own = {name.removeprefix("model."): part for name, part in state.items() if name.startswith("model.encoder.")}
    save_file(own, folder / "model.safetensors", {"format": "pt"})
    expected = Made(folders["whisper"], clips(), rate=16000).features()
    assert np.array_equal(Made(folder, clips(), rate=16000).features(), expected)
    del own["encoder.layers.0.fc1.weight"]
    save_file(own, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(BadInputError, match=r"only in part. Weights: 1 missing from the file \(layers.0.fc1.weight\)"):
        Made(folder, clips(), rate=16000).model()


def test_a_saved_encoder_keeps_all_positions_and_gives_the_same_features(folders, tmp_path):
    made = Made(folders["whisper"], [clip[:1000] for clip in clips()], rate=16000)
    made.save(tmp_path)
    again = Made(tmp_path, clips(), rate=16000)
    assert again.columns[0].shape[1] == 3840
    assert np.array_equal(again.features(), Made(folders["whisper"], clips(), rate=16000).features())
    saved, expected = (
        the_library_s(tmp_path).encoder.state_dict(),
        the_library_s(folders["whisper"]).encoder.state_dict(),
    )
    assert all(np.array_equal(part, expected[name]) for name, part in saved.items())


def test_nearly_silent_cells_are_as_exact_as_others(folders):
    import torch

    encoder = Made(folders["whisper"], clips(), rate=16000).model().encoder
    time = np.arange(3840) / 16000
    noise = np.random.default_rng(0).normal(size=3840) * 3
    tone = np.round(9000 * np.sin(2 * np.pi * 440 * time) + noise).astype(np.int16)[None]
    once, thrice = (encoder.spectrogram(torch.tensor(tone * factor)) for factor in (1, 3))
    inner = once > once.amax() - 1.9  # Other cells are cut.
    assert inner.float().mean() > 0.1
    assert torch.allclose((thrice - once)[inner], torch.tensor(np.log10(9) / 4, dtype=torch.float32), atol=1e-6)
