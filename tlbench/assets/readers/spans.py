"""Texts with marked spans in JSON, as annotation tools export them, as words with entity tags."""

from __future__ import annotations

import json
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from tlbench.assets.limits import check_file
from tlbench.assets.readers.conll import TaggedSentence
from tlbench.assets.readers.divided import NO_COLUMNS, SplitColumns, with_fields
from tlbench.assets.readers.json_records import json_values
from tlbench.assets.readers.labelled import Labelled
from tlbench.assets.readers.objects import COLUMNAR_SUFFIXES, features, read_columns
from tlbench.assets.readers.tagged import check_tags, to_iob2
from tlbench.assets.readers.words import Span, words_of
from tlbench.contract.faults import RAISE, Faults
from tlbench.errors import BadInputError

TEXTS = ("text", "data")
SPANS = ("spans", "entities", "label", "labels")
TAGS = ("tags", "ner_tags", "labels")
STARTS, ENDS = ("start", "start_offset"), ("end", "end_offset")
FORMS = (
    'expected {"text": "...", "spans": [{"start": 0, "end": 5, "label": "PER"}]}, '
    '{"text": "...", "entities": [[0, 5, "PER"]]} or {"tokens": ["..."], "tags": ["B-PER"]}'
)
SENTENCE_END = re.compile(r"\n+|(?<=[.!?])\s+|(?<=[。！？])")


Record = tuple[int, Mapping[str, Any], list[TaggedSentence]]
"""The line or number of a record, the record, and its sentences."""


def read_spans(path: Path, columns: SplitColumns = NO_COLUMNS, faults: Faults = RAISE) -> Labelled[TaggedSentence]:
    """Return the texts of JSON lines, an array, or a Parquet or Arrow table as sentences of words with tags in IOB2.

    A text is cut at line breaks and behind the ends of sentences, never inside a span; its sentences are a group. A
    span that begins or ends inside a word is extended to the whole word, which is noted. Records that an annotator did
    not accept (`"answer"` of Prodigy) are left out. Groups and times may come from the fields `columns`. Raises
    `BadInputError` for a span outside its text, or for two that overlap.
    """
    records: list[Record] = []
    rejected = extended = 0
    form, values = _values(path, faults)
    for number, value in values:
        try:
            record = _record(value)
            if record.get("answer", "accept") != "accept":
                rejected += 1
                continue
            sentences, moved = _tagged(record)
        except BadInputError as error:
            faults.refuse(f'"{path}", {form} {number}: {error}')
            continue
        records.append((number, record, [sentence for sentence in sentences if sentence[0]]))
        extended += moved
    if rejected:
        faults.note(f'"{path}": {rejected} records were not accepted by the annotator ("answer") and are left out.')
    if extended:
        faults.note(f'"{path}": {extended} spans begin or end inside a word and were extended to the whole word.')
    return _examples(path, form, records, columns, faults)


def _examples(
    path: Path, form: str, records: Sequence[Record], columns: SplitColumns, faults: Faults
) -> Labelled[TaggedSentence]:
    numbers = [number for number, _, sentences in records for _ in sentences]
    sentences = [sentence for _, _, of_record in records for sentence in of_record]
    if not sentences:
        raise BadInputError(f'"{path}" has no texts: {FORMS}.')
    for number, (words, _) in zip(numbers, sentences, strict=True):
        faults.locate(words, f"{path}, line {number}")
    groups = [f"{path.name} {number}" for number in numbers] if len(set(numbers)) < len(numbers) else None
    examples = Labelled(where=path, inputs=sentences, labels=[""] * len(sentences), groups=groups, faults=faults)
    of_sentences = [record for _, record, of_record in records for _ in of_record]
    return with_fields(examples, of_sentences, [f'"{path}", {form} {number}' for number in numbers], columns)


