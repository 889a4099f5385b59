"""CoNLL files: one word and its tag per line, an empty line between sentences."""

from __future__ import annotations

from pathlib import Path

from tlbench.assets.limits import check_file
from tlbench.errors import BadInputError

TaggedSentence = tuple[list[str], list[str]]
"""Words, and a tag for each."""


def read_conll(path: Path) -> list[TaggedSentence]:
    """Return sentences as (words, tags): the first and the last part of each line."""
    sentences: list[TaggedSentence] = []
    words: list[str] = []
    tags: list[str] = []
    check_file(path, "text")
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInputError(f'"{path}" cannot be read ({error}): check the path, and save it as UTF-8.') from error
    for number, line in enumerate([*lines, ""], start=1):
        parts = line.split()
        if parts and len(parts) < 2:
            raise BadInputError(f'"{path}", line {number}: expected a word and its tag, found "{line}".')
        if parts:
            words.append(parts[0])
            tags.append(parts[-1])
        elif words:
            sentences.append((words, tags))
            words, tags = [], []
    return sentences
