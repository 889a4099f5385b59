"""Recordings with a file of transcripts beside them, `19-7.trans.txt`, as LibriSpeech has them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tlbench import BadInputError, LoadRequest
from tlbench.assets import SOUND_SUFFIXES, Labelled, check_file
from tlbench_speech.transcripts.recordings import Recording, transcript_of

BOOK = ".trans.txt"
"""What the files of LibriSpeech that list transcripts end in."""


def books_in(root: Path) -> list[Path]:
    """Return the files of transcripts in a folder at any depth."""
    return sorted(path for path in root.rglob(f"*{BOOK}") if path.is_file())


def read_books(root: Path, request: LoadRequest) -> Labelled[Recording]:
    """Return the recordings in a folder at any depth; the speakers in their names are the groups."""
    books = books_in(root)
    inputs = [one for book in books for one in _recordings(book, request)]
    return Labelled(
        where=root,
        inputs=inputs,
        labels=[""] * len(inputs),
        groups=[one.path.stem.split("-")[0] for one in inputs],
        tables=tuple(books),
        faults=request.faults,
    )


def _recordings(book: Path, request: LoadRequest) -> Iterator[Recording]:
    for number, line in enumerate(_lines(book), 1):
        name, _, text = line.strip().partition(" ")
        if not name:
            continue
        where, said = f'"{book}", line {number}', transcript_of(text, request)
        if not _is_name(name):
            request.faults.refuse(f'{where}: "{name}" is not the name of a file beside it: correct it.')
            continue
        path = next((found for end in SOUND_SUFFIXES if (found := book.parent / f"{name}{end}").is_file()), None)
        if path is None:
            request.faults.refuse(f'{where}: there is no sound file "{name}" beside it: add it, or remove the line.')
        elif not said and request.options["empty"] == "refuse":
            request.faults.refuse(
                f'{where}: the transcript of "{name}" is empty: add it, or use --set task.empty=drop.'
            )
        elif said or request.options["empty"] == "keep":
            yield Recording(path, said, where)


def _is_name(name: str) -> bool:
    return Path(name).name == name and "\0" not in name


def _lines(book: Path) -> list[str]:
    """Return the lines of a file, which end in line feeds alone: texts may contain other signs that break lines."""
    check_file(book, "text")
    try:
        content = book.read_bytes()
    except OSError as error:
        raise BadInputError(f'"{book}" cannot be read ({error.strerror}): check the path.') from error
    try:
        return content.decode("utf-8-sig").split("\n")
    except UnicodeError as error:
        line = content.count(b"\n", 0, getattr(error, "start", 0)) + 1
        raise BadInputError(f'"{book}", line {line}, is not valid text ({error}): save it as UTF-8.') from error
