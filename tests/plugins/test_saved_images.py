"""Image backbones that are saved, and found again by name, by folder and by the library that they are of."""

from __future__ import annotations

import json

import numpy as np
import pytest
import timm
import torch
from torch import nn

from tlbench import BadInputError, BuildRequest, FitRequest, PrepareRequest, SaveRequest, UnknownNameError
from tlbench.assets.checkpoints import models_folder
from tlbench.planning.catalog import load_catalog

TINY = "test_resnet"
SIZE = 32


@pytest.fixture(scope="module")
def catalog():
    return load_catalog()


@pytest.fixture
def images():
    draw = np.random.default_rng(0)
    return [draw.integers(0, 256, (40, 50, 3), dtype=np.uint8) for _ in range(3)]


@pytest.fixture
def models(monkeypatch, tmp_path):
    """The folder of the models that are saved by name."""
    monkeypatch.setenv("TLBENCH_CACHE", str(tmp_path / "cache"))
    models_folder().mkdir(parents=True)
    return models_folder()


def requested(spec, inputs, rate=None, **options):
    """Return what a backbone builds from."""
    options = {option.name: option.default for option in spec.options} | options
    files = spec.checkpoint(options).files
    fitted = spec.fit(FitRequest(inputs=inputs, options=options, files=files, sample_rate=rate))
    return BuildRequest(fitted=json.loads(json.dumps(fitted)), layout="pooled", options=options, files=files)


def features(spec, encoder, request, inputs):
    asked = PrepareRequest(inputs=inputs, fitted=request.fitted, layout="pooled", options=request.options)
    with torch.no_grad():
        return encoder.eval()(torch.from_numpy(spec.prepare(asked)[0]))


def saved(spec, request, folder):
    """Save a new encoder that was trained as all are, and return it."""
    torch.manual_seed(0)
    encoder = spec.build(request).to(memory_format=torch.channels_last)
    folder.mkdir()
    spec.save(
        SaveRequest(
            encoder=encoder,
            head=nn.Linear(encoder.feature_dim, 10),
            fitted=request.fitted,
            layout="pooled",
            options=request.options,
            files=request.files,
            folder=folder,
        )
    )
    return encoder


@pytest.mark.parametrize("name", [TINY, "test_vit"])
def test_timm_and_a_later_run_read_what_was_saved(catalog, models, images, name):
    spec = catalog.backbone(f"timm/{name}")
    request = requested(spec, images, weights="random", size=SIZE)
    encoder = saved(spec, request, models / "mine")
    expected = features(spec, encoder, request, images)

    library_s = timm.create_model(f"local-dir:{models / 'mine'}", pretrained=True).eval()
    assert library_s.pretrained_cfg["input_size"] == (3, SIZE, SIZE)
    assert not library_s.pretrained_cfg.get("license"), "the published weights' licence is not that of these"
    prepared = spec.prepare(PrepareRequest(inputs=images, fitted=request.fitted, layout="pooled", options={}))[0]
    with torch.no_grad():
        torch.testing.assert_close(library_s(encoder.normalise(torch.from_numpy(prepared))), expected)

    found = catalog.backbone("timm/mine")
    again = requested(found, images)
    assert again.fitted == request.fitted
    torch.testing.assert_close(features(found, found.build(again), again, images), expected)
    assert (found.name, found.traits) == ("timm/mine", spec.traits)
    assert found.checkpoint(again.options).origin == "mine"


def test_a_saved_model_is_found_by_its_folder_and_as_weights_and_starts_anew(catalog, models, images, tmp_path):
    spec = catalog.backbone(f"timm/{TINY}")
    encoder = saved(spec, requested(spec, images, weights="random", size=SIZE), tmp_path / "mine")
    folder = catalog.backbone(f"timm/{tmp_path / 'mine'}")
    assert folder.name == "timm/mine"
    assert str(tmp_path) not in f"{folder.title}{folder.summary}{folder.checkpoint({'weights': ''}).origin}"
    weight = encoder.model.state_dict()["conv1.0.weight"]
    for other, options in ((folder, {}), (spec, {"weights": str(tmp_path / "mine")})):
        built = other.build(requested(other, images, **options)).model.state_dict()
        assert torch.equal(built["conv1.0.weight"], weight)
    anew = requested(folder, images, weights="random")
    assert anew.fitted["input_size"] == [3, SIZE, SIZE]
    assert not folder.checkpoint(anew.options).pretrained
    assert not torch.equal(folder.build(anew).model.state_dict()["conv1.0.weight"], weight)


def test_a_network_for_images_that_was_saved_looks_at_spectrograms(catalog, models, images):
    spec = catalog.backbone(f"timm/{TINY}")
    encoder = saved(spec, requested(spec, images, weights="random", size=SIZE), models / "mine")
    sound = catalog.backbone("spectrogram/mine")
    tones = [np.sin(np.arange(4000) / pitch).astype(np.float32) for pitch in (3, 9)]
    request = requested(sound, tones, rate=8000)
    assert (sound.name, sound.modality, request.fitted["size"]) == ("spectrogram/mine", "audio", [SIZE, SIZE])
    built = sound.build(request)
    assert torch.equal(built.model.state_dict()["conv1.0.weight"], encoder.model.state_dict()["conv1.0.weight"])

    saved_again = saved(sound, request, models / "heard")
    again = catalog.backbone("spectrogram/heard")
    expected = features(sound, saved_again, request, tones)
    later = requested(again, tones, rate=8000)
    torch.testing.assert_close(features(again, again.build(later), later, tones), expected)


def test_the_name_of_an_architecture_is_that_whatever_was_saved(catalog, models, images):
    spec = catalog.backbone(f"timm/{TINY}")
    saved(spec, requested(spec, images, weights="random", size=SIZE), models / TINY)
    assert requested(catalog.backbone(f"timm/{TINY}"), images, weights="random").fitted["input_size"] != [3, SIZE, SIZE]


@pytest.mark.parametrize("config", ["{}", "[]", "no json", '{"architecture": "resnt"}'])
def test_a_folder_of_something_else_is_refused(catalog, models, config):
    (models / "other").mkdir()
    (models / "other" / "config.json").write_text(config)
    with pytest.raises(BadInputError, match='of "other" has no architecture of timm'):
        catalog.backbone("timm/other")


def test_a_name_that_was_never_saved_is_unknown(catalog, models):
    with pytest.raises(UnknownNameError, match="timm/never-saved"):
        catalog.backbone("timm/never-saved")


def test_a_network_for_cifar_is_saved_without_classes_that_it_may_not_know(catalog, models, images):
    spec = catalog.backbone("cifar/resnet20")
    fresh = requested(spec, images, weights="random")
    encoder = saved(spec, fresh, models / "small")
    again = requested(spec, images, weights="small")
    torch.testing.assert_close(features(spec, spec.build(again), again, images), features(spec, encoder, fresh, images))
    with pytest.raises(BadInputError, match=r"classes of CIFAR-10.*--set source\.mode=probe"):
        spec.own_head(again)