def _is_pair(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and isinstance(value[0], str) and isinstance(value[1], dict)


def _record(value: Any) -> Mapping[str, Any]:
    """Return an object, or the text and the object that spaCy writes as a pair, as one object."""
    if _is_pair(value):
        return {**value[1], "text": value[0]}
    if not isinstance(value, dict):
        raise BadInputError(f"not a record of a text and its spans: {FORMS}.")
    return value


def _tagged(record: Mapping[str, Any]) -> tuple[list[TaggedSentence], int]:
    """Return the sentences of a record, and how many spans were extended to whole words."""
    words = record.get("tokens")
    tags = next((record[name] for name in TAGS if isinstance(record.get(name), list)), None)
    if isinstance(words, list) and tags is not None and all(isinstance(word, str) for word in words):
        return [_pretagged(words, tags)], 0
    text = next((record[name] for name in TEXTS if isinstance(record.get(name), str)), None)
    marked = [name for name in SPANS if isinstance(record.get(name), list)]
    # Prodigy leaves out the spans of a text without any.
    if text is None or len(marked) > 1 or not (marked or "answer" in record):
        several = f"several lists of spans, {' and '.join(marked)}" if len(marked) > 1 else "no text with spans"
        raise BadInputError(f"{several}: {FORMS}.")
    spans = sorted({_span(text, value) for value in record[marked[0]]}) if marked else []
    places = _given_words(text, words) if isinstance(words, list) else words_of(text)
    tags, moved = _tags(text, places, spans)
    return _sentences(text, places, tags), moved


def _pretagged(words: list[str], tags: list[Any]) -> TaggedSentence:
    if len(tags) != len(words):
        raise BadInputError(f"{len(words)} words with {len(tags)} tags: give each word a tag.")
    if not all(isinstance(tag, str) for tag in tags):
        raise BadInputError(f'{json.dumps(tags)[:80]} are not the names of tags, such as "B-PER": save their names.')
    if not all(map(str.strip, words)):
        raise BadInputError("a word without letters or signs: remove it and its tag.")
    check_tags(tags)
    return words, to_iob2(tags)


def _span(text: str, value: Any) -> Span:
    """Return a span given as `[start, end, label]` or as an object. Raises `BadInputError` for anything else."""
    fields = {} if not isinstance(value, dict) else value
    start, end = (next((fields[name] for name in names if name in fields), None) for names in (STARTS, ENDS))
    label = fields.get("label", fields.get("labels"))
    if isinstance(value, list) and len(value) >= 3:
        start, end, label = value[:3]
    if isinstance(label, list) and len(label) == 1:
        label = label[0]
    if type(start) is not int or type(end) is not int or not isinstance(label, str) or not label.strip():
        raise BadInputError(f"{json.dumps(value)[:80]} is not a span: {FORMS}.")
    if not 0 <= start < end <= len(text):
        raise BadInputError(f"the span {start} to {end} is not inside the text of {len(text)} characters: correct it.")
    if isinstance(said := fields.get("text"), str) and said != text[start:end]:
        raise BadInputError(
            f'the span {start} to {end} is "{text[start:end][:40]}", but its own text is "{said[:40]}": count '
            f"characters, not bytes."
        )
    return Span(start, end, "-".join(label.split()))


def _given_words(text: str, tokens: list[Any]) -> list[Span]:
    """Return the words that an annotation tool has marked beside the spans."""
    words = [Span(token["start"], token["end"]) for token in tokens if isinstance(token, dict) and _has_place(token)]
    ordered = all(one.end <= other.start for one, other in pairwise(words))
    if len(words) < len(tokens) or not ordered or any(not 0 <= word.start < word.end <= len(text) for word in words):
        raise BadInputError("the tokens are not words of the text in their order, with start and end: correct them.")
    return [word for word in words if text[word.start : word.end].strip()]


def _has_place(token: Mapping[str, Any]) -> bool:
    return type(token.get("start")) is int and type(token.get("end")) is int


def _tags(text: str, words: Sequence[Span], spans: Sequence[Span]) -> tuple[list[str], int]:
    """Return the tag of each word, and how many spans begin or end inside a word."""
    tags, moved, before = ["O"] * len(words), 0, Span(0, 0)
    starts, ends = [word.start for word in words], [word.end for word in words]
    for span in spans:
        first, stop = bisect_right(ends, span.start), bisect_left(starts, span.end)
        if first == stop:
            raise BadInputError(f"the span {span.start} to {span.end} contains no word: remove it.")
        if any(tag != "O" for tag in tags[first:stop]):
            raise BadInputError(
                f'the spans {before.start} to {before.end} ("{before.label}") and {span.start} to {span.end} '
                f'("{span.label}") overlap, or share a word: keep one of them.'
            )
        moved += starts[first] < span.start or ends[stop - 1] > span.end
        tags[first:stop] = [f"B-{span.label}", *[f"I-{span.label}"] * (stop - first - 1)]
        before = span
    return tags, moved


def _sentences(text: str, words: Sequence[Span], tags: Sequence[str]) -> list[TaggedSentence]:
    """Return the words of a text by sentences, none of which ends inside an entity."""
    starts = [word.start for word in words]
    cuts = {bisect_left(starts, match.end()) for match in SENTENCE_END.finditer(text)}
    edges = [0, *sorted(cut for cut in cuts if 0 < cut < len(words) and not tags[cut].startswith("I-")), len(words)]
    return [
        ([text[word.start : word.end] for word in words[start:stop]], list(tags[start:stop]))
        for start, stop in pairwise(edges)
    ]


def _values(path: Path, faults: Faults) -> tuple[str, list[tuple[int, Any]]]:
    """Return what is counted, a `line` or a `record` of an array, and the values with their numbers."""
    if path.suffix.lower() in COLUMNAR_SUFFIXES:
        return "record", list(enumerate(_columnar(path), start=1))
    check_file(path, "text")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInputError(f'"{path}" cannot be read ({error}): check the path, and save it as UTF-8.') from error
    try:
        whole = json.loads(text)
    except (ValueError, RecursionError):
        whole = None
    if isinstance(whole, dict) and isinstance(whole.get("annotations"), list):
        whole = [pair for pair in whole["annotations"] if pair is not None]
    if isinstance(whole, list) and not _is_pair(whole):
        return "record", list(enumerate(whole, start=1))
    values, broken = json_values(path, text, faults)
    if not values and broken:
        raise broken[0]
    return "line", values


def _columnar(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the rows of a Parquet or Arrow table; numbers of classes become their names, as the hub describes them."""
    schema, batches = read_columns(path)
    coded = {name: what["feature"].get("names") for name, what in features(schema).items() if _is_coded(what)}
    for batch in batches:
        for record in batch.to_pylist():
            for name in coded.keys() & record.keys():
                numbers, names = record[name] or [], coded[name]
                if any(number not in range(len(names)) for number in numbers):
                    raise BadInputError(f'"{path}", column "{name}" has a number without a name: {numbers}.')
                record[name] = [names[number] for number in numbers]
            yield record


def _is_coded(what: Any) -> bool:
    feature = what.get("feature") if isinstance(what, dict) else None
    return isinstance(feature, dict) and isinstance(feature.get("names"), list)
