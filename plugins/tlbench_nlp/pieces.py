"""Byte pairs that are learnt from texts, as `preprocess.PieceEncoder` applies them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers


def learn_pieces(texts: Iterable[str], size: int, special: Sequence[str]) -> Tokenizer:
    """Return a tokenizer of up to `size` byte-level pieces; the `special` ones have the first ids, in this order."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        special_tokens=list(special),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer
