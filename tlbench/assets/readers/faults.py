"""Faults that are collected while a user's files are read to the end."""

from __future__ import annotations

from pathlib import Path

from tlbench.contract.faults import Faults
from tlbench.errors import BadInputError, UsageError


class CollectedFaults(Faults):
    """Keeps every fault: a reader leaves out the faulty example and goes on."""

    collects = True

    def __init__(self) -> None:
        self.errors: list[UsageError] = []
        """In the order in which they were found."""
        self.columns: dict[str, list[str]] = {}
        """How each column of tables is read; columns of several files may be read in several ways."""
        self._notes: dict[str, list[str]] = {}
        self._places: dict[int, tuple[object, str]] = {}

    @property
    def notes(self) -> list[str]:
        """What a run accepts and a user should know; a note that applies to several files gives their number."""
        return [
            f'{text.removesuffix(".")} (files: {len(files)}, such as "{files[0]}").' if files else text
            for text, files in self._notes.items()
        ]

    def add(self, error: BadInputError) -> None:
        self.errors.append(error)

    def note(self, text: str, file: object = None) -> None:
        self._notes.setdefault(text, []).extend([] if file is None else [str(file)])

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
