"""Words with entity tags in columns, as CoNLL has them, and the tags of other schemes as IOB2."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from tlbench.assets.limits import check_file, check_limit
from tlbench.assets.readers.conll import TaggedSentence
from tlbench.assets.readers.labelled import Labelled
from tlbench.contract.faults import RAISE, Faults
from tlbench.errors import BadInputError

TAG = re.compile(r"O|[BIESLUMW](-\S.*)?")
"""A tag of IOB1, IOB2, BIOES, BILOU or BMEWO; without a type there is one kind of entity."""
SCHEMES = 'expected O, or B-, I-, E-, S-, L-, U-, M- or W- and a type, such as "B-PER" (IOB1, IOB2, BIOES, BILOU)'
STARTS, ENDS = frozenset("BSUW"), frozenset("ESLUW")
"""Prefixes of the first word of an entity in every scheme, and of the last one."""
ONLY_TYPE = "ENTITY"
DOCUMENT = "-DOCSTART-"


def to_iob2(tags: Sequence[str]) -> list[str]:
    """Return tags of any scheme in IOB2: the first word of an entity has B, its other words have I."""
    converted: list[str] = []
    going_on = None
    for tag in tags:
        prefix, _, kind = tag.partition("-")
        kind = kind or ONLY_TYPE
        if prefix == "O":
            converted.append("O")
        else:
            converted.append(f"{'B' if prefix in STARTS or kind != going_on else 'I'}-{kind}")
        going_on = None if prefix == "O" or prefix in ENDS else kind
    return converted


def check_tags(tags: Sequence[str]) -> None:
    """Raise `BadInputError` for the first text that is not a tag, without the place where it stands."""
    for tag in tags:
        if not TAG.fullmatch(tag):
            raise BadInputError(f'"{tag}" is not an entity tag: {SCHEMES}.')


def read_tagged(path: Path, faults: Faults = RAISE) -> Labelled[TaggedSentence]:
    """Return the sentences of a file with a word and its tag on each line: the first and the last column.

    Columns are separated by tabs, or by spaces. An empty line ends a sentence. If lines with -DOCSTART- begin several
    documents, these are the groups. Tags are converted to IOB2, which is noted if that changes any.
    """
    reader = _Reader(path, faults)
    for number, line in _lines(path):
        reader.take(number, line)
    return reader.finished()


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    check_file(path, "text")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInputError(f'"{path}" cannot be read ({error}): check the path, and save it as UTF-8.') from error
    for number, line in enumerate([*text.split("\n"), ""], start=1):
        check_limit("line", path, len(line))
        yield number, line.rstrip(" \t\r")


class _Reader:
    """Collects sentences line by line."""

    def __init__(self, path: Path, faults: Faults) -> None:
        self._path, self._faults = path, faults
        self._sentences: list[list[tuple[list[str], str]]] = []
        """The columns of each word but the last, and its tag."""
        self._lines: list[int] = []
        """The line at which each sentence begins."""
        self._documents: list[int] = []
        self._open: list[tuple[list[str], str]] = []
        self._columns = self._document = 0

    def take(self, number: int, line: str) -> None:
        if not line.strip() or line.startswith(DOCUMENT):
            if self._open:
                self._sentences.append(self._open)
            self._open = []
            self._document += line.startswith(DOCUMENT)
            return
        parts = [part.strip() for part in line.split("\t")] if "\t" in line else re.split(" +", line.lstrip(" "))
        # A word may be "#", and a comment may end in "O": a comment has another number of columns, too.
        if not self._open and line.startswith("#") and (len(parts) < 2 or not TAG.fullmatch(parts[-1])):
            return
        if fault := self._fault(parts, line):
            self._faults.refuse(f'"{self._path}", line {number}: {fault}')
            return
        self._columns = len(parts)
        if not self._open:
            self._lines.append(number)
            self._documents.append(self._document)
        self._open.append((parts[:-1], parts[-1]))

    def _fault(self, parts: list[str], line: str) -> str:
        if len(parts) < 2 or not parts[0]:
            return f'expected a word and its tag, separated by a tab or spaces, found "{line[:80]}".'
        if self._columns and len(parts) != self._columns:
            return f"{len(parts)} columns, but the lines before have {self._columns}: correct it."
        try:
            check_tags(parts[-1:])
        except BadInputError as error:
            return f"{error} The tag must be in the last column."
        return ""

    def finished(self) -> Labelled[TaggedSentence]:
        """Return the sentences. Raises `BadInputError` if there are none."""
        if not self._sentences:
            raise BadInputError(f'"{self._path}" has no sentences: expected a word and its tag on each line.')
        at = self._word_column()
        inputs, changed = [], 0
        for line, sentence in zip(self._lines, self._sentences, strict=True):
            tags = [tag for _, tag in sentence]
            converted = to_iob2(tags)
            changed += sum(one != other for one, other in zip(tags, converted, strict=True))
            inputs.append(([columns[at] for columns, _ in sentence], converted))
            self._faults.locate(inputs[-1][0], f"{self._path}, line {line}")
        if changed:
            self._faults.note(f'"{self._path}": {changed} tags of another scheme (IOB1, BIOES, ...) were made IOB2.')
        names = [f"{self._path.name} {document}" for document in self._documents]
        groups = names if len(set(names)) > 1 else None
        return Labelled(where=self._path, inputs=inputs, labels=[""] * len(inputs), groups=groups, faults=self._faults)

    def _word_column(self) -> int:
        """Return 1 if the first column counts the words of every sentence, as in CoNLL-U; else 0."""
        firsts = [[columns[0] for columns, _ in sentence] for sentence in self._sentences]
        counts = all(
            words in ([str(i) for i in range(len(words))], [str(i + 1) for i in range(len(words))]) for words in firsts
        )
        if not counts or self._columns < 3:
            return 0
        self._faults.note(f'"{self._path}": the first column counts the words; the second one is read as the words.')
        return 1
