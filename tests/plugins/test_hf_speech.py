from __future__ import annotations

import json

import numpy as np
import pytest
from fakes.hf_backbones import Made, clips, the_library_s

from tlbench import (
    BadInputError,
    BuildRequest,
    FitRequest,
    PrepareRequest,
    SaveRequest,
)


class TestSpeech:
    @pytest.mark.parametrize("name", ["wav2vec2", "hubert"])
    def test_features_are_the_library_s(self, folders, name):
        import torch
        from transformers import Wav2Vec2FeatureExtractor

        made = Made(folders[name], clips(), rate=16000)
        waveforms, lengths = made.columns
        extractor = Wav2Vec2FeatureExtractor.from_pretrained(folders[name])
        ready = torch.zeros(waveforms.shape)
        for row, samples, length in zip(ready, waveforms, lengths, strict=True):
            clip = samples[:length].astype(np.float32) / 32768
            row[:length] = torch.from_numpy(extractor(clip, sampling_rate=16000).input_values[0])
        there = torch.arange(ready.shape[1]) < torch.from_numpy(lengths)[:, None]
        with torch.no_grad():
            masks = there.long() if name == "wav2vec2" else None
            states = the_library_s(folders[name])(ready, attention_mask=masks).last_hidden_state
        for feature, row, length in zip(made.features(), states, lengths, strict=True):
            frames = max(1, ((int(length) - 10) // 8 + 1 - 8) // 8 + 1)
            assert np.allclose(feature, row[:frames].mean(0).numpy(), atol=1e-4)

    @pytest.mark.parametrize("name", ["wav2vec2", "hubert", "whisper"])
    def test_frames_are_the_states_of_a_clip_s_own_part(self, folders, name):
        import torch

        from tlbench_speech.transcripts.best_path import BestPath

        pooled, made = (Made(folders[name], clips(), layout, rate=16000) for layout in ("pooled", "sequence"))
        batch = made.inputs().batch(np.arange(4))
        model = made.model()
        with torch.no_grad():
            outputs = model(*batch)
            dense = model.heads["target"](model.encoder(*batch)).numpy()
        assert outputs.mask.shape == dense.shape[:2]
        assert pooled.features().shape == (4, model.encoder.feature_dim)
        # An export keeps as many frames of what it runs.
        for row, part, samples, own in zip(dense, outputs.split(), *(part.numpy() for part in batch), strict=True):
            assert np.array_equal(BestPath().crop(row, None, [samples, own]), part.numpy())

    def test_clips_whose_transcripts_would_be_cut_are_warned_of(self, folders):
        made = Made(folders["hubert"], clips(), "sequence", rate=16000, max_seconds=0.2)
        with pytest.warns(UserWarning, match=r"1 of 4 clips are longer than 0.2 s and are cut on both sides"):
            made.prepare(clips())

    def test_clips_are_resampled_to_the_model_s_rate(self, folders):
        made = Made(folders["hubert"], clips(), rate=8000)
        assert made.columns[1].tolist()[:3] == [1800, made.columns[0].shape[1], 5000]

    @pytest.mark.parametrize("kind", ["wav2vec2", "whisper"])
    def test_an_export_prepares_each_clip_as_training_did(self, folders, kind):
        inputs = [*clips(), (20000 * clips()[2]).astype(np.int16)]
        made = Made(folders[kind], inputs, rate=11025)
        prepare = made.spec.preprocess().preprocessor(made.fitted, made.options, "pooled")
        for clip, waveform, length in zip(inputs, *made.columns, strict=True):
            samples, size = prepare(clip)
            assert (samples.dtype, size.dtype, size.shape) == (np.int16, np.int32, ())
            assert np.array_equal(samples, waveform)
            assert size == length

    def test_resampled_clips_differ_from_torchaudio_s_by_a_unit(self):
        import torch
        from torchaudio.functional import resample

        from tlbench_hf.waveform import at_rate

        for clip in (*clips(), (20000 * clips()[1]).astype(np.int16)):
            scaled = torch.from_numpy(clip.astype(np.float32)) * (1 if clip.dtype == np.int16 else 32767)
            expected = resample(scaled, 8000, 16000).clamp(-32768, 32767).round().short().numpy()
            assert np.abs(at_rate(clip, 8000, 16000).astype(int) - expected).max() <= 1

    def test_a_rate_must_be_known(self, folders):
        with pytest.raises(BadInputError, match="sample rate"):
            Made(folders["hubert"], clips())

    def test_the_text_of_two_channels_is_refused(self, folders):
        made = Made(folders["hubert"], clips(), rate=16000)
        with pytest.raises(BadInputError, match="one channel"):
            made.prepare([np.zeros((100, 2), np.float32)])


def test_a_new_wav2vec_is_read_by_the_library_and_by_name_with_the_same_features(tmp_path, monkeypatch):
    import torch
    from transformers import AutoFeatureExtractor, AutoModel

    from tlbench.assets.checkpoints import models_folder
    from tlbench.learning.data import Inputs
    from tlbench.learning.model import TransferModel, encode
    from tlbench_hf.new import new_backbones

    monkeypatch.setenv("TLBENCH_CACHE", str(tmp_path))
    folder = models_folder() / "spoken"
    folder.mkdir(parents=True)
    spec = next(spec for spec in new_backbones() if spec.name == "audio/wav2vec2")
    options = {option.name: option.default for option in spec.options} | {"hidden": 16, "layers": 1, "channels": 8}
    fitted = json.loads(json.dumps(spec.fit(FitRequest(inputs=clips(), options=options, sample_rate=8000))))
    encoder = spec.build(BuildRequest(fitted=fitted, layout="pooled", options=options)).eval()
    head = torch.nn.Linear(1, 1)
    spec.save(
        SaveRequest(
            encoder=encoder, head=head, fitted=fitted, layout="pooled", options=options, files={}, folder=folder
        )
    )
    columns = spec.prepare(PrepareRequest(inputs=clips(), fitted=fitted, layout="pooled", options=options))
    expected = encode(TransferModel(encoder, {}), Inputs(columns))
    assert np.allclose(Made("spoken", clips(), rate=8000).features(), expected, atol=1e-5)

    extractor, model = AutoFeatureExtractor.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()
    assert extractor.sampling_rate == 16000
    waveforms = [clip[:length] / 32768 for clip, length in zip(*columns, strict=True)]
    ready = extractor(waveforms, sampling_rate=16000, padding=True, return_tensors="pt")
    with torch.no_grad():
        states = model(**ready).last_hidden_state
    for feature, row, length in zip(expected, states, columns[1], strict=True):
        frames = encoder.frames(torch.tensor([int(length)]))
        assert np.allclose(feature, row[: int(frames)].mean(0).numpy(), atol=1e-4)
