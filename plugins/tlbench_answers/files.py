"""One's own questions from files in the form of SQuAD, or in JSON lines with one question each. Light."""

from __future__ import annotations

import hashlib
import itertools
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tlbench import BadInputError, Faults
from tlbench.assets import Labelled, SplitColumns, context_words, nested_records, with_fields
from tlbench_answers.examples import LONGEST, Question, answer_words

FORMS = (
    'expected the JSON of SQuAD, or {"question": "...", "context": "...", "answers": [{"text": "...", '
    '"answer_start": 0}]} in each line; "answers": [] says that there is no answer'
)
STARTS = ("answer_start", "start")
REPAIRED = "answers stand elsewhere in their context than their offset says, and were found by search"
SEVERAL = "answers without an offset occur several times in their context; the first place is taken"
INSIDE = "answers begin or end inside a word, so that no prediction equals them: predictions are whole words"
LONG = f"answers have more than {LONGEST} words, so that no prediction equals them: predictions have up to {LONGEST}"
HALF = re.compile("[\ud800-\udfff]")
"""Half a character of UTF-16, which JSON can hold and UTF-8 cannot."""
SHOWN = 60
"""Characters of a text that messages show."""


@dataclass(frozen=True)
class Asked:
    """A question in a file."""

    where: str
    """The place that messages name."""
    fields: Mapping[str, Any]
    """`question`, `answers` and so on."""
    context: Any
    around: Mapping[str, Any]
    """Fields of its paragraph and of its article, such as `title`."""


def read_questions(path: Path, columns: SplitColumns, faults: Faults) -> Labelled[Question]:
    """Return the questions of a file, without those that are refused; questions on one context are one group.

    `columns` name the fields of other groups, such as `title`, and of times. Raises `BadInputError` for a file without
    questions.
    """
    counts: Counter[str] = Counter()
    questions, kept, ids = [], [], Counter[str]()
    for asked in _asked(path, faults):
        try:
            question = _question(asked, counts)
        except BadInputError as error:
            faults.refuse(f"{asked.where}: {error}")
            continue
        faults.locate(question, asked.where)
        questions.append(question)
        kept.append(asked)
        ids[str(asked.fields.get("id", ""))] += 1
    if not questions:
        raise BadInputError(f'"{path}" has no questions that can be used: {FORMS}.')
    for what in (REPAIRED, SEVERAL, INSIDE, LONG):
        if counts[what]:
            faults.note(f'"{path}": {counts[what]} of {counts["answers"]} {what}.')
    if twice := [name for name, count in ids.items() if name and count > 1]:
        faults.note(f'"{path}": {len(twice)} ids are there several times, such as {_shown(twice[0])}.')
    labels = ["answer" if question.answers else "none" for question in questions]
    groups = [question.group for question in questions]
    read = Labelled(where=path, inputs=questions, labels=labels, groups=groups, faults=faults)
    read = with_fields(read, [{**one.around, **one.fields} for one in kept], [one.where for one in kept], columns)
    grouped = [replace(one, group=group) for one, group in zip(questions, read.groups or groups, strict=True)]
    return replace(read, inputs=grouped)


def _asked(path: Path, faults: Faults) -> Iterator[Asked]:
    """Yield every question of a file."""
    lines = path.suffix.lower() in (".jsonl", ".ndjson")
    for number, record in nested_records(path, faults):
        where = f'"{path}", {"line" if lines else "entry"} {number}'
        if "paragraphs" in record:
            for place, paragraph in enumerate(_objects(where, record["paragraphs"], faults), 1):
                yield from _of_paragraph(f"{where}, paragraph {place}", paragraph, record, faults)
        elif "qas" in record:
            yield from _of_paragraph(where, record, {}, faults)
        else:
            yield Asked(where, record, record.get("context"), {})


def _of_paragraph(
    where: str, paragraph: Mapping[str, Any], article: Mapping[str, Any], faults: Faults
) -> Iterator[Asked]:
    around = {name: value for name, value in {**article, **paragraph}.items() if name not in ("paragraphs", "qas")}
    for place, fields in enumerate(_objects(where, paragraph.get("qas"), faults), 1):
        yield Asked(f"{where}, question {place}", fields, paragraph.get("context"), around)


def _objects(where: str, value: Any, faults: Faults) -> list[Mapping[str, Any]]:
    if isinstance(value, list) and all(isinstance(one, dict) for one in value):
        return value
    faults.refuse(f"{where}: {_shown(value)} is no list of objects: {FORMS}.")
    return []


