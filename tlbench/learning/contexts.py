"""The words of a context in which the answer to a question is marked: the units of the layout `context`."""

from __future__ import annotations

import re

LETTERS = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
"""Chinese characters and kana, which stand without spaces: each is a word."""
WORD = re.compile(rf"[{LETTERS}]|[^\W{LETTERS}]+|[^\w\s]")
"""A character of those, a run of other letters and digits, or a sign."""


def context_words(text: str) -> list[tuple[int, int]]:
    """Return where each word and each sign of a text begins and ends, in characters: `text[start:end]` is the word.

    A backbone gives a feature for each of them, in the layout `context`. It depends on the text alone.
    """
    return [match.span() for match in WORD.finditer(text)]
