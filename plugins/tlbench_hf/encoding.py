"""A raw example is a text, or a pair of texts; where words are labelled, a list of words; for answers, a pair.

This module turns it into token ids by the tokenizer of a checkpoint and needs numpy and tokenizers alone: it prepares
training data, and goes with an exported model, as does the one function that it takes from tlbench. Inputs hold id + 1,
for 0 is padding: so no token of padding is needed, which GPT-2 has none of.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Encoding, Tokenizer

from tlbench.assets import context_words

MASKED, MASK, OTHER = 0.15, 0.8, 0.9
"""Part of a text's tokens that is masked; of them 80 % become the mask, 10 % another token (Devlin et al. 2019)."""

SAYS_TOKENS = ("next-token", "masked-token", "continuation")
"""Layouts whose last column holds tokens as targets; their features are for a language model's own output layer."""

Example = str | Sequence[str]
Numbers = list[list[int]]


def preprocessor(
    fitted: Mapping[str, Any], options: Mapping[str, Any], layout: str
) -> Callable[[Any], tuple[NDArray[np.int32], ...]]:
    """Return the function from an example to the model's inputs, int32.

    These are the first columns of `encoder`: without the targets, where tokens of the text are what is to be said.
    """
    encode = encoder(fitted, options, layout)

    def text(example: Any) -> tuple[NDArray[np.int32], ...]:
        columns = encode([example])
        inputs = columns[:-1] if layout in SAYS_TOKENS else columns
        return tuple(np.array(column[0], np.int32) for column in inputs)

    return text


def encoder(
    fitted: Mapping[str, Any], options: Mapping[str, Any], layout: str
) -> Callable[[Sequence[Any]], list[Numbers]]:
    """Return the function from examples to the columns of all: ids + 1, segments of pairs, and what the layout asks.

    That is 1 + the position of each word's first piece for `sequence`, and of each word of the context for `context`;
    1 + the positions of masked tokens and these tokens for `masked-token`; for `next-token` the ids are of the token
    before each, and the tokens follow; for `continuation` marks of the answer and its tokens follow. `fitted` is what
    `tokens.fit` returns, and the function raises `ValueError` for another example than the layout takes.
    """
    tokenizer = Tokenizer.from_str(fitted["tokenizer"])
    tokenizer.no_padding()
    tokenizer.enable_truncation(int(options["max_length"]))
    if layout == "sequence":
        tokenizer.pre_tokenizer = with_prefix_space(tokenizer)

    def encode(examples: Sequence[Any]) -> list[Numbers]:
        if layout == "next-token":
            texts = encoded(tokenizer, [plain(example) for example in examples], add_special_tokens=False)
            return next_tokens(_checked_ids(texts, fitted), fitted["start"])
        if layout == "continuation":
            return answers(tokenizer, examples, fitted, int(options["max_length"]))
        if layout == "context":
            return contexts(tokenizer, examples, fitted, int(options["max_length"]))
        words = layout == "sequence"
        encodings = encoded(tokenizer, [_checked(example, words) for example in examples], is_pretokenized=words)
        ids = _checked_ids(encodings, fitted)
        columns = [[encoding.type_ids for encoding in encodings]] if fitted["segments"] else []
        if words:
            columns += [[first_pieces(*pair) for pair in zip(encodings, map(len, examples), strict=True)]]
        elif layout == "masked-token":
            ids, places, targets = masked(ids, fitted)
            columns += [places, targets]
        return [[[token + 1 for token in part] for part in ids], *columns]

    return encode


def plain(example: Example) -> str:
    """Return a text, a pair or a list of words as one text."""
    return example if isinstance(example, str) else " ".join(example)


def encoded(tokenizer: Tokenizer, inputs: list[Any], **options: bool) -> list[Encoding]:
    """Raises `ValueError` if a rule of the tokenizer fails on a text, such as a pattern that backtracks too long."""
    try:
        return tokenizer.encode_batch(inputs, **options)
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # Of Rust. It is no `Exception`, and no module exports it.
            raise
        reason = " ".join(str(error).split())
        raise ValueError(f"The tokenizer failed ({reason}): use another checkpoint.") from error


def _checked(example: Any, words: bool) -> Any:
    """Return an example as the tokenizer takes it; a pair may be a list, as JSON has no other."""
    if not words and isinstance(example, list) and len(example) == 2:
        example = tuple(example)
    if not isinstance(example, list if words else (str, tuple)):
        raise ValueError(f"Invalid example: expected a {'list of words' if words else 'text or a pair of texts'}.")
    return example


def _checked_ids(encodings: Sequence[Encoding], fitted: Mapping[str, Any]) -> Numbers:
    """Return the ids. Raises `ValueError` for a token that the model has no embedding of."""
    ids: Numbers = [encoding.ids for encoding in encodings]
    known, highest = fitted["size"], max((max(part, default=0) for part in ids), default=0)
    if known is not None and highest >= known:
        raise ValueError(
            f"The tokenizer gives the token number {highest}, but the model has embeddings of {known} tokens only: use "
            f"the model's own tokenizer, or resize the embeddings (resize_token_embeddings) and train them."
        )
    return ids


def with_prefix_space(tokenizer: Tokenizer) -> Any:
    """Return the tokenizer's division into words, byte-level ones with a space before each: as within a sentence."""
    state = json.loads(tokenizer.to_str())
    rules = state["pre_tokenizer"] or {}
    for rule in (rules, *rules.get("pretokenizers", ())):
        if rule.get("type") == "ByteLevel":
            rule["add_prefix_space"] = True
    return Tokenizer.from_str(json.dumps(state)).pre_tokenizer


