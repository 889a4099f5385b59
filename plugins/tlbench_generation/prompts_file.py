"""A file of prompts as raw examples, for an exported model: tables as in training, and JSON lines of texts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tlbench.assets import text_reader

LINES = (".jsonl", ".ndjson")


class PromptReader:
    """A file -> its prompts: of a table, the column `prompt`; of JSON lines that are texts, each line.

    Tables have any form that training reads; `quotes` is as there. White space around a prompt is removed; with
    `one_line`, that within it becomes a single space each. It raises `ValueError` for other files, and for a row
    without a prompt.
    """

    def __init__(self, prompt: str, quotes: bool = True, one_line: bool = False) -> None:
        self._column = text_reader((prompt,), quotes, filled="prompt")
        self._one_line = one_line

    def __call__(self, path: Path) -> list[Any]:
        """Return the prompts of a file."""
        return [self.text(prompt) for prompt in (_texts(path) if _holds_texts(path) else self._column(path))]

    def text(self, prompt: str) -> str:
        """Return a prompt with white space as in training."""
        return in_one_line(prompt) if self._one_line else prompt.strip()


def in_one_line(text: str) -> str:
    """Return a text with a single space for all white space between words."""
    return " ".join(text.split())


def _holds_texts(path: Path) -> bool:
    """Return whether a file has JSON lines, of which the first that is not blank is a text."""
    if path.suffix.lower() not in LINES:
        return False
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        return next((line.strip() for line in file if line.strip()), "").startswith('"')


def _texts(path: Path) -> list[str]:
    """Return the text of each line that is not blank."""
    texts = []
    for number, line in enumerate(path.read_text(encoding="utf-8-sig").split("\n"), 1):
        if not line.strip():
            continue
        try:
            text = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise ValueError(f'"{path}", line {number} is not JSON ({error})') from error
        if not isinstance(text, str):
            raise ValueError(f'"{path}", line {number} is not a text, as the lines before it are.')
        if not text.strip():
            raise ValueError(f'"{path}", line {number} is blank: write a prompt in every line.')
        texts.append(text)
    return texts
