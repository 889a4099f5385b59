"""A raw example is a text, or a pair of texts, such as a question and its context; where words are labelled, a list of
words; where an answer is written, its prompt, a text, or a pair of prompt and answer.

This module turns it into piece ids by byte-level byte pair encoding (Radford et al. 2019) and needs numpy alone beside
the rule for words, which an export carries too: it prepares training data, and goes with an exported model to where
that is served. Pieces and merges are those of a `tokenizers` file; the names of special tokens in a text are text.
"""

from __future__ import annotations

import functools
import heapq
import itertools
import json
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tlbench.assets import context_words

SPECIAL = ("[PAD]", "[CLS]", "[SEP]")
"""Ids 0 to 2; inputs are padded with 0."""
END, ANSWER = "[END]", "[ANSWER]"
"""Of the layout `continuation` ids 0, which is at the start too, and 1, which stands between prompt and answer."""
ANSWER_TOKENS = 32
"""Pieces of an answer at most, with its end: behind a prompt there is room for so many."""
KNOWN_WORDS = 50_000
"""Words whose pieces are remembered."""
SPACES = frozenset(
    map(chr, (*range(9, 14), 0x20, 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029, 0x202F, 0x205F, 0x3000))
)
"""White space as Unicode has it; Python's own has four control characters more."""
WORDS = re.compile(r"'(?:s|t|re|ve|m|ll|d)| ?[Ldelmrstv]+| ?N+| ?[.']+|[ \t]+(?![^ \t])|[ \t]+")
"""GPT-2's rule, over what `Classes` makes of a text: contractions, letters, numbers, other signs, white space."""


