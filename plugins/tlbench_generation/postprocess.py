"""Outputs of a decoder -> log-probabilities of an answer, and the answer that it writes itself, in numpy alone.

An exported model comes with a copy of this file.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

LONGEST = 32
"""Tokens that are written at most, with the one that ends an answer."""
SPACE = "\N{LOWER ONE EIGHTH BLOCK}"
"""Stands for a space in the pieces of SentencePiece."""
BYTE = re.compile("<0x[0-9A-F]{2}>")
"""A piece of SentencePiece that is a byte."""


class Answers:
    """The log-probability of each token of the true answer, and behind these the characters of a written one.

    An answer is written by greedy decoding: always the most probable token, until the one without a text.
    """

    outputs = (
        "One number for each token of the vocabulary, for each token of an answer; their softmax gives the "
        "probabilities of the next token. An answer is written token by token: predict.py shows how."
    )
    parts = "texts"

    def predict(self, outputs: Any, targets: Any = None) -> Any:
        """Return log-probabilities in nats, float32: `(M, C)`, or `(M,)` those of the targets alone."""
        below = np.asarray(outputs.units, np.float64)
        below = below - below.max(-1, keepdims=True)
        logs = (below - np.log(np.exp(below).sum(-1, keepdims=True))).astype(np.float32)
        if targets is None:
            return logs
        return np.take_along_axis(logs, np.asarray(targets, np.int64)[..., None], -1)[..., 0]

    def decide(self, outputs: Any) -> Any:
        """Return the most probable token of each unit, `(M,)`, given the true tokens before it."""
        return outputs.units.argmax(-1)

    def generate(self, run: Callable[[Sequence[Any]], Any], inputs: Sequence[Any], labels: Sequence[str]) -> list[Any]:
        """Return the code points of the text that is written behind each prompt, float32; they are exact in it.

        `inputs` are token ids + 1 and marks `(N, T)`; what stands behind the first mark is not read. `labels` are the
        names of the tokens.
        """
        ids, marks = (np.pad(part, ((0, 0), (0, LONGEST))) for part in inputs)
        lengths = np.argmax(marks > 0, 1) + 1
        behind = np.arange(ids.shape[1]) >= lengths[:, None]
        ids[behind], marks[behind] = 0, 0
        ends = np.array([not name for name in labels])
        tokens: list[list[int]] = [[] for _ in ids]
        going = np.arange(len(ids))
        for _ in range(LONGEST):
            width = int(lengths[going].max())
            outputs = run([np.ascontiguousarray(part[going, :width]) for part in (ids, marks)])
            best = outputs[np.arange(len(going)), lengths[going] - 1].argmax(-1)
            going, best = going[~ends[best]], best[~ends[best]]
            if not len(going):
                break
            for place, token in zip(going.tolist(), best.tolist(), strict=True):
                tokens[place].append(token)
            ids[going, lengths[going]], marks[going, lengths[going]] = best + 1, 1
            lengths[going] += 1
        return [code_points(text) for text in texts_of(tokens, labels)]

    def crop(self, outputs: Any, example: Any, prepared: Sequence[Any]) -> Any:
        """Return the outputs `(m, C)` of the tokens of an answer: the last prepared array marks them."""
        marks = prepared[-1]
        return outputs[: len(marks)][marks > 0]

    def parse(self, text: str) -> Any:
        """Return the prompt that a text file holds."""
        return text

    def describe(self, prediction: Any, example: Any, labels: Sequence[str]) -> str:
        """Return the text that was written, on one line."""
        return json.dumps(text_in(prediction), ensure_ascii=False)

    def name(self, targets: Any, labels: Sequence[str]) -> list[str]:
        """Return the text of the true answer's tokens."""
        return [json.dumps(text, ensure_ascii=False) for text in texts_of([targets], labels)]


def code_points(text: str) -> Any:
    """Return the numbers of a text's characters, float32."""
    return np.array([ord(character) for character in text], np.float32)


def text_in(codes: Any) -> str:
    """Return the text of code points."""
    return "".join(map(chr, np.asarray(codes, np.int64).tolist()))


def texts_of(answers: Sequence[Any], labels: Sequence[str]) -> list[str]:
    """Return the texts of answers, each given as its tokens.

    `labels` are the names of the tokens: pieces of byte-level byte pairs (Radford et al. 2019), or of SentencePiece, in
    some of which a sign stands for a space. Bytes that are no UTF-8 become U+FFFD; white space at both ends is removed.
    """
    bytes_of = _of_sentencepiece if any(SPACE in name for name in labels) else _of_byte_pairs
    return [bytes_of([labels[token] for token in answer]).decode(errors="replace").strip() for answer in answers]


def _of_sentencepiece(pieces: Sequence[str]) -> bytes:
    parts = [
        bytes([int(piece[3:5], 16)]) if BYTE.fullmatch(piece) else piece.replace(SPACE, " ").encode()
        for piece in pieces
    ]
    return b"".join(parts)


def _of_byte_pairs(pieces: Sequence[str]) -> bytes:
    values = {letter: byte for byte, letter in enumerate(_byte_letters())}
    return b"".join(bytes([values[sign]]) if sign in values else sign.encode() for sign in "".join(pieces))


def _byte_letters() -> list[str]:
    """Return the letter that stands for each byte: itself where it prints, else one from U+0100 on."""
    printed = {*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)}
    others = iter(range(256, 512))
    return [chr(byte if byte in printed else next(others)) for byte in range(256)]