def first_pieces(encoding: Encoding, words: int) -> list[int]:
    """Return 1 + the position of each word's first piece; of a word behind the cut, or without one, the last."""
    first: dict[int, int] = {}
    for position, word in enumerate(encoding.word_ids):
        if word is not None:
            first.setdefault(word, position)
    return [1 + first.get(word, max(0, len(encoding.ids) - 1)) for word in range(words)]


def contexts(tokenizer: Tokenizer, examples: Sequence[Any], fitted: Mapping[str, Any], longest: int) -> list[Numbers]:
    """Return ids + 1; segments of models that have them; and 1 + the place of each word of the context.

    Of the tokens there are room for, a question takes up to a half; words of the context behind the cut have the place
    of the first token.
    """
    added = tokenizer.num_special_tokens_to_add(True)
    room = max(1, longest - added)
    tokenizer.no_truncation()
    pairs = [_short_question(tokenizer, _pair(example), max(1, room // 2)) for example in examples]
    tokenizer.enable_truncation(room + added, strategy="only_second")
    encodings = encoded(tokenizer, pairs)
    ids = _checked_ids(encodings, fitted)
    columns = [[encoding.type_ids for encoding in encodings]] if fitted["segments"] else []
    places = [context_places(*each) for each in zip(encodings, (context for _, context in pairs), strict=True)]
    return [[[token + 1 for token in part] for part in ids], *columns, places]


def _pair(example: Any) -> tuple[str, str]:
    """Return a pair of texts, such as a question and its context. Raises `ValueError` for anything else."""
    pair = _checked(example, words=False)
    if not isinstance(pair, tuple) or len(pair) != 2:
        raise ValueError("Invalid example: expected a pair of texts.")
    return pair


def _short_question(tokenizer: Tokenizer, pair: tuple[str, str], most: int) -> tuple[str, str]:
    """Return a pair whose question has up to so many tokens."""
    question, context = pair
    (encoding,) = encoded(tokenizer, [question], add_special_tokens=False)
    return question[: encoding.offsets[most - 1][1]] if len(encoding.ids) > most else question, context


def context_places(encoding: Encoding, context: str) -> list[int]:
    """Return 1 + the place of the token with the first character of each word; 1 for words behind the cut."""
    inside = [place for place, text in enumerate(encoding.sequence_ids) if text == 1]
    ends = [encoding.offsets[place][1] for place in inside]
    found = [bisect_right(ends, start) for start, _ in context_words(context)]
    return [1 + inside[token] if token < len(inside) else 1 for token in found]


def answers(tokenizer: Tokenizer, examples: Sequence[Any], fitted: Mapping[str, Any], longest: int) -> list[Numbers]:
    """Return ids + 1, marks of the answer, and the ids of the answer, which stands behind a line break.

    A long prompt is cut at its end, a long answer to `answer_tokens`.
    """
    tokenizer.no_truncation()
    start, end, most = fitted["start"], fitted["end"], int(fitted["answer_tokens"])
    pairs = [(example, None) if isinstance(example, str) else _pair(example) for example in examples]
    texts = [*(prompt for prompt, _ in pairs), "\n", *(answer or "" for _, answer in pairs)]
    ids = _checked_ids(encoded(tokenizer, texts, add_special_tokens=False), fitted)
    prompts, between, told = ids[: len(pairs)], ids[len(pairs)], ids[len(pairs) + 1 :]
    room = longest - most - len(between)
    if room < 1:
        raise ValueError(
            f"Invalid max_length {longest}: prompt and answer take at least {most + len(between) + 1} tokens."
        )
    columns: list[Numbers] = [[], [], []]
    for prompt, answer, (_, text) in zip(prompts, told, pairs, strict=True):
        said = [] if text is None else [*answer, end][:most]
        before = [start, *prompt[:room], *between]
        marks = [0] * (len(before) - 1) + [1] * max(1, len(said))
        for column, values in zip(columns, ([1 + token for token in [*before, *said[:-1]]], marks, said), strict=True):
            column.append(values)
    return columns


def next_tokens(ids: Numbers, start: int) -> list[Numbers]:
    """Return the token before each, + 1, and each; before the first stands the model's own start."""
    return [[[1 + token for token in [start, *part][: len(part)]] for part in ids], ids]


def masked(encodings: Numbers, fitted: Mapping[str, Any]) -> tuple[Numbers, Numbers, Numbers]:
    """Return ids with a part of them masked, always the same; 1 + the places of these, and what stood there."""
    size, special = len(fitted["vocabulary"]), np.array(fitted["special"])
    inputs, places, targets = [], [], []
    for text in encodings:
        # A text is masked alike wherever it stands: the draw depends on its tokens.
        ids, random = np.array(text), np.random.default_rng(text)
        free = np.flatnonzero(~np.isin(ids, special))
        chosen = np.sort(random.choice(free, min(len(free), max(1, round(MASKED * len(free)))), replace=False))
        targets.append(ids[chosen].tolist())
        rule, others = random.random(len(chosen)), random.integers(size, size=len(chosen))
        ids[chosen] = np.where(rule < MASK, fitted["mask"], np.where(rule < OTHER, others, ids[chosen]))
        inputs.append(ids.tolist())
        places.append((chosen + 1).tolist())
    return inputs, places, targets
