"""One's own named entities, from words with tags or from texts with marked spans. Light, but for `load`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tlbench import BadInputError, LoadRequest, Side, Split, TaskData, TaskLabels
from tlbench.assets import (
    COLUMNAR_SUFFIXES,
    Labelled,
    Parts,
    TaggedSentence,
    read_spans,
    read_tagged,
    side_tables,
    split_columns,
    table_parts,
    unmatched,
)

RECORDS = (".json", ".jsonl", ".ndjson", *COLUMNAR_SUFFIXES)
SUFFIXES = (".conll", ".conllu", ".iob", ".iob2", ".bio", ".txt", ".tsv", *RECORDS)
"""Endings of the files in a folder."""


def files(request: LoadRequest) -> Sequence[Path]:
    """Return every file that is read."""
    return [path for parts in side_tables(request, SUFFIXES).values() for paths in parts.values() for path in paths]


def labels(request: LoadRequest) -> TaskLabels:
    """Return the tags of each domain in IOB2."""
    sides = _sides(request)
    of_sides = {name: _tags(parts) for name, parts in sides.items()}
    labels = TaskLabels(source=of_sides.get("source"), target=of_sides["target"])
    if difference := unmatched(labels):
        request.faults.note(difference)
    return labels


def load(request: LoadRequest) -> TaskData:
    """Read sentences as lists of words, and the index of each word's tag."""
    sides = {name: _side(parts) for name, parts in _sides(request).items()}
    return TaskData(source=sides.get("source"), target=sides["target"])


def _sides(request: LoadRequest) -> dict[str, Parts[TaggedSentence]]:
    """Return the sentences of `source`, if there is one, and `target`; equal sentences stay together."""
    columns = split_columns(request)

    def read(path: Path) -> Labelled[TaggedSentence]:
        if path.suffix.lower() in RECORDS:
            return read_spans(path, columns, request.faults)
        if named := columns.named():
            raise BadInputError(
                f'"{path}" has no column "{named[0]}": its groups are the documents that lines with -DOCSTART- begin. '
                f"Leave out task.group and task.time, or use JSON lines with these fields."
            )
        return read_tagged(path, request.faults)

    def words(sentence: TaggedSentence) -> str:
        return " ".join(sentence[0])

    tables = side_tables(request, SUFFIXES)
    sides = request.faults.attempt_all(lambda parts: table_parts(parts, read, words), tables.values())
    return dict(zip(tables, sides, strict=True))


def _types(half: Labelled[TaggedSentence]) -> set[str]:
    return {tag.partition("-")[2] for _, tags in half.inputs for tag in tags} - {""}


def _tags(parts: Parts[TaggedSentence]) -> tuple[str, ...]:
    """Return the tags of a domain. Raises `BadInputError` if there is nothing to learn, or to test."""
    types = _types(parts.train)
    if not types:
        parts.train.faults.refuse(f'"{parts.train.where}" has no entity in its training split: mark some.')
    if untrained := sorted(_types(parts.test) - types):
        parts.test.faults.refuse(
            f'The test split of "{parts.test.where}" has entities without training examples, of the type '
            f'"{untrained[0]}": add training examples, or remove these entities.'
        )
    return ("O", *(f"{prefix}-{kind}" for kind in sorted(types.union(untrained)) for prefix in "BI"))


def _side(parts: Parts[TaggedSentence]) -> Side:
    tags = _tags(parts)
    index = {tag: position for position, tag in enumerate(tags)}

    def split(half: Labelled[TaggedSentence]) -> Split:
        return Split(
            inputs=[words for words, _ in half.inputs],
            labels=[[index[tag] for tag in of_words] for _, of_words in half.inputs],
            groups=half.groups,
        )

    return Side(labels=tags, train=split(parts.train), test=split(parts.test))
