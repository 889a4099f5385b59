"""Files of questions, for an exported model: the standard library alone."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

HALF = re.compile("[\ud800-\udfff]")
"""Half a character of UTF-16, which JSON can hold and a tokenizer cannot read."""


def question_reader() -> Callable[[Path], list[Any]]:
    """Return the function from a file to its pairs of question and context: JSON lines, or the JSON of SQuAD.

    It raises `ValueError` for a file in another form.
    """

    def read(path: Path) -> list[Any]:
        pairs = [pair for place, record in _records(path) for pair in _pairs(record, place)]
        if not pairs:
            raise ValueError(f'"{path}" has no questions')
        return pairs

    return read


def _records(path: Path) -> Iterator[tuple[str, Any]]:
    """Yield the place and the value of each line, or of each entry of a file that is one value."""
    text = path.read_text(encoding="utf-8-sig")
    try:
        whole = json.loads(text)
    except (ValueError, RecursionError):
        whole = None
    entries = whole.get("data", [whole]) if isinstance(whole, dict) else whole
    if isinstance(entries, list):
        yield from ((f'"{path}", entry {number}', entry) for number, entry in enumerate(entries, 1))
        return
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                yield f'"{path}", line {number}', json.loads(line)
            except (ValueError, RecursionError) as error:
                raise ValueError(f'"{path}", line {number} is not JSON ({error})') from error


def _pairs(record: Any, place: str) -> Iterator[list[str]]:
    """Yield the pairs of an article, of a paragraph, or of a record with one question."""
    if isinstance(record, dict) and isinstance(record.get("paragraphs"), list):
        for paragraph in record["paragraphs"]:
            yield from _pairs(paragraph, place)
        return
    if isinstance(record, dict) and isinstance(record.get("qas"), list):
        for one in record["qas"]:
            yield from _pairs({**one, "context": record.get("context")} if isinstance(one, dict) else one, place)
        return
    fields = record if isinstance(record, dict) else {}
    pair = [fields.get("question"), fields.get("context")]
    if not all(isinstance(text, str) and text.strip() for text in pair):
        raise ValueError(f'{place}: expected {{"question": "...", "context": "..."}}')
    if any(HALF.search(str(text)) for text in pair):
        raise ValueError(f"{place}: a text has half a character: write the whole character")
    yield [str(text) for text in pair]
