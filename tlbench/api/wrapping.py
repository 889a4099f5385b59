"""Text of a terminal's width. A character of Chinese, or an emoji, takes two cells; a combining accent takes none."""

from __future__ import annotations

import shutil
from collections.abc import Sequence

from tlbench.results.escapes import plain

LEAST, MOST = 40, 110
"""Cells of a line: narrower terminals break lines themselves, and longer sentences are hard to read."""


def line_width() -> int:
    """Return the cells of a line: those of the terminal, or of the variable COLUMNS; 80 if neither says."""
    return max(LEAST, min(MOST, shutil.get_terminal_size().columns))


def cells(text: str) -> int:
    """Return how many cells of a terminal a text takes."""
    from wcwidth import width

    return len(text) if text.isascii() else int(width(text))


def wrapped(text: str, width: int, indent: str = "") -> list[str]:
    """Return a text as lines of at most so many cells, all but the first indented; a longer word has its own line."""
    shown = plain(text)
    if cells(shown) <= width:
        return [shown]
    from wcwidth import wrap

    start = shown[: len(shown) - len(shown.lstrip(" "))]
    return wrap(
        shown.lstrip(" "),
        width,
        initial_indent=start,
        subsequent_indent=start + indent,
        break_long_words=False,
        break_on_hyphens=False,
    ) or [""]


def section_lines(title: str, lines: Sequence[str]) -> list[str]:
    """Return a title with lines below it, indented and wrapped; a line that fits, such as one of a table, stays."""
    parts = "\n".join(lines).split("\n")
    return [title, *(part for line in parts for part in wrapped(f"  {line}", line_width(), "  "))]
