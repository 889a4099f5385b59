"""Names -> specs: `hf/NAME` of the hub or of a model that `tlbench pretrain` saved, `hf/FOLDER` of one's own."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tlbench import (
    ANSWER_TOKENS,
    CHECKPOINT_KEY,
    PARTIAL,
    BackboneSpec,
    BadInputError,
    Checkpoint,
    Layout,
    Option,
    deferred,
)
from tlbench_hf.new import pooling
from tlbench_hf.places import (
    configuration_file,
    extractor_file,
    files_beside_extractor,
    files_of_clip,
    files_of_text,
    has_tokenizer,
)
from tlbench_hf.processors import is_plain
from tlbench_hf.unfit import check_folder, check_model

Find = Callable[[Mapping[str, Any]], Checkpoint]

WAVEFORM = (
    deferred("tlbench_hf.audio", "fit"),
    deferred("tlbench_hf.audio", "build"),
    deferred("tlbench_hf.audio", "save"),
)
SPECTROGRAM = (
    deferred("tlbench_hf.whisper", "fit"),
    deferred("tlbench_hf.whisper", "build"),
    deferred("tlbench_hf.whisper", "save"),
)
SPEECH = {"wav2vec2": WAVEFORM, "hubert": WAVEFORM, "wavlm": WAVEFORM, "whisper": SPECTROGRAM}
"""Model types, and the functions that serve them."""
IMAGES = ("vit", "deit", "beit", "swin", "swinv2", "clip", "clip_vision_model", "dinov2", "dinov2_with_registers")
AFTER_PADDING = (
    "roberta", "xlm-roberta", "xlm-roberta-xl", "roberta-prelayernorm", "camembert", "mpnet", "longformer", "ibert",
    "data2vec-text", "luke", "xmod", "esm",
)  # fmt: skip
"""Model types whose positions begin behind the number of the padding token, so that they have fewer for a text."""
SECONDS_OF_FRAME = 0.02
"""Of Whisper, which has a position for each frame."""
DECODERS = (
    "bloom", "codegen", "cohere", "deepseek", "falcon", "gemma", "glm", "gpt", "granite", "llama", "mistral",
    "mixtral", "mpt", "nemotron", "olmo", "openai-gpt", "opt", "phi", "qwen", "smollm", "stablelm", "starcoder",
)  # fmt: skip
"""Beginnings of model types that read from left to right, for checkpoints whose architecture does not say so."""
RECIPE = {
    "batch_size": 32,
    "source.learning_rate": 5e-5,
    "full.learning_rate": 5e-5,
    "all-labels.learning_rate": 5e-5,
    "adversarial.learning_rate": 5e-5,
    "scratch.learning_rate": 1e-4,
}
LICENCE = "as the checkpoint's own model card says"
WEIGHTS = Option(
    name="weights", default="", summary="empty: those of the checkpoint; `random`: its architecture with random weights"
)


READ = {
    "model_type": str,
    "architectures": list,
    "max_position_embeddings": int,
    "n_positions": int,
    "max_source_positions": int,
    "pad_token_id": int,
}
"""Types of the fields of a configuration that are read here; all but the first may be missing."""


def find(name: str) -> BackboneSpec:
    """Return the backbone of a hub's name, a saved model's name or a folder.

    Raises `MissingDataError` if its files are not there, `UsageError` for what is no encoder of text, speech or images.
    """
    folder = Path(name).expanduser()
    shown = folder.resolve().name if folder.is_dir() else name
    check_folder(folder)
    config = _read(configuration_file(name), shown)
    model_type = str(config.get("model_type", ""))
    check_model(shown, config, served=model_type in SPEECH or model_type in IMAGES)
    if model_type in IMAGES:
        return _image(name, f"hf/{shown}", config)
    make, files = (_speech, files_beside_extractor) if model_type in SPEECH else (_text, files_of_text)
    return make(f"hf/{shown}", config, functools.partial(files, name))


def _read(path: Path, name: str) -> dict[str, Any]:
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise BadInputError(f'The config.json of "hf/{name}" is not JSON ({error}): download it again.') from error
    if not isinstance(config, dict) or not config.get("model_type"):
        raise BadInputError(f'The config.json of "hf/{name}" has no model_type: use a model of transformers.')
    for key, kind in READ.items():
        if not isinstance(config.get(key) or kind(), kind):
            raise BadInputError(
                f'The config.json of "hf/{name}" has {key}={config[key]!r}, expected {kind.__name__}: correct it.'
            )
    return config


def is_decoder(config: Mapping[str, Any]) -> bool:
    """True for a model whose tokens see those before them alone."""
    architecture = str((config.get("architectures") or [""])[0])
    if architecture.endswith(("ForCausalLM", "LMHeadModel")) or config.get("is_decoder"):
        return True
    return str(config["model_type"]).startswith(DECODERS)


def positions_of(config: Mapping[str, Any]) -> int | None:
    """Return how many tokens of a text a model has positions for; None: any number."""
    positions = config.get("max_position_embeddings") or config.get("n_positions")
    if positions and config["model_type"] in AFTER_PADDING:
        padding = config.get("pad_token_id")
        positions = max(1, positions - 1 - (1 if padding is None else padding))
    return positions or None


def _own(decoder: bool, longest: int) -> tuple[Layout, ...]:
    """Return the layouts of a language model's own outputs; few positions have no room for an answer."""
    if not decoder:
        return ("masked-token",)
    return ("continuation", "next-token") if longest >= 2 * ANSWER_TOKENS else ("next-token",)


