"""What happens to a fault in a user's files: a run raises it, an inspection collects all of them."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from typing import TypeVar

from tlbench.errors import BadInputError

T = TypeVar("T")
U = TypeVar("U")


def one_line(text: str) -> str:
    """Return a text with the line breaks in names of files as escapes: a name cannot look like another message."""
    return text.replace("\n", r"\n")


class Faults:
    """Receives what is wrong with a user's files. This class serves a run: the first fault is raised.

    `tlbench inspect` passes an object that collects faults, so that one call reports every broken file and line.
    """

    collects = False
    """Whether a reader goes on after a fault."""
    advises = True
    """Whether messages name options of a task; those of an export, which has none, do not."""

    def refuse(self, message: str) -> None:
        """Raise `BadInputError` with this message, or collect it and return."""
        self.add(BadInputError(message))

    def attempt(self, read: Callable[[T], U], item: T) -> list[U]:
        """Return `[read(item)]`; an empty list if reading fails and faults are collected."""
        try:
            return [read(item)]
        except BadInputError as error:
            self.add(error)
            return []

    def attempt_all(self, read: Callable[[T], U], items: Iterable[T]) -> list[U]:
        """Return `read(item)` of each item; while faults are collected, the first error is raised after all of them.

        It is for parts that are all needed, such as both domains: what is wrong with one does not hide the others.
        """
        errors: list[BadInputError] = []
        made: list[U] = []
        for item in items:
            try:
                made.append(read(item))
            except BadInputError as error:
                self.add(error)
                errors.append(error)
        if errors:
            raise errors[0]
        return made

    def add(self, error: BadInputError) -> None:
        """Raise an error, or collect it and return."""
        raise error

    def note(self, text: str, file: object = None) -> None:
        """Warn about something that a run accepts; with a `file`, `text` is a sentence that may apply to several."""
        warnings.warn(one_line(text), stacklevel=1)

    def describe(self, column: str, reading: str) -> None:
        """Tell an inspection how a column is read, such as "number" or "category: 3 values"."""

    def locate(self, example: object, origin: object) -> None:
        """Remember that an example comes from a file, from a place described as text, or from another example."""


class QuietFaults(Faults):
    """Raises faults and notes nothing, for a file that is read twice."""

    def note(self, text: str, file: object = None) -> None:
        """Do nothing."""


RAISE = Faults()
"""The default of every reader."""
QUIET = QuietFaults()
