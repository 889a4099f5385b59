"""U-Nets of segmentation-models-pytorch: features of pixels, and weights of their encoders."""

from __future__ import annotations

import numpy as np
import pytest
import timm
import torch
from safetensors.torch import save_file

from tlbench import BadInputError, BuildRequest, FitRequest, PrepareRequest, UnknownNameError, UsageError
from tlbench.planning.catalog import load_catalog

smp = pytest.importorskip("segmentation_models_pytorch")


@pytest.fixture(scope="module")
def catalog():
    return load_catalog()


def built(catalog, name, images, **options):
    """Return the encoder in evaluation mode, and its inputs."""
    spec = catalog.backbone(name)
    options = {**{option.name: option.default for option in spec.options}, **options}
    fitted = spec.fit(FitRequest(inputs=images, options=options, layout="map"))
    files = spec.checkpoint(options).files
    torch.manual_seed(0)
    encoder = spec.build(BuildRequest(fitted=fitted, layout="map", options=options, files=files)).eval()
    request = PrepareRequest(inputs=images, fitted=fitted, layout="map", options=options)
    return encoder, torch.from_numpy(spec.prepare(request)[0])


def pictures(*shape):
    return list(np.random.default_rng(0).integers(0, 256, (2, *shape), dtype=np.uint8))


def weights_of(name, path, **change):
    torch.manual_seed(1)
    state = {key: part.contiguous() for key, part in timm.create_model(name).state_dict().items()}
    save_file({key: part for key, part in {**state, **change}.items() if part is not None}, path)
    return state


def test_features_are_those_of_the_library(catalog):
    encoder, images = built(catalog, "smp/test_resnet", pictures(64, 32, 3), weights="random")
    torch.manual_seed(0)
    unet = smp.Unet("tu-test_resnet", encoder_weights=None, in_channels=3, classes=1).eval()
    unet.encoder.load_state_dict(encoder.encoder.state_dict())
    unet.decoder.load_state_dict(encoder.decoder.state_dict())
    mean, std = encoder.normalise.mean, encoder.normalise.std
    with torch.no_grad():
        expected = unet.decoder(unet.encoder((images / 255 - mean) / std))
        assert torch.allclose(encoder(images), expected.permute(0, 2, 3, 1), atol=1e-5)


@pytest.mark.parametrize("shape", [(24, 24, 1), (40, 33, 3)])
def test_images_of_any_size_and_grey_ones_have_a_feature_for_each_pixel(catalog, shape):
    encoder, images = built(catalog, "smp/test_resnet", pictures(*shape), weights="random")
    with torch.no_grad():
        assert encoder(images).shape == (2, *shape[:2], 16)


@pytest.mark.parametrize("name", ["test_resnet", "convnext_atto"])
def test_a_checkpoint_of_timm_gives_the_encoder(catalog, tmp_path, name):
    state = weights_of(name, tmp_path / "model.safetensors")
    encoder, _ = built(catalog, f"smp/{name}", pictures(32, 32, 3), weights=str(tmp_path / "model.safetensors"))
    assert encoder.coverage is None
    own = encoder.encoder.model.state_dict()
    same = [torch.equal(part, state.get(key, state.get(key.replace("_", ".", 1)))) for key, part in own.items()]
    assert all(same)


def test_a_checkpoint_that_fits_only_in_part_is_refused(catalog, tmp_path):
    weights_of("test_resnet", tmp_path / "model.safetensors", **{"conv1.0.weight": None})
    path = str(tmp_path / "model.safetensors")
    with pytest.raises(BadInputError, match="fits the model only in part"):
        built(catalog, "smp/test_resnet", pictures(32, 32, 3), weights=path)
    encoder, _ = built(catalog, "smp/test_resnet", pictures(32, 32, 3), weights=path, partial=True)
    assert encoder.coverage.loaded == encoder.coverage.expected - 1


def test_the_trial_of_a_size_leaves_random_numbers_and_modes_as_they_are(catalog):
    spec = catalog.backbone("smp/test_resnet")
    options = {option.name: option.default for option in spec.options} | {"weights": "random"}
    fitted = spec.fit(FitRequest(inputs=pictures(40, 33, 3), options=options, layout="map"))
    torch.manual_seed(0)
    encoder = spec.build(BuildRequest(fitted=fitted, layout="map", options=options, files={}))
    drawn = torch.rand(3)
    torch.manual_seed(0)
    unet = smp.Unet("tu-test_resnet", encoder_weights=None, in_channels=3, classes=1)
    assert torch.equal(drawn, torch.rand(3))
    assert all(part.training for part in encoder.modules())
    for one, other in zip(encoder.encoder.state_dict().values(), unet.encoder.state_dict().values(), strict=True):
        assert torch.equal(one, other)


def test_models_without_five_scales_and_unknown_names_are_refused(catalog):
    with pytest.raises(UsageError, match="cannot be the encoder of a U-Net"):
        built(catalog, "smp/vit_tiny_patch16_224", pictures(224, 224, 3), weights="random")
    with pytest.raises(UsageError, match=r"cannot be the encoder of a U-Net .* takes images of any size"):
        built(catalog, "smp/coatnet_pico_rw_224", pictures(64, 64, 3), weights="random")
    with pytest.raises(UnknownNameError, match="smp/resnet1000"):
        catalog.backbone("smp/resnet1000")
