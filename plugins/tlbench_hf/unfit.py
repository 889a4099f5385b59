"""What is no encoder that can be served here, by its configuration: what it is, and what to use instead."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tlbench import UsageError

SEEN = ("patch_size", "image_size", "num_channels")
HEARD = ("num_mel_bins", "conv_kernel", "sampling_rate")
"""Keys of a configuration that models of images and of sound have."""


def check_model(name: str, config: Mapping[str, Any], served: bool) -> None:
    """Raise `UsageError` for a model that is no encoder of one modality. `served`: its type is served by itself."""
    kind = str(config["model_type"])
    if method := config.get("quantization_config"):
        how = method.get("quant_method", "") if isinstance(method, dict) else ""
        raise UsageError(
            f'The weights of "hf/{name}" are quantised ({how or "quantization_config"}), and cannot be trained: use '
            f"the original model in float16 or float32."
        )
    if served:
        return
    if config.get("is_encoder_decoder"):
        raise UsageError(f'"hf/{name}" is an encoder-decoder ({kind}): use an encoder or a decoder.')
    if towers := [part for part in ("text", "vision", "audio") if isinstance(config.get(f"{part}_config"), dict)]:
        raise UsageError(
            f'"hf/{name}" is a model of several modalities ({kind}: {", ".join(towers)}): use a model of one, such as '
            f"a BERT, a ViT or a wav2vec 2.0. Of CLIP the vision tower is read."
        )
    if "vocab_size" not in config:
        for modality, keys, advice in (
            ("images", SEEN, "use a ViT, DeiT, DINOv2, BEiT, Swin or CLIP, or timm/NAME"),
            ("sound", HEARD, "use a wav2vec 2.0, HuBERT, WavLM or Whisper"),
        ):
            if any(key in config for key in keys):
                raise UsageError(f'"hf/{name}" is a model of {modality} of a type that is not read ({kind}): {advice}.')


def check_folder(folder: Path) -> None:
    """Raise `UsageError` for a folder that holds something else than a whole model of transformers."""
    if not folder.is_dir() or (folder / "config.json").exists():
        return
    if (folder / "adapter_config.json").is_file():
        raise UsageError(
            f'"{folder.name}" is an adapter{_base(folder / "adapter_config.json")}, not a whole model: merge it into '
            f"that model with merge_and_unload of PEFT, save the result with its tokenizer, and use that folder."
        )
    if quantised := next(iter(sorted(folder.glob("*.gguf"))), None):
        raise UsageError(
            f'"{folder.name}" holds a GGUF file ({quantised.name}), whose weights are quantised: use the original '
            f"model of transformers, with config.json and model.safetensors."
        )


def _base(path: Path) -> str:
    """Return what an adapter says of its kind and of its base model, as part of a sentence."""
    try:
        known = json.loads(path.read_text(encoding="utf-8"))
        return f" ({known['peft_type']!s:.20}) for the model {known['base_model_name_or_path']!r:.80}"
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return " of PEFT"