def _question(asked: Asked, counts: Counter[str]) -> Question:
    """Return a question of a file, its answers at their places. Raises `BadInputError` for what cannot be used."""
    text, context = asked.fields.get("question"), asked.context
    for name, value in (("question", text), ("context", context)):
        if not isinstance(value, str) or not value.strip():
            raise BadInputError(f"{_shown(value)} is no {name}: give each question a text and a context. {FORMS}.")
        _refuse_half(name, value)
    assert isinstance(context, str)
    words = context_words(context)
    if not words:
        raise BadInputError(f"the context {_shown(context)} has no words: remove the question, or add its context.")
    answers = [_placed(context, words, *one, counts) for one in _answers(asked.fields)]
    return Question(str(text).strip(), context, tuple(answers), _context_name(context))


def _refuse_half(name: str, text: str) -> None:
    if HALF.search(text):
        raise BadInputError(f"the {name} {_shown(text)} has half a character: write the whole character.")


def _answers(fields: Mapping[str, Any]) -> list[tuple[str, int | None]]:
    """Return the text and the offset, if it is known, of each answer that a record names, each once."""
    value = fields.get("answers")
    if value is None:
        value = fields.get("answer")
    if isinstance(value, dict) and isinstance(value.get("text"), list):  # As data sets of the Hugging Face hub have it.
        given = value.get("answer_start")
        starts = given if isinstance(given, list) else [given]
        pairs = itertools.zip_longest(value["text"], starts[: len(value["text"])])
        value = [{"text": text, "answer_start": start} for text, start in pairs]
    impossible = fields.get("is_impossible") is True
    if value == [] or (impossible and value in (None, "")):
        return []
    if value in (None, ""):
        raise BadInputError(f"the answers are missing: {FORMS}.")
    if impossible:
        raise BadInputError('there are answers, but "is_impossible" is true: correct one of both.')
    listed = value if isinstance(value, list) else [value]
    beside = _start(fields) if len(listed) == 1 else None
    return list(dict.fromkeys(_answer(one, beside) for one in listed))


def _answer(value: Any, beside: int | None) -> tuple[str, int | None]:
    fields = value if isinstance(value, dict) else {"text": value}
    text = fields.get("text")
    if not isinstance(text, str) or not text.strip():
        raise BadInputError(f"{_shown(value)} is no answer: {FORMS}.")
    _refuse_half("answer", text)
    start = _start(fields)
    return text, beside if start is None else start


def _start(fields: Mapping[str, Any]) -> int | None:
    """Return the offset of an answer, or None. Raises `BadInputError` for one that is no whole number."""
    name = next((name for name in STARTS if fields.get(name) is not None), None)
    start = fields.get(name or "")
    if start is not None and type(start) is not int:
        raise BadInputError(
            f"{_shown(start)} is no {name}: give the place of the answer's first character in its context as a whole "
            f"number, or leave it out."
        )
    return start


def _placed(
    context: str, words: Sequence[tuple[int, int]], answer: str, start: int | None, counts: Counter[str]
) -> tuple[str, int]:
    """Return an answer without white space around it, and its place; the nearest one if its offset is wrong."""
    kept = answer.strip()
    wanted = None if start is None else start + answer.index(kept)
    counts["answers"] += 1
    if wanted is None or wanted < 0 or context[wanted : wanted + len(kept)] != kept:
        places = _places(context, kept)
        if not places:
            raise BadInputError(f"the answer {_shown(kept)} is not in its context: correct one of both.")
        if wanted is not None:
            counts[REPAIRED] += 1
        elif len(places) > 1:
            counts[SEVERAL] += 1
        wanted = places[0] if wanted is None else min(places, key=lambda place: abs(place - (wanted or 0)))
    first, last = answer_words(words, kept, wanted)
    if last < first:
        raise BadInputError(f"the answer {_shown(kept)} has no word: correct it.")
    counts[LONG] += last - first + 1 > LONGEST
    counts[INSIDE] += words[first][0] < wanted or words[last][1] > wanted + len(kept)
    return kept, wanted


def _places(context: str, answer: str) -> list[int]:
    """Return where an answer begins in its context, each time that it occurs."""
    places, place = [], context.find(answer)
    while place >= 0:
        places.append(place)
        place = context.find(answer, place + 1)
    return places


def _context_name(context: str) -> str:
    """Return the name of a context, which is the same in every file."""
    return f"context {hashlib.sha256(context.encode('utf-8', 'surrogatepass')).hexdigest()[:10]}"


def _shown(value: Any) -> str:
    text = HALF.sub("\ufffd", json.dumps(value, ensure_ascii=False, default=str))
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."
