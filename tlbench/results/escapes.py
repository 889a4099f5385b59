"""Text from plugins, rows, files and exceptions, made harmless: what is not printable is shown as its escape.

That takes in terminal escapes, other control characters, line separators, and characters that change the direction of
text or that nobody sees. Every format calls this before it escapes what means something in that format alone.
"""

from __future__ import annotations

import hashlib
import json
import re

LONGEST_TEXT = 2000
"""Characters of a text in a row; what is longer, such as a message with an array in it, is cut in the middle."""
BEGINNING, END = 1300, 600
UNSEEN = "\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef"
"""Characters that count as printable and take no ink."""
_UNSEEN = re.compile(f"[{UNSEEN}]")


def shortened(text: str) -> str:
    """Return text of at most `LONGEST_TEXT` characters: beginning, number and hash of what is left out, and end."""
    if len(text) <= LONGEST_TEXT:
        return text
    middle = text[BEGINNING:-END]
    named = hashlib.sha256(middle.encode(errors="backslashreplace")).hexdigest()[:8]
    return f"{text[:BEGINNING]} ... ({len(middle)} characters left out, SHA-256 {named}) ... {text[-END:]}"


def plain(text: str) -> str:
    r"""Return text on one line with every character that is not printable as its escape, such as `\x1b` or `\u202e`."""
    return text if _is_plain(text) else "".join(letter if _is_plain(letter) else ascii(letter)[1:-1] for letter in text)


def plain_lines(text: str) -> str:
    """Return the same with line feeds kept."""
    return "\n".join(map(plain, text.split("\n")))


def plain_json(text: str) -> str:
    """Return JSON that reads as the same values, in which nothing but line feeds is unprintable."""
    return "\n".join(line if _is_plain(line) else _escaped(line) for line in text.split("\n"))


def _escaped(line: str) -> str:
    return "".join(letter if _is_plain(letter) else json.dumps(letter)[1:-1] for letter in line)


def _is_plain(text: str) -> bool:
    return text.isprintable() and (text.isascii() or not _UNSEEN.search(text))
