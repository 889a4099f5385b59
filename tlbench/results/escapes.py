"""Text from plugins, rows, files and exceptions, made harmless: what is not printable is shown as its escape.

That takes in terminal escapes, other control characters, line separators, and characters that change the direction of
text or that nobody sees. Every format calls this before it escapes what means something in that format alone.
"""

from __future__ import annotations

import json


def plain(text: str) -> str:
    r"""Return text on one line with every character that is not printable as its escape, such as `\x1b` or `\u202e`."""
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)


def plain_lines(text: str) -> str:
    """Return the same with line feeds kept."""
    return "\n".join(map(plain, text.split("\n")))


def plain_json(text: str) -> str:
    """Return JSON that reads as the same values, in which nothing but line feeds is unprintable."""
    return "\n".join(line if line.isprintable() else _escaped(line) for line in text.split("\n"))


def _escaped(line: str) -> str:
    return "".join(letter if letter.isprintable() else json.dumps(letter)[1:-1] for letter in line)
