"""A file of prompts as raw examples; exports carry this module, which needs the standard library alone."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

LINES = (".jsonl", ".ndjson")
SEPARATORS = {".csv": (",", ";", "|"), ".tsv": ("\t",)}


def prompt_reader(prompt: str) -> Callable[[Path], list[Any]]:
    """Return the function from a file to its prompts: of JSON lines, each a text or an object with the field `prompt`;
    of a CSV or TSV table, a column of this name. It raises `ValueError` for other files, and for a row without one.
    """

    def read(path: Path) -> list[Any]:
        if path.suffix.lower() in LINES:
            rows = enumerate(path.read_text(encoding="utf-8-sig").split("\n"), 1)
            return [_of_line(f"{path}, line {line}", text, prompt) for line, text in rows if text.strip()]
        if path.suffix.lower() in SEPARATORS:
            return _column(path, prompt)
        raise ValueError(f'"{path}" is no file of prompts: use .txt, .json, {", ".join((*LINES, *SEPARATORS))}')

    return read


def _of_line(place: str, text: str, prompt: str) -> str:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{place}: not JSON ({error})") from error
    value = value.get(prompt) if isinstance(value, dict) else value
    if not isinstance(value, str):
        raise ValueError(f'{place}: no text in the field "{prompt}"')
    return value


def _column(path: Path, prompt: str) -> list[Any]:
    text = path.read_text(encoding="utf-8-sig")
    csv.field_size_limit(len(text) + 1)
    for separator in SEPARATORS[path.suffix.lower()]:
        table = csv.DictReader(text.splitlines(keepends=True), delimiter=separator)
        if prompt in (table.fieldnames or ()):
            return [row[prompt] or "" for row in table]
    raise ValueError(f'"{path}" has no column "{prompt}"')
