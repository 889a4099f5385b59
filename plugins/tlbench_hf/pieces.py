"""Tokenizers and configurations of new models.

Byte-level BPE (Radford et al. 2019) knows every character, and its trainer gives the same pieces in every process,
which the WordPiece trainer of tokenizers does not.
"""

from __future__ import annotations

from typing import Any

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

from tlbench import FitRequest
from tlbench_hf.encoding import plain
from tlbench_hf.tokens import fit

SPECIAL = {"bert": ["[PAD]", "[CLS]", "[SEP]", "[MASK]"], "gpt2": ["<|endoftext|>"]}
"""Their ids are their places."""


def fit_new(request: FitRequest, model_type: str) -> dict[str, Any]:
    """Return a tokenizer learnt from the texts, and the configuration of a model over its pieces, as JSON."""
    tokenizer = _learn(request, SPECIAL[model_type])
    if model_type == "bert":
        tokenizer.post_processor = processors.BertProcessing(("[SEP]", 2), ("[CLS]", 1))
    config = _configuration(request, model_type, tokenizer.get_vocab_size())
    made = {"tokenizer": tokenizer.to_str(), "config": {"model_type": model_type, **config}}
    return {**made, **fit(request, made)}


def _learn(request: FitRequest, special: list[str]) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=int(request.options["vocabulary"]),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        special_tokens=special,
        show_progress=False,
    )
    tokenizer.train_from_iterator((plain(example) for example in request.inputs), trainer)
    return tokenizer


def _configuration(request: FitRequest, model_type: str, vocabulary: int) -> dict[str, Any]:
    options = request.options
    hidden, dropout = int(options["hidden"]), float(options["dropout"])
    if model_type == "gpt2":
        return {
            "vocab_size": vocabulary,
            "n_embd": hidden,
            "n_layer": int(options["layers"]),
            "n_head": int(options["heads"]),
            "n_inner": 2 * hidden,
            "n_positions": int(options["max_length"]),
            "resid_pdrop": dropout,
            "embd_pdrop": dropout,
            "attn_pdrop": dropout,
            "bos_token_id": 0,
            "eos_token_id": 0,
        }
    return {
        "vocab_size": vocabulary,
        "hidden_size": hidden,
        "num_hidden_layers": int(options["layers"]),
        "num_attention_heads": int(options["heads"]),
        "intermediate_size": 2 * hidden,
        "max_position_embeddings": int(options["max_length"]),
        "hidden_dropout_prob": dropout,
        "attention_probs_dropout_prob": dropout,
    }
