"""Vision transformers: one feature for each image, prepared as for the model's own training."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from tlbench import BadInputError, BuildRequest, FitRequest, PrepareRequest, SaveRequest
from tlbench.assets import log_once
from tlbench.learning import Columns, Encoder, blocks_of, prepare_each
from tlbench_hf.clip import PROJECTED, is_projected
from tlbench_hf.load import auto_class, covered, load, write
from tlbench_hf.photo import preprocessor
from tlbench_hf.places import EXTRACTOR
from tlbench_hf.processors import is_plain
from tlbench_hf.tokens import configuration

USUAL = {
    "vit": "ViT", "deit": "DeiT", "beit": "Beit", "swin": "ViT", "swinv2": "ViT", "clip": "CLIP",
    "clip_vision_model": "CLIP", "dinov2": "Bit", "dinov2_with_registers": "Bit",
}  # fmt: skip
"""Names of the image processor that each type of model was published with."""
POOLED = ("clip_vision_model", "beit")
"""Types whose own pooling was trained with them."""
MEANS = ("swin", "swinv2")
"""Types without a class token, whose feature is the mean over patches."""
BIASED = ("swin", "beit")
"""Types whose attention has a bias for each pair of patches: fused, it has no form in ONNX, so it is not fused."""
MOST = 4096
"""Greatest width or height of an input image that makes sense."""


def fit(request: FitRequest) -> dict[str, Any]:
    """Return the size `(H, W)` of input images, the means and deviations of pixels in 0..1, and what `photo` reads."""
    processor = _processor(request.files, _vision(configuration(request.files, {})))
    height, width = _pixels(processor, np.zeros((8, 8, 3), np.uint8)).shape[1:]
    scale = 255 * float(processor.rescale_factor or 1) if processor.do_rescale else 255.0
    normalised = bool(processor.do_normalize)
    mean, std = (processor.image_mean, processor.image_std) if normalised else ([0.0] * 3, [1.0] * 3)
    return {
        "size": [height, width],
        "mean": [float(value) / scale for value in mean],
        "std": [float(value) / scale for value in std],
        **(_steps(processor) if is_plain(request.files.get(EXTRACTOR)) else {}),
    }


def _steps(processor: Any) -> dict[str, Any]:
    """Return how a plain processor resizes and crops."""
    resample = Image.Resampling.BILINEAR if processor.resample is None else processor.resample
    return {
        "resize": _sizes(processor, "size") if processor.do_resize else None,
        "resample": int(resample),
        "crop": _sizes(processor, "crop_size") if processor.do_center_crop else None,
    }


def _vision(config: Any) -> Any:
    """Return the configuration of the part that reads images. Raises `BadInputError` unless of three channels."""
    width = getattr(config, "projection_dim", None)
    config = getattr(config, "vision_config", config)
    if width is not None:  # A tower has a width of its own, which is that of the whole model only by custom.
        config.projection_dim = width
    if config.num_channels != 3:
        raise BadInputError(
            f"The model takes images of {config.num_channels} channels: use one for images of 3 channels."
        )
    return config


def _processor(files: Mapping[str, Path], config: Any) -> Any:
    """Return the library's image processor: the checkpoint's, or the usual one of its type at the model's size."""
    import transformers

    own = {"height": _side(config.image_size, 0), "width": _side(config.image_size, 1)}
    if EXTRACTOR in files:
        try:
            made = transformers.AutoImageProcessor.from_pretrained(  # type: ignore[no-untyped-call]
                files[EXTRACTOR].parent, backend="pil", local_files_only=True, trust_remote_code=False
            )
        except Exception as error:  # Any error of a field: the library has no class for them.
            reason = str(error).partition("\n")[0]
            raise BadInputError(f'"{files[EXTRACTOR]}" cannot be read ({reason}): download it again.') from error
        fixed = "height" in _sizes(made, "size") or bool(getattr(made, "do_center_crop", False))
        # Else each image would have a size of its own.
        return made if fixed else type(made)(**{**made.to_dict(), "size": own, "do_resize": True})
    log_once(f"The checkpoint has no {EXTRACTOR}: images are prepared as usual for {config.model_type}.")
    return getattr(transformers, f"{USUAL[config.model_type]}ImageProcessorPil")(size=own, do_center_crop=False)


