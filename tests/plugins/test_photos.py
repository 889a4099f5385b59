"""Photographs become model inputs in exports as the libraries make them, from the file to the last pixel."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pytest
import timm.data
from PIL import Image

from tlbench import BadInputError, PrepareRequest
from tlbench.assets import image_reader, read_image
from tlbench_hf import photo as hf_photo
from tlbench_hf.find import find
from tlbench_hf.image import _steps
from tlbench_vision import photo, small_photo

SHAPES = [(64, 64), (70, 33), (33, 71), (120, 161), (5, 9), (320, 32), (37, 41)]
STEPS = [
    ({"height": 32, "width": 32}, None, 2),
    ({"height": 40, "width": 30}, {"height": 32, "width": 32}, 3),
    ({"shortest_edge": 36}, {"height": 32, "width": 31}, 3),
    ({"shortest_edge": 31}, {"height": 33, "width": 41}, 1),
]


def noise(*shape):
    return np.random.default_rng(shape).integers(0, 256, shape, np.uint8)


def save(path, mode, height, width):
    """Write an image of one of PIL's modes, with transparent pixels where the mode has them."""
    if mode == "I;16":
        Image.fromarray(noise(height, width).astype(np.uint16) * 257).save(path)
        return
    coloured = Image.fromarray(noise(height, width, 4), "RGBA")
    image = coloured.convert("RGB").quantize(16) if mode == "P" else coloured.convert(mode)
    image.save(path, **({"transparency": 3} if mode == "P" else {}))


@pytest.fixture(params=["center", "squash", "border"])
def config(request):
    return {
        "input_size": [3, 33, 33],
        "interpolation": "bicubic",
        "mean": [0.485, 0.456, 0.406],
        "std": [0.229, 0.224, 0.225],
        "crop_pct": 0.875,
        "crop_mode": request.param,
    }


def timm_s(config, image):
    return np.asarray(timm.data.create_transform(**config, use_prefetcher=True)(image))


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic", "lanczos", "nearest"])
def test_every_size_is_prepared_as_by_timm(config, interpolation):
    for size, part, shape in itertools.product([(33, 33), (40, 61), (61, 40)], (0.875, 0.95, 1.0), SHAPES):
        asked = {**config, "input_size": [3, *size], "crop_pct": part, "interpolation": interpolation}
        pixels = noise(*shape, 3)
        (prepared,) = photo.preprocessor(asked, {}, "pooled")(pixels)
        assert np.array_equal(prepared, timm_s(asked, Image.fromarray(pixels))), (size, part, shape)


@pytest.mark.parametrize(("resize", "crop", "resample"), [*STEPS, (None, {"height": 40, "width": 41}, 2)])
@pytest.mark.parametrize("name", ["ViT", "DeiT", "Beit", "CLIP", "Bit"])
def test_every_size_is_prepared_as_by_transformers(name, resize, crop, resample):
    import transformers

    sizes = ({"size": resize} if resize else {}) | ({"crop_size": crop} if crop else {})
    processor = getattr(transformers, f"{name}ImageProcessorPil")(
        **sizes, do_resize=bool(resize), do_center_crop=bool(crop), resample=resample
    )
    prepare = hf_photo.preprocessor(_steps(processor), {}, "pooled")
    for shape in SHAPES:
        pixels = noise(*shape, 3)
        expected = processor(Image.fromarray(pixels), do_rescale=False, do_normalize=False)["pixel_values"][0]
        assert np.array_equal(prepare(pixels)[0], expected), shape


@pytest.mark.parametrize("mode", ["RGB", "L", "LA", "RGBA", "P", "1"])
def test_a_file_of_any_mode_is_prepared_as_its_training_image(config, mode, tmp_path):
    """What an export reads from a file, against the pixels that the task reads and timm's own transform."""
    for height, width in SHAPES:
        path = tmp_path / f"{height}x{width}.png"
        save(path, mode, height, width)
        (raw,) = image_reader(size=0, grey=False)(path)
        expected = timm_s(config, Image.fromarray(read_image(path, 0)))
        assert np.array_equal(photo.preprocessor(config, {}, "pooled")(raw)[0], expected)


@pytest.mark.parametrize("module", [photo, small_photo, hf_photo])
def test_a_grey_image_is_an_image_of_three_equal_channels(config, module):
    fitted = config | {"resize": {"height": 9, "width": 9}, "crop": None, "resample": 2}
    prepare, grey = module.preprocessor(fitted, {}, "pooled"), noise(20, 30, 1)
    assert np.array_equal(prepare(grey)[0], prepare(grey.repeat(3, 2))[0])
    for other in (noise(20, 30), noise(20, 30, 4), noise(20, 30, 3) / 255):
        with pytest.raises(ValueError, match=r"expected \(H, W, 1 or 3\) uint8"):
            prepare(other)


def test_an_image_of_sixteen_bits_is_refused_by_training_and_export(tmp_path):
    save(tmp_path / "deep.png", "I;16", 20, 30)
    with pytest.raises(BadInputError, match="8 bits"):
        read_image(tmp_path / "deep.png", 0)
    with pytest.raises(ValueError, match="8 bits"):
        image_reader(0, False)(tmp_path / "deep.png")


@pytest.mark.parametrize(
    ("settings", "plain"),
    [
        ({"image_processor_type": "ViTImageProcessorFast", "size": {"height": 8, "width": 8}}, True),
        ({"feature_extractor_type": "CLIPFeatureExtractor", "size": 8}, True),
        ({"image_processor_type": "ConvNextImageProcessor", "size": {"shortest_edge": 8}}, False),
        ({"image_processor_type": "ViTImageProcessor", "do_pad": True}, False),
        ({"image_processor_type": "BitImageProcessor", "size": {"shortest_edge": 8, "longest_edge": 9}}, False),
    ],
)
def test_a_processor_that_does_more_stays_the_library_s(folders, tmp_path, settings, plain):
    """Its exports take prepared arrays."""
    folder = tmp_path / "own"
    folder.mkdir()
    for path in folders["vit"].iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    (folder / "preprocessor_config.json").write_text(json.dumps(settings))
    assert (find(str(folder)).preprocess is not None) == plain


def test_networks_for_cifar_scale_as_before():
    """By Pillow's own bilinear interpolation, whatever the shape."""
    pixels = noise(50, 40, 3)
    expected = np.asarray(Image.fromarray(pixels).resize((32, 32), Image.Resampling.BILINEAR)).transpose(2, 0, 1)
    assert np.array_equal(small_photo.preprocessor({}, {}, "pooled")(pixels)[0], expected)


def test_training_prepares_by_the_module_that_exports_carry(catalog, config, folders):
    images = [noise(*shape, 3) for shape in SHAPES]
    for name, fitted in (("timm/test_resnet", config), ("cifar/resnet20", {})):
        spec = catalog.backbone(name)
        asked = PrepareRequest(inputs=images, fitted=fitted, layout="pooled", options={}, files={})
        prepare = spec.preprocess().preprocessor(fitted, {}, "pooled")
        assert np.array_equal(spec.prepare(asked)[0], np.stack([prepare(image)[0] for image in images]))
