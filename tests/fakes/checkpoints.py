"""Checkpoints of transformers with a few thousand random weights, as its own `save_pretrained` writes them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

WORDS = (
    "the", "a", "plot", "hero", "ending", "kettle", "lid", "blade", "is", "was", "very", "not", "good", "bad", "dull",
    "sharp", "moving", "and", "but", "it",
)  # fmt: skip
SPEECH = {
    "hidden_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "conv_dim": (8, 8),
    "conv_kernel": (10, 8),
    "conv_stride": (8, 8),
    "num_feat_extract_layers": 2,
    "num_conv_pos_embeddings": 4,
    "num_conv_pos_embedding_groups": 2,
    "vocab_size": 8,
}


def bert_folder(folder: Path, masked: bool = True) -> Path:
    """A BERT whose pieces are whole words, with or without the layers that say masked ones."""
    import torch
    from transformers import BertConfig, BertForMaskedLM, BertModel, BertTokenizer

    torch.manual_seed(0)
    folder.mkdir()
    (folder / "vocab.txt").write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]))
    config = BertConfig(
        vocab_size=5 + len(WORDS),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=32,
    )
    (BertForMaskedLM if masked else BertModel)(config).save_pretrained(folder)
    BertTokenizer.from_pretrained(folder).save_pretrained(folder)
    return folder


def gpt2_folder(folder: Path, positions: int = 32) -> Path:
    """A GPT-2 over bytes and a few pairs of them; no token of padding, as the real one."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers
    from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

    torch.manual_seed(0)
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=300, special_tokens=["<|endoftext|>"], initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator([" ".join(WORDS)] * 2, trainer)
    size = tokenizer.get_vocab_size()
    layers = {"n_embd": 16, "n_layer": 1, "n_head": 2, "n_positions": positions}
    config = GPT2Config(vocab_size=size, **layers, bos_token_id=0, eos_token_id=0)
    GPT2LMHeadModel(config).save_pretrained(folder)
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<|endoftext|>").save_pretrained(folder)
    return folder


def speech_folder(folder: Path, kind: str) -> Path:
    """A `wav2vec2` or `wavlm` that masks what is padded, or a `hubert` that does not."""
    import torch
    from transformers import AutoConfig, AutoModel

    torch.manual_seed(0)
    masks = kind != "hubert"
    config = AutoConfig.for_model(
        kind, **SPEECH, feat_extract_norm="layer" if masks else "group", do_stable_layer_norm=masks
    )
    AutoModel.from_config(config).save_pretrained(folder)
    settings: Mapping[str, Any] = {"sampling_rate": 16000, "do_normalize": True, "return_attention_mask": masks}
    (folder / "preprocessor_config.json").write_text(json.dumps(settings))
    return folder


def image_folder(folder: Path, kind: str) -> Path:
    """A `vit`, `clip` with its text tower, `swin` or other vision transformer for images of 32 pixels."""
    import torch
    from transformers import AutoConfig, AutoModel

    torch.manual_seed(0)
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    pixels = {"image_size": 32, "patch_size": 16}
    values: dict[str, Any] = {**sizes, **pixels}
    if kind == "clip":
        texts = {**sizes, "vocab_size": 32, "bos_token_id": 0, "eos_token_id": 31, "pad_token_id": 1}
        values = {"vision_config": values, "text_config": texts, "projection_dim": 8}
    if kind == "swin":
        values = {**pixels, "patch_size": 4, "embed_dim": 8, "depths": [1, 1], "num_heads": [1, 2], "window_size": 4}
    AutoModel.from_config(AutoConfig.for_model(kind, **values)).save_pretrained(folder)
    return folder


def whisper_folder(folder: Path) -> Path:
    """A Whisper that reads 0.24 s, with its decoder."""
    import torch
    from transformers import WhisperConfig, WhisperFeatureExtractor, WhisperForConditionalGeneration

    torch.manual_seed(0)
    sizes = {"attention_heads": 2, "ffn_dim": 32, "layers": 1}
    config = WhisperConfig(
        **{f"{side}_{name}": value for side in ("encoder", "decoder") for name, value in sizes.items()},
        d_model=16,
        vocab_size=8,
        max_source_positions=12,
        max_target_positions=4,
        **dict.fromkeys(("pad_token_id", "bos_token_id", "eos_token_id", "decoder_start_token_id"), 0),
    )
    WhisperForConditionalGeneration(config).save_pretrained(folder)
    WhisperFeatureExtractor().save_pretrained(folder)
    return folder
