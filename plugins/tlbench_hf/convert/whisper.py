"""Whisper of CTranslate2 -> the encoder of transformers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor
from transformers import WhisperConfig, WhisperFeatureExtractor
from transformers.models.whisper.modeling_whisper import WhisperEncoder

from tlbench import BadInputError
from tlbench_hf.convert.ctranslate2 import read_ctranslate2

NAMES = {
    "conv1": "conv1",
    "conv2": "conv2",
    "position_encodings/encodings": "embed_positions.weight",
    "layer_norm": "layer_norm",
    "self_attention/layer_norm": "self_attn_layer_norm",
    "self_attention/linear_1": "self_attn.out_proj",
    "ffn/layer_norm": "final_layer_norm",
    "ffn/linear_0": "fc1",
    "ffn/linear_1": "fc2",
}
"""Names of CTranslate2, and of transformers."""
ENDS = {"gamma": "weight", "beta": "bias"}
FUSED = "self_attention/linear_0/"
PARTS = ("q_proj", "k_proj", "v_proj")
"""What the fused weight of the attention consists of; keys have no bias."""


def whisper_encoder(source: Path, folder: Path) -> None:
    """Write config.json, model.safetensors in float32 and preprocessor_config.json."""
    specification, weights = read_ctranslate2(source / "model.bin")
    if specification != "WhisperSpec":
        raise BadInputError(f'"model.bin" is a {specification}, expected WhisperSpec: download it again.')
    prefix = "encoder/"
    encoder = {name.removeprefix(prefix): part for name, part in weights.items() if name.startswith(prefix)}
    try:
        config, state = _config(encoder), encoder_state(encoder)
        with torch.device("meta"):
            expected = {name: part.shape for name, part in WhisperEncoder(config).state_dict().items()}
    except (KeyError, IndexError, ValueError, RuntimeError) as error:  # A weight is lacking, or sizes do not fit.
        raise BadInputError(f'"model.bin" is no encoder of Whisper ({error}): download it again.') from error
    if {name: part.shape for name, part in state.items()} != expected:
        different = sorted(state.keys() ^ expected.keys()) or ["shapes"]
        raise BadInputError(f'"model.bin" does not fit the encoder of Whisper ({different[0]}): download it again.')
    config.save_pretrained(folder)
    renamed = {f"encoder.{name}": part.float().contiguous() for name, part in state.items()}
    save_file(renamed, folder / "model.safetensors", {"format": "pt"})
    WhisperFeatureExtractor(feature_size=config.num_mel_bins).save_pretrained(folder)  # type: ignore[no-untyped-call]


def _config(encoder: Mapping[str, Tensor]) -> WhisperConfig:
    """Return the sizes that the weights have; those of a decoder, which is not there, are of the same model."""
    width, bands = encoder["conv1/weight"].shape[:2]
    heads = int(encoder["num_heads"])
    layers = sum(name.startswith("layer_") and name.endswith("/ffn/linear_0/bias") for name in encoder)
    inner = encoder["layer_0/ffn/linear_0/bias"].shape[0]
    return WhisperConfig(
        d_model=width,
        num_mel_bins=bands,
        encoder_layers=layers,
        decoder_layers=layers,
        encoder_attention_heads=heads,
        decoder_attention_heads=heads,
        encoder_ffn_dim=inner,
        decoder_ffn_dim=inner,
        max_source_positions=encoder["position_encodings/encodings"].shape[0],
    )


def encoder_state(encoder: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return weights by the names of transformers. Raises `BadInputError` for a name or bias that it does not have."""
    state: dict[str, Tensor] = {}
    for name, part in encoder.items():
        if name == "num_heads":
            continue
        first, _, rest = name.partition("/")
        number = first.removeprefix("layer_")
        place, inner = (f"layers.{number}.", rest) if number.isdigit() else ("", name)
        if inner.startswith(FUSED):
            state.update(_attention(place, inner.removeprefix(FUSED), part))
            continue
        stem, _, end = inner.rpartition("/")
        renamed = NAMES.get(inner) or (NAMES.get(stem) and f"{NAMES[stem]}.{ENDS.get(end, end)}")
        if not renamed:
            raise BadInputError(f'"model.bin" has the unknown weight "{name}": download it again.')
        state[place + renamed] = part
    return state


def _attention(place: str, end: str, fused: Tensor) -> dict[str, Tensor]:
    parts = dict(zip(PARTS, fused.chunk(3), strict=True))
    if end == "bias" and parts.pop("k_proj").any():
        raise BadInputError('"model.bin" has a bias of attention keys, which Whisper has not: download it again.')
    return {f"{place}self_attn.{name}.{end}": part for name, part in parts.items()}
