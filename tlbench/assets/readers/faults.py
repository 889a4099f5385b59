"""What is wrong with a user's files: an error at the first fault, or all of them where somebody collects."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from tlbench.errors import BadInputError, UsageError

T = TypeVar("T")
U = TypeVar("U")


@dataclass
class Faults:
    """What was met while data was read to the end."""

    errors: list[UsageError] = field(default_factory=list)
    _remarks: dict[str, list[str]] = field(default_factory=dict)
    _places: dict[int, tuple[object, str]] = field(default_factory=dict)

    @property
    def notes(self) -> list[str]:
        """What a run accepts and a user should know; what holds for several files comes with their number."""
        return [
            f'{text}: {len(files)} files, such as "{files[0]}".' if files else text
            for text, files in self._remarks.items()
        ]

    def remark(self, text: str, file: object = None) -> None:
        """Keep a note, or one more file that it holds for."""
        self._remarks.setdefault(text, []).extend([] if file is None else [str(file)])

    def locate(self, example: object, place: str) -> None:
        """Remember where an example comes from."""
        # By identity, since examples need not be hashable; it is kept, or its identity would go to another.
        self._places[id(example)] = (example, place)

    def place(self, example: object) -> str:
        """Return where an example comes from, or an empty string."""
        return self._places.get(id(example), (None, ""))[1]


_collected: ContextVar[Faults | None] = ContextVar("collected", default=None)


@contextmanager
def collected() -> Iterator[Faults]:
    """Read on past faults: the example at fault is left out and its error is kept, in the order they were met."""
    faults = Faults()
    token = _collected.set(faults)
    try:
        yield faults
    finally:
        _collected.reset(token)


def collecting() -> bool:
    """Return whether faults are collected."""
    return _collected.get() is not None


def refuse(message: str) -> None:
    """Raise `BadInputError`; where faults are collected, keep it and return."""
    _note(BadInputError(message))


def note(text: str, file: object = None) -> None:
    """Tell the user what is accepted and should be known; with a `file`, `text` is a clause that holds for several.

    A run warns once for each text; where faults are collected, it is kept, with the number of files.
    """
    if (faults := _collected.get()) is not None:
        faults.remark(text, file)
    else:
        warnings.warn(text if file is None else f"{text}.", stacklevel=1)


def attempt(read: Callable[[T], U], item: T) -> list[U]:
    """Return what `read` makes of an item, in a list; where faults are collected, an empty one for a faulty item."""
    try:
        return [read(item)]
    except BadInputError as error:
        _note(error)
        return []


def locate(example: object, origin: object) -> None:
    """Where faults are collected, remember that an example comes from a file, a place, or another example."""
    if (faults := _collected.get()) is not None:
        known = str(origin) if isinstance(origin, str | Path) else faults.place(origin)
        if known:
            faults.locate(example, known)


def _note(error: BadInputError) -> None:
    faults = _collected.get()
    if faults is None:
        raise error
    faults.errors.append(error)