def _side(size: Any, axis: int) -> int:
    return int(size if isinstance(size, int) else list(size)[axis])


def _sizes(processor: Any, name: str) -> dict[str, int]:
    """Return the sides in pixels that one of a processor's settings gives."""
    sides = processor.to_dict().get(name) or {}
    return {side: value for side, value in sides.items() if value is not None}


def _pixels(processor: Any, image: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return an image resized and cropped, `(3, H, W)` uint8. Raises `BadInputError` for a size that makes no sense."""
    for setting in ("size", "crop_size"):
        for side, value in _sizes(processor, setting).items():
            if not 0 < value <= MOST:
                raise BadInputError(
                    f"{EXTRACTOR} has the {setting} {side}={value}, expected 1 to {MOST} pixels: correct it."
                )
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] not in (1, 3):
        raise BadInputError(f"Invalid image {image.shape} {image.dtype}: expected (H, W, 1 or 3) uint8.")
    colours = np.ascontiguousarray(np.broadcast_to(image, (*image.shape[:2], 3)))
    done = processor(Image.fromarray(colours), do_rescale=False, do_normalize=False)["pixel_values"][0]
    return np.asarray(done, np.uint8)


def prepare(request: PrepareRequest) -> Columns:
    """Return images `(N, 3, H, W)` uint8, resized and cropped as for the model's own evaluation."""
    if "resize" in request.fitted:
        (images,) = prepare_each(preprocessor, request)
        return (np.stack(images),)
    processor = _processor(request.files, _vision(configuration(request.files, {})))
    return (np.stack([_pixels(processor, np.asarray(image)) for image in request.inputs]),)


def build(request: BuildRequest) -> Encoder:
    """Return the encoder: of CLIP the vision tower, with the projection to the space that it shares with texts."""
    import transformers

    whole = configuration(request.files, request.fitted)
    config = _vision(whole)
    kind, auto = config.model_type, auto_class("pooled")
    if kind == "clip_vision_model":
        auto = getattr(transformers, PROJECTED if is_projected(whole) else "CLIPVisionModel")
    if kind in BIASED:
        config._attn_implementation = "eager"
    model, lacking = load(auto, request.files, config, request.options, keep_pooler=kind in POOLED)
    coverage = covered(model, lacking)
    encoder = ImageEncoder(model, request.fitted)
    encoder.coverage = coverage
    return encoder


class ImageEncoder(Encoder):
    """uint8 images `(N, 3, H, W)` -> features `(N, D)`: the class token, the model's own pooling, or the mean.

    Of a whole CLIP: the vector in the space of images and texts.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, model: Any, fitted: Mapping[str, Any]) -> None:
        super().__init__()
        config = model.config
        for name in ("mean", "std"):
            values = torch.tensor(fitted[name], dtype=torch.float32)[:, None, None]
            self.register_buffer(name, values, persistent=False)
        self.model = model
        self.projected = hasattr(model, "visual_projection")
        self.feature_dim = config.projection_dim if self.projected else config.hidden_size
        self.kind = config.model_type
        own = [_side(config.image_size, axis) for axis in (0, 1)]
        # DINOv2 does so by itself.
        resized = list(fitted["size"]) != own and not self.kind.startswith("dinov2")
        self.how = {"interpolate_pos_encoding": True} if resized else {}

    def forward(self, images: Tensor) -> Tensor:
        outputs = self.model(pixel_values=(images.float() / 255 - self.mean) / self.std, **self.how)
        if self.projected:
            vectors: Tensor = outputs.image_embeds
            return vectors
        if self.kind in POOLED:
            features: Tensor = outputs.pooler_output
            return features
        states: Tensor = outputs.last_hidden_state
        return states.mean(1) if self.kind in MEANS else states[:, 0]

    def blocks(self) -> list[nn.Module]:
        """Return embeddings, layers and what comes behind them; a projection is the last block."""
        if not self.projected:
            return blocks_of(self)
        return [*blocks_of(self.model.vision_model), self.model.visual_projection]


def save(request: SaveRequest) -> None:
    """Write config.json, model.safetensors and the image processor's settings, without a head."""
    encoder = request.encoder
    assert isinstance(encoder, ImageEncoder)
    write(encoder.model, request.folder)
    _processor(request.files, encoder.model.config).save_pretrained(request.folder)