def _text(name: str, config: Mapping[str, Any], checkpoint: Find) -> BackboneSpec:
    decoder = is_decoder(config)
    longest = min(256, positions_of(config) or 256)
    return BackboneSpec(
        name=name,
        modality="text",
        title=f"{config['model_type']} of transformers",
        summary="A decoder; features of its last token." if decoder else "An encoder; mean of its tokens.",
        layouts=("pooled", "sequence", "context", *_own(decoder, longest)),
        traits=() if decoder else ("masked-tokens",),
        recipe=RECIPE,
        licence=LICENCE,
        options=(
            WEIGHTS,
            CHECKPOINT_KEY,
            PARTIAL,
            Option(name="max_length", default=longest, summary="maximum length; longer inputs are cut", unit="tokens"),
            pooling("last" if decoder else "mean"),
        ),
        requires=("transformers", "tokenizers"),
        extra="nlp",
        checkpoint=checkpoint,
        remask=None if decoder else deferred("tlbench_hf.masks", "remask"),
        augment=None if decoder else deferred("tlbench_hf.masks", "augment"),
        own_head=deferred("tlbench_hf.text", "own_head"),
        fit=deferred("tlbench_hf.tokens", "fit"),
        prepare=deferred("tlbench_hf.tokens", "prepare"),
        preprocess=deferred("tlbench_hf.encoding"),
        build=deferred("tlbench_hf.text", "build"),
        save=deferred("tlbench_hf.text", "save"),
        encode_labels=deferred("tlbench_hf.text", "encode_labels"),
    )


def _image(place: str, name: str, config: Mapping[str, Any]) -> BackboneSpec:
    plain, whole_clip = is_plain(extractor_file(place)), config["model_type"] == "clip"
    return BackboneSpec(
        name=name,
        modality="image",
        title=f"{config['model_type']} of transformers",
        summary="One feature for each image, with the preprocessing of its training; of CLIP that for texts too.",
        traits=("scales",),
        recipe=RECIPE,
        licence=LICENCE,
        options=(WEIGHTS, CHECKPOINT_KEY, PARTIAL),
        requires=("transformers", "PIL"),
        extra="vision",
        checkpoint=functools.partial(files_of_clip if whole_clip else files_beside_extractor, place),
        encode_labels=deferred("tlbench_hf.clip", "encode_labels") if whole_clip and has_tokenizer(place) else None,
        fit=deferred("tlbench_hf.image", "fit"),
        prepare=deferred("tlbench_hf.image", "prepare"),
        preprocess=deferred("tlbench_hf.photo") if plain else None,
        build=deferred("tlbench_hf.image", "build"),
        save=deferred("tlbench_hf.image", "save"),
        augment=deferred("tlbench.learning", "vary_images"),
        augments_on_device=True,
    )


def _speech(name: str, config: Mapping[str, Any], checkpoint: Find) -> BackboneSpec:
    fit, build, save = SPEECH[config["model_type"]]
    longest = min(4.0, SECONDS_OF_FRAME * (config.get("max_source_positions") or 1500))
    return BackboneSpec(
        name=name,
        modality="audio",
        title=f"{config['model_type']} of transformers",
        summary="Mean of its frames, or each of them, from the waveform at the sample rate of its training.",
        layouts=("pooled", "sequence"),
        recipe=RECIPE,
        licence=LICENCE,
        options=(
            WEIGHTS,
            CHECKPOINT_KEY,
            PARTIAL,
            Option(
                name="max_seconds",
                default=longest,
                summary="maximum length; longer inputs are cut on both sides",
                unit="s",
            ),
        ),
        requires=("transformers", "torchaudio"),
        extra="speech",
        checkpoint=checkpoint,
        fit=fit,
        prepare=deferred("tlbench_hf.audio", "prepare"),
        preprocess=deferred("tlbench_hf.waveform"),
        build=build,
        save=save,
        augment=deferred("tlbench_hf.audio", "augment"),
    )
