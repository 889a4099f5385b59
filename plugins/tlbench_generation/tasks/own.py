"""Anyone's own prompts and answers, from tables."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from tlbench import ANSWER_TOKENS, LoadRequest, Side, Split, TaskData, TaskLabels
from tlbench.assets import (
    Labelled,
    Parts,
    check_columns,
    has_source,
    integer_option,
    missing_option,
    read_text_table,
    side_tables,
    split_columns,
    table_parts,
)
from tlbench_generation.tasks.chosen import spread

Pair = tuple[str, str]
PROMPT_WORDS = 127
"""Tokens of a prompt that the default backbone reads."""
LABEL = "text"


def files(request: LoadRequest) -> Sequence[Path]:
    """Return the tables; each has columns of prompts and answers."""
    named = (str(request.options["prompt"]), str(request.options["answer"]), *split_columns(request).named())
    paths = [path for parts in side_tables(request).values() for part in parts.values() for path in part]
    for path in paths:
        check_columns(path, *named, quotes=bool(request.options["quotes"]), faults=request.faults)
    return paths


def labels(request: LoadRequest) -> TaskLabels:
    """Return the one label of each domain: the setting says whether there is a source."""
    return TaskLabels(source=(LABEL,) if has_source(request) else None, target=(LABEL,))


def load(request: LoadRequest) -> TaskData:
    """Read pairs of prompt and answer; the answers that a split has of a prompt are its references.

    All rows with a prompt are in one split, unless tables, groups or times divide them; such prompts are noted.
    """
    tables, read = side_tables(request), partial(_read, request=request)
    sides = request.faults.attempt_all(lambda parts: table_parts(parts, read, _prompt), tables.values())
    made = {name: _side(name, parts, request) for name, parts in zip(tables, sides, strict=True)}
    reading = {"prompt": str(request.options["prompt"]), "quotes": bool(request.options["quotes"])}
    return TaskData(source=made.get("source"), target=made["target"], reading=reading)


def _prompt(pair: Pair) -> str:
    return pair[0]


def _read(path: Path, request: LoadRequest) -> Labelled[Pair]:
    """Return the pairs of a table whose prompt and answer are both there."""
    columns = split_columns(request)
    prompt, answer = str(request.options["prompt"]), str(request.options["answer"])
    table = read_text_table(
        path,
        texts=(prompt, answer),
        labels=columns.named(),
        quotes=bool(request.options["quotes"]),
        missing=missing_option(request, ("refuse", "drop")),
        faults=request.faults,
    )
    pairs = list(zip(table.filled(prompt, "prompt"), table.filled(answer, "written answer"), strict=True))
    for line, pair in zip(table.lines, pairs, strict=True):
        request.faults.locate(pair, f"{path}, line {line}")
    examples = columns.of(table, Labelled(where=path, inputs=pairs, labels=[LABEL] * len(pairs), faults=request.faults))
    whole = examples.take(row for row, pair in enumerate(pairs) if all(pair))
    _note_lengths(path, whole.inputs, request)
    return whole


def _note_lengths(path: Path, pairs: Sequence[Pair], request: LoadRequest) -> None:
    """Say how many texts are certainly cut: a word is a token or several."""
    limits = {
        f"Answers of more than {ANSWER_TOKENS - 1} words, which are cut (an answer has {ANSWER_TOKENS} tokens at most; "
        f"scores compare with the whole ones)": [len(answer.split()) >= ANSWER_TOKENS for _, answer in pairs],
        f"Prompts of more than {PROMPT_WORDS} words, of which text/gpt2-tiny reads {PROMPT_WORDS} tokens (with --set "
        f"backbone.max_length=N it reads N - {ANSWER_TOKENS + 1})": [
            len(prompt.split()) > PROMPT_WORDS for prompt, _ in pairs
        ],
        "Answers without a letter a-z or a digit, for which ROUGE is 0, because it reads nothing else": [
            not re.search("[a-z0-9]", answer.lower()) for _, answer in pairs
        ],
    }
    for what, holds in limits.items():
        if any(holds):
            request.faults.note(f'{what}: {sum(holds)} of {len(pairs)} in "{path}".')


def _side(name: str, parts: Parts[Pair], request: LoadRequest) -> Side:
    """Return a domain; an empty split is a fault."""
    for what, examples in (("training", parts.train), ("test", parts.test)):
        if not len(examples):
            request.faults.refuse(f'The {what} split of "{examples.where}" ({name}) is empty: add examples.')
    learnt = {prompt for prompt, _ in parts.train.inputs}
    if known := sum(prompt in learnt for prompt, _ in parts.test.inputs):
        request.faults.note(
            f'{known} of {len(parts.test)} test examples of "{parts.test.where}" ({name}) have a prompt that is in the '
            f"training split too: scores may measure memory. Put each prompt in one split alone."
        )
    chosen = spread(len(parts.test), integer_option(request, "test_size", least=1))
    if left_out := len(parts.test) - len(chosen):
        request.faults.note(
            f'{left_out} of {len(parts.test)} test examples of "{parts.test.where}" ({name}) are left out, because '
            f"answers are written token by token: --set task.test_size={len(parts.test)} scores all."
        )
    return Side(labels=(LABEL,), train=_split(parts.train), test=_split(parts.test, chosen))


def _split(examples: Labelled[Pair], chosen: Sequence[int] | None = None) -> Split:
    """Return the examples at the chosen positions, or all; references are the answers of all examples."""
    answers: dict[str, list[str]] = {}
    for prompt, answer in examples.inputs:
        answers.setdefault(prompt, []).append(answer)
    kept = examples if chosen is None else examples.take(chosen)
    return Split(
        inputs=kept.inputs,
        labels=[0] * len(kept),
        references=[answers[prompt] for prompt, _ in kept.inputs],
        groups=kept.groups,
    )
