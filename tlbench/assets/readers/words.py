"""Words of a text, for texts whose words are tagged, or in which an answer is marked."""

from __future__ import annotations

import unicodedata
from typing import NamedTuple

UNSPACED = ((0x0E00, 0x0EFF), (0x1000, 0x109F), (0x1780, 0x17FF), (0x3040, 0x30FF), (0x3400, 0x9FFF), (0xF900, 0xFAFF))
"""Characters of scripts that have no spaces between words, from Thai to Chinese: each is a word."""


class Span(NamedTuple):
    """Characters of a text from `start` to before `end`."""

    start: int
    end: int
    label: str = ""


def words_of(text: str) -> list[Span]:
    """Return the words of a text: runs of letters, marks and digits, and every other sign by itself."""
    words: list[Span] = []
    running = False
    for place, sign in enumerate(text):
        unspaced = any(first <= ord(sign) <= last for first, last in UNSPACED)
        inside = not unspaced and (sign.isalnum() or sign == "_" or unicodedata.category(sign).startswith("M"))
        if inside and running:
            words[-1] = Span(words[-1].start, place + 1)
        elif not sign.isspace():
            words.append(Span(place, place + 1))
        running = inside
    return words


def context_words(text: str) -> list[tuple[int, int]]:
    """Return where each word and each sign of a text begins and ends, in characters: `text[start:end]` is the word.

    These are the words of the context of a question that a backbone gives a feature for, in the layout `context`.
    """
    return [(word.start, word.end) for word in words_of(text)]