def preprocessor(
    fitted: Mapping[str, Any], options: Mapping[str, Any], layout: str
) -> Callable[[Any], tuple[NDArray[np.int32], ...]]:
    """Return the function from a text or a pair of texts to its piece ids `(T,)`; or, for the layout `sequence`, from a
    list of words to ids and the position of each word's first piece `(W,)`, int32. Words behind the cut read the last
    position. Of a pair, the longer text is cut first. For the layout `context` it is `question_in_context`.

    For the layout `continuation` from a prompt or a pair of prompt and answer to the first two arrays of `Continued`.
    """
    if layout == "continuation":
        continued = Continued(fitted, options)
        return lambda example: continued(example)[:2]
    encode, room = PieceEncoder(fitted["tokenizer"]), max(0, int(options["max_length"]) - 2)
    if layout == "context":
        return lambda example: question_in_context(example, encode, room - 1)
    first, last = SPECIAL.index("[CLS]"), SPECIAL.index("[SEP]")

    def text(example: str | Sequence[str]) -> tuple[NDArray[np.int32], ...]:
        if isinstance(example, str):
            return (np.array([first, *encode(example)[:room], last], np.int32),)
        one, other = map(encode, example)
        kept = max(room - 1 - len(other), (room - 1) // 2)
        one = one[: max(0, kept)]
        return (np.array([first, *one, last, *other[: max(0, room - 1 - len(one))], last], np.int32),)

    def words(example: Sequence[str]) -> tuple[NDArray[np.int32], ...]:
        parts = [encode(word) for word in example]
        ids = [first, *[piece for part in parts for piece in part][:room], last]
        ends = itertools.accumulate(map(len, parts), initial=1)
        starts = [start if start < end and start <= room else len(ids) - 1 for start, end in itertools.pairwise(ends)]
        return np.array(ids, np.int32), np.array(starts, np.int32)

    return words if layout == "sequence" else text


def question_in_context(
    pair: Sequence[str], encode: Callable[[str], list[int]], room: int
) -> tuple[NDArray[np.int32], ...]:
    """Return ids `(T,)`, segments `(T,)` and 1 + the position of the first piece of each word of the context `(W,)`.

    The segment is 0 for the question, 1 for the context, and 2 for its words that are in the question too, whatever
    their case: the exact match of Chen et al. 2017 (arXiv:1704.00051). Of `room` pieces, the question takes up to a
    half; words of the context behind the cut have the position of the start token, 1.
    """
    question, context = pair
    asked, words = split_words(question), split_words(context)
    first, last = SPECIAL.index("[CLS]"), SPECIAL.index("[SEP]")
    head = [first, *[piece for word in asked for piece in encode(word)][: room // 2], last]
    shared, most = {word.lower() for word in asked}, room + 2
    ids, segments, starts = [*head], [0] * len(head), []
    for word in words:
        starts.append(len(ids) + 1 if len(ids) < most else 1)
        pieces = encode(word)[: most - len(ids)]
        ids += pieces
        segments += [2 if word.lower() in shared else 1] * len(pieces)
    columns = [*ids, last], [*segments, 1], starts
    return tuple(np.array(column, np.int32) for column in columns)


def split_words(text: str) -> list[str]:
    """Return the words and signs of a text."""
    return [text[start:end] for start, end in context_words(text)]


class Continued:
    """Prompt, or prompt and answer -> ids + 1 `(T,)`, marks `(T,)`, and the ids of the answer, as far as it is read.

    Marks are 1 where the next piece is one of the answer. The end of a long prompt is cut, so that an answer has room.
    """

    def __init__(self, fitted: Mapping[str, Any], options: Mapping[str, Any]) -> None:
        self._encode = PieceEncoder(fitted["tokenizer"])
        self._room = int(options["max_length"]) - ANSWER_TOKENS - 1
        if self._room < 1:
            raise ValueError(f"max_length must be at least {ANSWER_TOKENS + 2}: an answer takes {ANSWER_TOKENS} pieces")

    def __call__(self, example: str | Sequence[str]) -> tuple[NDArray[np.int32], ...]:
        prompt, answer = (example, None) if isinstance(example, str) else example
        pieces = [0, *self._encode(prompt)[: self._room], 1]
        told = [] if answer is None else [*self._encode(answer), 0][:ANSWER_TOKENS]
        marks = [0] * (len(pieces) - 1) + [1] * max(1, len(told))
        return np.array([*pieces, *told[:-1]], np.int32) + 1, np.array(marks, np.int32), np.array(told, np.int32)


class PieceEncoder:
    """Text -> piece ids."""

    def __init__(self, tokenizer: str) -> None:
        model = json.loads(tokenizer)["model"]
        self._ids: dict[str, int] = model["vocab"]
        self._ranks = {(left, right): rank for rank, (left, right) in enumerate(model["merges"])}
        self._classes, self._letters = Classes(), byte_letters()
        self._word = functools.lru_cache(KNOWN_WORDS)(self._pieces)

    def __call__(self, text: str) -> list[int]:
        """Return the ids of a text's pieces; a word at its start is read as one behind a space."""
        text = unicodedata.normalize("NFC", text)
        if text and not text.startswith(" "):
            text = f" {text}"
        return [
            piece
            for match in WORDS.finditer(text.translate(self._classes))
            for piece in self._word(text[match.start() : match.end()])
        ]

    def _pieces(self, word: str) -> tuple[int, ...]:
        symbols = [self._letters[byte] for byte in word.encode()]
        return tuple(self._ids[piece] for piece in merge(symbols, self._ranks))


class Classes(dict[int, str]):
    """What `str.translate` puts in place of each character: its class, or itself where contractions ask for it."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        if character in " 'delmrstv":
            found = character
        elif character.isalpha():
            found = "L"
        elif unicodedata.category(character).startswith("N"):
            found = "N"
        else:
            found = "\t" if character in SPACES else "."
        self[code] = found
        return found


def byte_letters() -> list[str]:
    """Return the letter that stands for each byte: itself where it prints, else one from U+0100 on."""
    printed = {*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)}
    others = iter(range(256, 512))
    return [chr(byte if byte in printed else next(others)) for byte in range(256)]


def token_texts(tokenizer: str) -> list[str]:
    """Return the text of each piece by its id, empty for special ones; half a character is U+FFFD."""
    ids: dict[str, int] = json.loads(tokenizer)["model"]["vocab"]
    values = {letter: byte for byte, letter in enumerate(byte_letters())}
    texts = [""] * (max(ids.values()) + 1)
    for piece, place in ids.items():
        if piece not in SPECIAL:
            texts[place] = bytes(values[letter] for letter in piece).decode(errors="replace")
    return texts


def merge(symbols: Iterable[str], ranks: Mapping[tuple[str, str], int]) -> list[str]:
    """Join the neighbours of the lowest rank, from the left, until no two neighbours have one: O(n log n)."""
    parts: list[str] = list(symbols)
    before, after = list(range(-1, len(parts) - 1)), list(range(1, len(parts) + 1))
    queue: list[tuple[int, int]] = []

    def note(left: int) -> None:
        if left >= 0 and after[left] < len(parts):
            rank = ranks.get((parts[left], parts[after[left]]))
            if rank is not None:
                heapq.heappush(queue, (rank, left))

    for position in range(len(parts)):
        note(position)
    while queue:
        rank, left = heapq.heappop(queue)
        right = after[left]
        # An entry is out of date where one of its two parts was joined to something else meanwhile.
        if not parts[left] or right == len(parts) or ranks.get((parts[left], parts[right])) != rank:
            continue
        parts[left], parts[right], after[left] = parts[left] + parts[right], "", after[right]
        if after[right] < len(parts):
            before[after[right]] = left
        note(before[left])
        note(left)
    return [part for part in parts if part]
