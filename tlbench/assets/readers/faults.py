"""Faults and notes that are collected while a user's files are read to the end."""

from __future__ import annotations

import warnings
from pathlib import Path

from tlbench.contract.faults import Faults, one_line
from tlbench.errors import BadInputError, UsageError


class NotedFaults(Faults):
    """Raises the first fault, and keeps the notes: one that applies to many files is given once, with their number."""

    def __init__(self) -> None:
        self._notes: dict[str, dict[str, None]] = {}

    @property
    def notes(self) -> list[str]:
        """What a run accepts and a user should know; a note that applies to several files gives their number."""
        counted = [
            f'{text.removesuffix(".")} (files: {len(files)}, such as "{next(iter(files))}").' if files else text
            for text, files in self._notes.items()
        ]
        return list(map(one_line, counted))

    def note(self, text: str, file: object = None) -> None:
        files = self._notes.setdefault(text, {})
        if file is not None:
            files[str(file)] = None  # By name: a file that is read again is the same.

    def warn(self) -> None:
        """Give all notes as warnings."""
        for note in self.notes:
            warnings.warn(note, stacklevel=1)


class CollectedFaults(NotedFaults):
    """Keeps every fault: a reader leaves out the faulty example and goes on."""

    collects = True

    def __init__(self) -> None:
        super().__init__()
        self.errors: list[UsageError] = []
        """In the order in which they were found."""
        self.columns: dict[str, list[str]] = {}
        """How each column of tables is read; columns of several files may be read in several ways."""
        self._places: dict[int, tuple[object, str]] = {}

    def add(self, error: BadInputError) -> None:
        self.errors.append(error)

    def describe(self, column: str, reading: str) -> None:
        readings = self.columns.setdefault(column or "(no name)", [])
        if reading not in readings:
            readings.append(reading)

    def locate(self, example: object, origin: object) -> None:
        if place := str(origin) if isinstance(origin, str | Path) else self.place(origin):
            # By identity, because examples need not be hashable. The example is kept: a freed id would be used again.
            self._places[id(example)] = (example, place)

    def place(self, example: object) -> str:
        """Return where an example comes from, or an empty string."""
        return self._places.get(id(example), (None, ""))[1]
