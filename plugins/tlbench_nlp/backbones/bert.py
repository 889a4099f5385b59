"""A small BERT (Devlin et al. 2019, arXiv:1810.04805) over word pieces learnt from source training text.

Raw examples are texts, or lists of words. Features are one a text (mean over its pieces), or one a word (its first
piece; a word behind the cut reads the last position).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tokenizers import Encoding, Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
from torch import Tensor
from transformers import BertConfig, BertModel

from tlbench import BuildRequest, FitRequest, PrepareRequest
from tlbench.data import Columns, Ragged
from tlbench.model import Encoder

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
"""Ids 0 to 3; columns are padded with 0."""


def fit(request: FitRequest) -> dict[str, Any]:
    """Return a tokenizer as JSON, its word pieces learnt from the texts."""
    learner, texts = _tokenizer({}), [_text(example) for example in request.inputs]
    # The trainer numbers inner letters in the random order of a hash map, and breaks ties by number: name them first.
    inner = sorted({f"##{letter}" for text in texts for word in _words(learner, text) for letter in word[1:]})
    size = int(request.options["vocabulary"])
    trainer = trainers.WordPieceTrainer(vocab_size=size, special_tokens=[*SPECIAL, *inner], show_progress=False)
    learner.train_from_iterator(texts, trainer)
    tokenizer = _tokenizer(learner.get_vocab())  # Anew, for inner letters are no special tokens.
    tokenizer.post_processor = processors.BertProcessing(
        ("[SEP]", SPECIAL.index("[SEP]")), ("[CLS]", SPECIAL.index("[CLS]"))
    )
    return {"tokenizer": tokenizer.to_str(), "vocabulary": tokenizer.get_vocab_size()}


def _tokenizer(vocabulary: dict[str, int]) -> Tokenizer:
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token=SPECIAL[1], max_input_chars_per_word=50))
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return tokenizer


def _words(tokenizer: Tokenizer, text: str) -> list[str]:
    normal = tokenizer.normalizer.normalize_str(text)
    return [word for word, _ in tokenizer.pre_tokenizer.pre_tokenize_str(normal)]


def _text(example: str | Sequence[str]) -> str:
    return example if isinstance(example, str) else " ".join(example)


def prepare(request: PrepareRequest) -> Columns:
    """Return piece ids, and for `sequence` the position of each word's first piece; int32, ragged."""
    tokenizer = Tokenizer.from_str(request.fitted["tokenizer"])
    tokenizer.enable_truncation(int(request.options["max_length"]))
    words = request.layout == "sequence"
    encodings = tokenizer.encode_batch(list(request.inputs), is_pretokenized=words)
    ids = Ragged.of([encoding.ids for encoding in encodings])
    if not words:
        return (ids,)
    return ids, Ragged.of([_first_pieces(e, len(raw)) for e, raw in zip(encodings, request.inputs, strict=True)])


def _first_pieces(encoding: Encoding, words: int) -> list[int]:
    first: dict[int, int] = {}
    for position, word in enumerate(encoding.word_ids):
        if word is not None:
            first.setdefault(word, position)
    return [first.get(word, len(encoding.ids) - 1) for word in range(words)]


def build(request: BuildRequest) -> Encoder:
    """Return the encoder; its layout decides whether it reads the words' positions."""
    return SmallBert(request.fitted, request.options, words=request.layout == "sequence")


class SmallBert(Encoder):
    """Piece ids `(N, T)` -> features `(N, D)`; or with the words' positions `(N, W)` -> `(N, W, D)`."""

    def __init__(self, fitted: Mapping[str, Any], options: Mapping[str, Any], words: bool) -> None:
        super().__init__()
        self.words = words
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
        )
        self.bert = BertModel(config, add_pooling_layer=False)

    def forward(self, ids: Tensor, first: Tensor | None = None) -> Tensor:
        mask = (ids > 0).long()
        states: Tensor = self.bert(input_ids=ids.long(), attention_mask=mask).last_hidden_state
        if first is None:
            return (states * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)
        return states.gather(1, first.long()[..., None].expand(-1, -1, states.shape[2]))

    def units(self, *inputs: Tensor) -> Tensor | None:
        return inputs[1] > 0 if self.words else None  # Position 0 is [CLS], never a word.
