"""A small BERT (Devlin et al. 2019, arXiv:1810.04805) over byte pairs learnt from source training text.

Byte-level BPE (Radford et al. 2019) knows every character, and its trainer gives the same pieces in every process,
which the WordPiece trainer of tokenizers does not. Raw examples are texts, or lists of words. Features are one a text
(mean over its pieces), or one a word (its first piece; a word behind the cut reads the last position), or one a word
of the context of a question (a word behind the cut reads the first position).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer, processors
from torch import Tensor
from transformers import BertConfig, BertModel

from tlbench import Array, AugmentRequest, BuildRequest, FitRequest, LabelsRequest, PrepareRequest, SaveRequest
from tlbench.learning import Columns, Encoder, Ragged, Tensors, device_of, prepare_each, vary_texts
from tlbench_nlp.pieces import learn_pieces
from tlbench_nlp.preprocess import SPECIAL, preprocessor, split_words, token_texts


def fit(request: FitRequest) -> dict[str, Any]:
    """Return a tokenizer as JSON, its pieces learnt from the texts."""
    text = _words_apart if request.layout == "context" else _text
    tokenizer = learn_pieces(map(text, request.inputs), int(request.options["vocabulary"]), SPECIAL)
    tokenizer.post_processor = processors.BertProcessing(
        ("[SEP]", SPECIAL.index("[SEP]")), ("[CLS]", SPECIAL.index("[CLS]"))
    )
    return {"tokenizer": tokenizer.to_str(), "vocabulary": tokenizer.get_vocab_size()}


def _text(example: str | Sequence[str]) -> str:
    return example if isinstance(example, str) else " ".join(example)


def _words_apart(pair: Sequence[str]) -> str:
    """Return question and context with a space between all words and signs, as their pieces are made."""
    return " ".join(word for text in pair for word in split_words(text))


def prepare(request: PrepareRequest) -> Columns:
    """Return piece ids; for `context` their segments; for it and `sequence` the places of words; int32, ragged."""
    return tuple(Ragged.of(column) for column in prepare_each(preprocessor, request))


def augment(request: AugmentRequest) -> Tensors:
    """Return the texts with the transformations that the task names."""
    return vary_texts(request, range(len(SPECIAL)))


def build(request: BuildRequest) -> Encoder:
    """Return the encoder; its layout decides whether it reads the words' positions."""
    return SmallBert(request.fitted, request.options, request.layout)


def encode_labels(request: LabelsRequest) -> Array:
    """Return the mean over the pieces of each name `(C, D)`: its feature as a text by itself."""
    text = preprocessor(request.fitted, request.options, "pooled")
    ids = Ragged.of([text(name)[0] for name in request.names]).take(np.arange(len(request.names)))
    with torch.no_grad():
        features: Tensor = request.encoder(torch.from_numpy(ids).to(device_of(request.encoder)))
    return features.cpu().numpy()


def save(request: SaveRequest) -> None:
    """Write config.json, model.safetensors and the tokenizer, without the head."""
    from transformers import PreTrainedTokenizerFast

    encoder = request.encoder
    assert isinstance(encoder, SmallBert)
    encoder.bert.save_pretrained(request.folder)
    names = {"pad_token": "[PAD]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    tokenizer = Tokenizer.from_str(request.fitted["tokenizer"])
    made = PreTrainedTokenizerFast(tokenizer_object=tokenizer, **names)  # type: ignore[no-untyped-call]
    made.save_pretrained(request.folder)


class SmallBert(Encoder):
    """Piece ids `(N, T)` -> features `(N, D)`; or with the words' positions `(N, W)` -> `(N, W, D)`.

    In the layout `context` segments `(N, T)` stand between both, and positions are one more.
    """

    def __init__(self, fitted: Mapping[str, Any], options: Mapping[str, Any], layout: str) -> None:
        super().__init__()
        self.layout = layout
        self.token_texts = token_texts(fitted["tokenizer"])
        self.feature_dim = int(options["hidden"])
        config = BertConfig(
            vocab_size=fitted["vocabulary"],
            hidden_size=self.feature_dim,
            num_hidden_layers=int(options["layers"]),
            num_attention_heads=4,
            intermediate_size=2 * self.feature_dim,
            max_position_embeddings=int(options["max_length"]),
            hidden_dropout_prob=float(options["dropout"]),
            attention_probs_dropout_prob=float(options["dropout"]),
            type_vocab_size=3 if layout == "context" else 2,
        )
        self.bert = BertModel(config, add_pooling_layer=False)

    def forward(self, ids: Tensor, *rest: Tensor) -> Tensor:
        mask = (ids > 0).long()
        context = self.layout == "context" and rest
        segments = {"token_type_ids": rest[0].long()} if context else {}
        states: Tensor = self.bert(input_ids=ids.long(), attention_mask=mask, **segments).last_hidden_state
        if not rest:
            return (states * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)
        first = (rest[-1].long() - 1).clamp(min=0) if context else rest[-1].long()
        return states.gather(1, first[..., None].expand(-1, -1, states.shape[2]))

    def units(self, *inputs: Tensor) -> Tensor | None:
        # Position 0 is [CLS], never a word.
        return None if self.layout == "pooled" else inputs[-1] > 0
