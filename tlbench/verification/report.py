"""What a verification found: problems, and what could not be verified."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tlbench.results.escapes import plain

NO_PREDICTIONS = "no predictions"
RIGHT, WRONG, MISSING = 0, 1, 3
"""Exit statuses."""
LONGEST = 100
"""Characters of a value in a message."""


@dataclass(frozen=True)
class Problem:
    """A value that is not what it should be."""

    file: str
    """Below the board, or as it was named."""
    field: str
    """The field of a row, the line of a page, or empty for a file that cannot be read."""
    value: Any
    expected: str
    """What was computed or required, and from what."""

    def __str__(self) -> str:
        value, expected = _shown(repr(self.value), LONGEST), _shown(self.expected, 4 * LONGEST)
        return plain(f"{self.file}: {self.field} is {value}, expected {expected}")


def _shown(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 3]}..."


@dataclass
class Report:
    """What was found in the rows and files of a board."""

    rows: list[str] = field(default_factory=list)
    """The files of all rows."""
    problems: list[Problem] = field(default_factory=list)
    unverified: dict[str, str] = field(default_factory=dict)
    """File -> the first reason why it could not be verified."""

    def add(self, problems: Iterable[Problem]) -> None:
        """Add problems."""
        self.problems += problems

    def excuse(self, reasons: Mapping[str, str]) -> None:
        """Add reasons; a file keeps the one that it has."""
        self.unverified = {**reasons, **self.unverified}

    @property
    def wrong(self) -> set[str]:
        """The files that have a problem."""
        return {problem.file for problem in self.problems}

    def counts(self) -> dict[str, int]:
        """Return how many rows are verified, without predictions, not verifiable for another reason, and wrong."""
        wrong = self.wrong
        states = Counter("wrong" if file in wrong else self._state(file) for file in self.rows)
        return {state: states[state] for state in ("verified", "without_predictions", "not_verifiable", "wrong")}

    def _state(self, file: str) -> str:
        reason = self.unverified.get(file)
        if reason is None:
            return "verified"
        return "without_predictions" if reason.startswith(NO_PREDICTIONS) else "not_verifiable"

    @property
    def status(self) -> int:
        """The exit status: 0 if everything is right, 1 if something is wrong, 3 if something could not be verified."""
        if self.problems:
            return WRONG
        return MISSING if self.unverified or not self.rows else RIGHT


def differs(value: Any, expected: Any) -> bool:
    """Return whether two values of a row differ by more than rounding: numbers agree to nine digits."""
    if isinstance(value, float) or isinstance(expected, float):
        numbers = all(type(one) in (int, float) for one in (value, expected))
        return not numbers or not math.isclose(value, expected, rel_tol=1e-9, abs_tol=1e-12)
    return bool(value != expected or type(value) is not type(expected))
